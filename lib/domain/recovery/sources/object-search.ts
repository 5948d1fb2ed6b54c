import type { KubernetesClient } from "#lib/kubernetes/client.ts";
import { KubernetesError } from "#lib/kubernetes/errors.ts";
import { matchesSelector } from "#lib/kubernetes/label-selector.ts";
import type { LabelSelector, Workload } from "#lib/kubernetes/objects.ts";
import { fetchWorkload } from "../../fleet/fresh.ts";
import type { ServiceRef } from "../../fleet/schemas.ts";
import { listReferences } from "../../rollouts/start/config-references.ts";
import { selects } from "./discover.ts";
import { fieldsOf, type LiveObject, listOf } from "./object-form.ts";
import { collectionPath, type ObjectKind, objectPath } from "./object-kinds.ts";

export type FoundObject = { kind: ObjectKind; live: LiveObject };

/** A service's objects, and the names of those that it asks for and the cluster does not have. */
export type FoundObjects = { found: FoundObject[]; missing: string[] };

/** Annotations of a workload that name a value of a Secret, SECRET/KEY. */
const secretAnnotations = ["database-secret", "database-replica", "admin-secret"];

/**
 * The service's workload, what it references, and what selects, guards, scales or routes to its pods. Throws KubernetesError, also when
 * Switchyard may not read one of these kinds; a kind that the cluster does not know has no objects.
 */
export async function findObjects(kubernetes: KubernetesClient, ref: ServiceRef): Promise<FoundObjects> {
  const { namespace } = ref;
  const workload = await fetchWorkload(kubernetes, ref);
  const found: FoundObject[] = [{ kind: workload.kind, live: workload as unknown as LiveObject }];
  const missing: string[] = [];
  const labels = workload.spec.template.metadata?.labels ?? {};

  const list = (kind: ObjectKind) => listKind(kubernetes, kind, namespace);
  const keep = async (kind: ObjectKind, isWanted: (live: LiveObject) => boolean) => {
    const kept = (await list(kind)).filter(isWanted);
    found.push(...kept.map((live) => ({ kind, live })));
    return kept;
  };

  const services = await keep("Service", ({ spec }) =>
    selects(fieldsOf(spec).selector as Record<string, string> | undefined, labels),
  );
  const names = new Set(services.map(({ metadata }) => metadata.name));
  await keep("PodDisruptionBudget", ({ spec }) => matchesSelector(fieldsOf(spec).selector as LabelSelector | undefined, labels));
  await keep("NetworkPolicy", ({ spec }) => matchesSelector(fieldsOf(spec).podSelector as LabelSelector | undefined, labels));
  await keep("HorizontalPodAutoscaler", ({ spec }) => {
    const target = fieldsOf(fieldsOf(spec).scaleTargetRef);
    return target.kind === workload.kind && target.name === workload.metadata.name;
  });
  await keep("VirtualService", ({ spec }) => hostsOf(spec).some((host) => leadsTo(host, names, namespace)));
  await keep("HTTPRoute", ({ spec }) =>
    [...findAll(spec, "parentRefs"), ...findAll(spec, "backendRefs")].some((one) => isOneOf(one, names)),
  );
  const ingresses = await keep("Ingress", ({ spec }) =>
    [...findAll(spec, "backend"), ...findAll(spec, "defaultBackend")].some(({ service }) => isOneOf(fieldsOf(service), names)),
  );

  for (const { kind, name, isOptional } of referencesOf(workload, ingresses)) {
    const live = await findOne(kubernetes, kind, namespace, name);
    if (live && live.type !== "kubernetes.io/service-account-token") found.push({ kind, live });
    if (!live && !isOptional) missing.push(`${kind} ${name}`);
  }
  return { found, missing };
}

type Reference = { kind: ObjectKind; name: string; isOptional: boolean };

/** What the workload and its ingresses name, each once. */
function referencesOf(workload: Workload, ingresses: readonly LiveObject[]): Reference[] {
  const { spec } = workload.spec.template;
  const annotations = workload.metadata.annotations ?? {};
  const wanted = (kind: ObjectKind, name: unknown): Reference[] =>
    typeof name === "string" && name !== "" ? [{ kind, name, isOptional: false }] : [];
  const all: Reference[] = [
    ...listReferences(workload.spec.template).map(({ kind, name, optional }) => ({ kind, name, isOptional: optional })),
    ...listOf(spec.imagePullSecrets).flatMap(({ name }) => wanted("Secret", name)),
    ...secretAnnotations.flatMap((name) => wanted("Secret", annotations[`switchyard.dev/${name}`]?.trim().split("/")[0])),
    ...ingresses
      .flatMap((ingress) => listOf(fieldsOf(ingress.spec).tls))
      .flatMap(({ secretName }) => wanted("Secret", secretName)),
    ...(spec.serviceAccountName === "default" ? [] : wanted("ServiceAccount", spec.serviceAccountName)),
    ...listOf(spec.volumes).flatMap((volume) =>
      wanted("PersistentVolumeClaim", fieldsOf(volume.persistentVolumeClaim).claimName),
    ),
    ...claimsOf(workload),
  ];
  return [...new Map(all.toReversed().map((one) => [`${one.kind}/${one.name}`, one])).values()].toReversed();
}

/** The claims that a StatefulSet makes of its templates; it makes missing ones itself. */
function claimsOf({ kind, metadata, spec }: Workload): Reference[] {
  if (kind !== "StatefulSet") return [];
  const fields = spec as typeof spec & { volumeClaimTemplates?: { metadata: { name: string } }[]; ordinals?: { start?: number } };
  const first = fields.ordinals?.start ?? 0;
  const ordinals = Array.from({ length: spec.replicas ?? 1 }, (_, index) => first + index);
  return (fields.volumeClaimTemplates ?? []).flatMap((claim) =>
    ordinals.map((ordinal) => ({
      kind: "PersistentVolumeClaim" as const,
      name: `${claim.metadata.name}-${metadata.name}-${ordinal}`,
      isOptional: true,
    })),
  );
}

async function listKind(kubernetes: KubernetesClient, kind: ObjectKind, namespace: string): Promise<LiveObject[]> {
  try {
    return await kubernetes.list<LiveObject>(collectionPath(kind, namespace));
  } catch (error) {
    if (error instanceof KubernetesError && error.status === 404) return [];
    throw error;
  }
}

/** Null when there is none. */
export async function findOne(
  kubernetes: KubernetesClient,
  kind: string,
  namespace: string,
  name: string,
): Promise<LiveObject | null> {
  try {
    return await kubernetes.get<LiveObject>(objectPath(kind, namespace, name));
  } catch (error) {
    if (error instanceof KubernetesError && error.status === 404) return null;
    throw error;
  }
}

/** The hosts and destinations of a VirtualService. */
function hostsOf(spec: unknown): string[] {
  const hosts = fieldsOf(spec).hosts;
  const destinations = [...findAll(spec, "destination")].map(({ host }) => host);
  return [...(Array.isArray(hosts) ? hosts : []), ...destinations].filter((host) => typeof host === "string");
}

function leadsTo(host: string, names: ReadonlySet<string>, namespace: string): boolean {
  const [name = "", in_ = namespace] = host.split(".");
  return names.has(name) && in_ === namespace;
}

function isOneOf({ name }: Record<string, unknown>, names: ReadonlySet<string>): boolean {
  return typeof name === "string" && names.has(name);
}

/** Every object that stands under a field of this name, however deep; the members of a list one by one. */
function* findAll(value: unknown, field: string): Generator<Record<string, unknown>> {
  if (Array.isArray(value)) {
    for (const entry of value) yield* findAll(entry, field);
    return;
  }
  for (const [key, entry] of Object.entries(fieldsOf(value))) {
    if (key === field) yield* Array.isArray(entry) ? listOf(entry) : [fieldsOf(entry)];
    yield* findAll(entry, field);
  }
}
