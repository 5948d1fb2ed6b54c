import type { KubernetesClient } from "#lib/kubernetes/client.ts";
import { KubernetesError } from "#lib/kubernetes/errors.ts";
import { type Pod, paths, type TemplateRevision, type Workload } from "#lib/kubernetes/objects.ts";
import { describeMovement } from "../../autoscaling/movement.ts";
import { findAutoscaler } from "../../autoscaling/owner.ts";
import { describeService } from "../../fleet/describe.ts";
import { fetchRevisions, findWorkload, selectorOf } from "../../fleet/fresh.ts";
import { countReplicas, describeFailing } from "../../fleet/health.ts";
import type { ServiceRef } from "../../fleet/schemas.ts";
import { findCurrentRevision, isOwnedBy } from "../../fleet/template.ts";
import { candidateName, type RolloutRun } from "./run.ts";
import { filterSelecting } from "./selecting.ts";
import { findRoute, type RouteObject, type ServiceObject } from "./traffic.ts";

/** What a rollout with a strategy looks at in the cluster, read afresh for each pass. */
export type World = {
  /** null when the workload is gone or was made anew. */
  stable: Workload | null;
  /** The value by which stable's pods of its present template name it; null before the cluster has made it. */
  stableHash: string | null;
  revisions: readonly TemplateRevision[];
  candidate: Workload | null;
  candidateHash: string | null;
  /** The Service whose traffic is divided; null when nothing dials in. */
  service: ServiceObject | null;
  candidateService: ServiceObject | null;
  /** All Services that select stable's instances. */
  selecting: readonly ServiceObject[];
  route: RouteObject | null;
  /** The autoscaler of stable, with a sentence while it changes the number of instances. */
  autoscaler: { name: string; movement: string | null } | null;
  /** What is wrong with instances that are waited for; null when nothing is. */
  failing: string | null;
};

/** What is read: the service, the uid of the workload that the rollout began with, and what it found then. */
export type WorldInput = { ref: ServiceRef; uid: string; before: RolloutRun["before"] | null; now: Date };

/** Reads the world. Throws KubernetesError. */
export async function readWorld(kubernetes: KubernetesClient, { ref, uid, before, now }: WorldInput): Promise<World> {
  const [found, candidate] = await Promise.all([findWorkload(kubernetes, ref), findCandidate(kubernetes, ref)]);
  const stable = found?.metadata.uid === uid ? found : null;
  const [services, routes] = await Promise.all([
    kubernetes.list<ServiceObject>(paths.servicesOf(ref.namespace)),
    listRoutes(kubernetes, ref.namespace, before?.route?.kind),
  ]);
  const selecting = stable ? filterSelecting(services, stable.spec.template) : [];
  const service = before?.service ? byName(services, before.service) : stable && findService(selecting, stable);
  const route = chooseRoute(routes, service, before);
  const dialled = before?.service ?? service?.metadata.name;
  const candidateService = dialled ? byName(services, candidateName(dialled)) : null;
  if (!stable) return { ...nothing, candidate, service, candidateService, route };
  const [revisions, candidateRevisions, autoscaler, failing] = await Promise.all([
    fetchRevisions(kubernetes, stable),
    candidate ? fetchRevisions(kubernetes, candidate) : [],
    findAutoscaler(kubernetes, stable),
    findFailing(kubernetes, [stable, candidate], now),
  ]);
  return {
    stable,
    stableHash: findCurrentRevision(stable, revisions)?.hash ?? null,
    revisions,
    candidate,
    candidateHash: candidate ? (findCurrentRevision(candidate, candidateRevisions)?.hash ?? null) : null,
    service,
    candidateService,
    selecting,
    route,
    autoscaler: autoscaler && { name: autoscaler.metadata.name, movement: describeMovement(autoscaler, now) },
    failing,
  };
}

const nothing: World = {
  stable: null,
  stableHash: null,
  revisions: [],
  candidate: null,
  candidateHash: null,
  service: null,
  candidateService: null,
  selecting: [],
  route: null,
  autoscaler: null,
  failing: null,
};

async function findCandidate(kubernetes: KubernetesClient, { namespace, name }: ServiceRef): Promise<Workload | null> {
  try {
    const path = paths.workload("Deployment", namespace, candidateName(name));
    return { ...(await kubernetes.get<Workload>(path)), kind: "Deployment" };
  } catch (error) {
    if (error instanceof KubernetesError && error.status === 404) return null;
    throw error;
  }
}

const routePaths = {
  VirtualService: (namespace: string) =>
    `/apis/networking.istio.io/v1/namespaces/${encodeURIComponent(namespace)}/virtualservices`,
  HTTPRoute: (namespace: string) => `/apis/gateway.networking.k8s.io/v1/namespaces/${encodeURIComponent(namespace)}/httproutes`,
} as const;

/** The address of one route. */
export function routePath({ kind, metadata }: RouteObject): string {
  return `${routePaths[kind](metadata.namespace ?? "")}/${encodeURIComponent(metadata.name)}`;
}

/** Every route of the namespace; a cluster that does not know such objects has none, nor one that does not show those not `needed`. */
async function listRoutes(
  kubernetes: KubernetesClient,
  namespace: string,
  needed: RouteObject["kind"] | undefined,
): Promise<RouteObject[]> {
  const list = async (kind: RouteObject["kind"]) => {
    const objects = await kubernetes.list<RouteObject>(routePaths[kind](namespace)).catch((error: unknown) => {
      const isWithout = error instanceof KubernetesError && (error.status === 404 || (error.status === 403 && kind !== needed));
      if (isWithout) return [];
      throw error;
    });
    return objects.map((object) => ({ ...object, kind }));
  };
  return (await Promise.all([list("HTTPRoute"), list("VirtualService")])).flat();
}

function chooseRoute(routes: RouteObject[], service: ServiceObject | null, before: WorldInput["before"]): RouteObject | null {
  const saved = before?.route;
  if (saved) return routes.find(({ kind, metadata }) => kind === saved.kind && metadata.name === saved.name) ?? null;
  return service && findRoute(routes, service.metadata.namespace ?? "", service.metadata.name);
}

function byName(services: readonly ServiceObject[], name: string): ServiceObject | null {
  return services.find(({ metadata }) => metadata.name === name) ?? null;
}

/** Of the Services that select its instances the one of the workload's name, else the first. */
function findService(selecting: readonly ServiceObject[], { metadata }: Workload): ServiceObject | null {
  return byName(selecting, metadata.name) ?? selecting[0] ?? null;
}

/** Pods are read only while some are missing. */
async function findFailing(
  kubernetes: KubernetesClient,
  workloads: readonly (Workload | null)[],
  now: Date,
): Promise<string | null> {
  for (const workload of workloads) {
    if (!workload || !isIncomplete(workload)) continue;
    const [revisions, labelled] = await Promise.all([
      fetchRevisions(kubernetes, workload),
      kubernetes.list<Pod>(paths.podsOf(workload.metadata.namespace ?? ""), { labelSelector: selectorOf(workload) }),
    ]);
    const owners = [workload, ...revisions].map(({ metadata }) => metadata.uid);
    const pods = labelled.filter((pod) => owners.some((uid) => isOwnedBy(pod, uid)));
    const { instances } = describeService({ workload, revisions, pods }, { now, staleSince: null });
    const failing = describeFailing(instances);
    if (failing) return failing;
  }
  return null;
}

function isIncomplete(workload: Workload): boolean {
  const { desired, updated, available } = countReplicas(workload);
  return updated < desired || available < desired;
}
