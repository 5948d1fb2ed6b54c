import type { NewObject } from "../../api.ts";
import type { Labels, Pod } from "../objects.ts";
import { controllerReference } from "../owners.ts";
import { claimNamesOf } from "./claims.ts";
import { atRevision, revisionLabel } from "./revisions.ts";
import type { ControllerRevision, StatefulSet } from "./types.ts";

export const podNameLabel = "statefulset.kubernetes.io/pod-name";
const podIndexLabel = "apps.kubernetes.io/pod-index";

export type Revisions = { current: ControllerRevision; update: ControllerRevision };

export function wantedReplicas({ spec }: StatefulSet): number {
  return spec.replicas ?? 1;
}

export function firstOrdinal({ spec }: StatefulSet): number {
  return spec.ordinals?.start ?? 0;
}

/** The number at the end of a pod's name when the rest of the name is the set's; undefined for any other pod. */
export function ordinalOf(set: StatefulSet, { metadata }: Pod): number | undefined {
  const match = /^(.*)-(\d+)$/.exec(metadata.name);
  return match?.[1] === set.metadata.name ? Number(match[2]) : undefined;
}

export function isInRange(set: StatefulSet, ordinal: number): boolean {
  const first = firstOrdinal(set);
  return ordinal >= first && ordinal < first + wantedReplicas(set);
}

/** The pod of an ordinal: below the partition at the revision that is current, above it at the one that is rolled out. */
export function newPod(set: StatefulSet, ordinal: number, { current, update }: Revisions): NewObject<Pod> {
  const revision = wantsCurrent(set, ordinal) ? current : update;
  const { metadata, spec } = atRevision(set, revision).spec.template;
  const name = `${set.metadata.name}-${ordinal}`;
  const claims = claimNamesOf(set, ordinal);
  const others = ((spec.volumes ?? []) as { name: string }[]).filter((volume) => !claims.has(volume.name));
  const own = [...claims].map(([volume, claimName]) => ({ name: volume, persistentVolumeClaim: { claimName } }));
  const volumes = [...own, ...others];
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name,
      namespace: set.metadata.namespace,
      labels: { ...metadata?.labels, ...identityLabels(name, ordinal), [revisionLabel]: revision.metadata.name },
      ...(metadata?.annotations ? { annotations: metadata.annotations } : {}),
      ...(Array.isArray(metadata?.finalizers) ? { finalizers: metadata.finalizers } : {}),
      ownerReferences: [controllerReference(set)],
    },
    spec: {
      ...spec,
      ...(volumes.length > 0 ? { volumes } : {}),
      hostname: name,
      ...(set.spec.serviceName ? { subdomain: set.spec.serviceName } : {}),
    },
  };
}

/** The pod with the labels that say who it is, when it has lost one of them. */
export function withIdentity(pod: Pod, ordinal: number): Pod | undefined {
  const wanted = identityLabels(pod.metadata.name, ordinal);
  const { labels = {} } = pod.metadata;
  if (Object.entries(wanted).every(([key, value]) => labels[key] === value)) return undefined;
  return { ...pod, metadata: { ...pod.metadata, labels: { ...labels, ...wanted } } };
}

function identityLabels(name: string, ordinal: number): Labels {
  return { [podNameLabel]: name, [podIndexLabel]: String(ordinal) };
}

function wantsCurrent(set: StatefulSet, ordinal: number): boolean {
  const { type = "RollingUpdate", rollingUpdate } = set.spec.updateStrategy ?? {};
  return type === "RollingUpdate" && ordinal < firstOrdinal(set) + (rollingUpdate?.partition ?? 0);
}
