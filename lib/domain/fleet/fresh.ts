import type { KubernetesClient } from "#lib/kubernetes/client.ts";
import { KubernetesError } from "#lib/kubernetes/errors.ts";
import {
  type ControllerRevision,
  paths,
  type ReplicaSet,
  type TemplateRevision,
  type Workload,
  type WorkloadKind,
} from "#lib/kubernetes/objects.ts";
import { readControllerRevision, readReplicaSet, readWorkload } from "#lib/kubernetes/workloads.ts";
import { candidateOfLabel } from "../rollouts/engine/run.ts";
import { serviceOfCandidate } from "./candidate.ts";
import { kindLabel, type ServiceRef } from "./schemas.ts";
import { isManaged, isOwnedBy } from "./template.ts";

/** Reads of the cluster itself, for what must not rest on the shared copies: they may be behind. */

/**
 * The Deployment or StatefulSet of that name: the managed one where there are both, else the Deployment. Throws KubernetesError
 * (404) when there is neither.
 */
export async function fetchWorkload(kubernetes: KubernetesClient, { namespace, name }: ServiceRef): Promise<Workload> {
  const read = (kind: WorkloadKind) => kubernetes.get<Workload>(paths.workload(kind, namespace, name));
  const deployment = await read("Deployment").catch(orMissing);
  if (!(deployment instanceof KubernetesError) && isManaged(deployment)) return deployment;
  const statefulSet = await read("StatefulSet").catch(orMissing);
  if (!(statefulSet instanceof KubernetesError) && isManaged(statefulSet)) return statefulSet;
  const found = [deployment, statefulSet].find((one): one is Workload => !(one instanceof KubernetesError));
  if (found) return found;
  throw deployment;
}

/** As fetchWorkload, but null when there is none. */
export async function findWorkload(kubernetes: KubernetesClient, ref: ServiceRef): Promise<Workload | null> {
  const workload = await fetchWorkload(kubernetes, ref).catch(orMissing);
  return workload instanceof KubernetesError ? null : workload;
}

/** Every managed workload of the cluster. */
export async function listManagedWorkloads(kubernetes: KubernetesClient): Promise<Workload[]> {
  const list = async (kind: WorkloadKind, path: string) => {
    const objects = await kubernetes.list<Omit<Workload, "kind">>(path, { labelSelector: kindLabel });
    return objects.map((object) => readWorkload(kind, object));
  };
  return (await Promise.all([list("Deployment", paths.deployments), list("StatefulSet", paths.statefulSets)])).flat();
}

/** Every rollout's candidate in the cluster, by the id of the service that it stands beside. */
export async function listCandidates(kubernetes: KubernetesClient): Promise<Map<string, Workload>> {
  const objects = await kubernetes.list<Omit<Workload, "kind">>(paths.deployments, { labelSelector: candidateOfLabel });
  const candidates = objects.map((object) => readWorkload("Deployment", object));
  return new Map(
    candidates.flatMap((workload) => {
      const service = serviceOfCandidate(workload);
      return service === null ? [] : [[`${workload.metadata.namespace}/${service}`, workload] as const];
    }),
  );
}

/** The workload's history. */
export async function fetchRevisions(kubernetes: KubernetesClient, workload: Workload): Promise<TemplateRevision[]> {
  const { namespace = "", uid } = workload.metadata;
  const query = { labelSelector: selectorOf(workload) };
  const all =
    workload.kind === "Deployment"
      ? (await kubernetes.list<ReplicaSet>(paths.replicaSetsOf(namespace), query)).map(readReplicaSet)
      : (await kubernetes.list<ControllerRevision>(paths.controllerRevisionsOf(namespace), query)).map(readControllerRevision);
  return all.filter((revision) => isOwnedBy(revision, uid));
}

/** The workload's label selector as the API takes it. */
export function selectorOf({ spec }: Workload): string | undefined {
  const labels = Object.entries(spec.selector.matchLabels ?? {}).map(([key, value]) => `${key}=${value}`);
  return labels.join(",") || undefined;
}

/** The error when it says that there is no such object; any other one is thrown. */
function orMissing(error: unknown): KubernetesError {
  if (error instanceof KubernetesError && error.status === 404) return error;
  throw error;
}
