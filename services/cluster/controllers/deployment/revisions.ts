import type { Deployment, Labels, ReplicaSet } from "../objects.ts";
import { desiredReplicas, maxSurge } from "./limits.ts";

export const revisionAnnotation = "deployment.kubernetes.io/revision";
export const historyAnnotation = "deployment.kubernetes.io/revision-history";
export const desiredAnnotation = "deployment.kubernetes.io/desired-replicas";
export const maxAnnotation = "deployment.kubernetes.io/max-replicas";

const notCopied = new Set([
  "kubectl.kubernetes.io/last-applied-configuration",
  revisionAnnotation,
  historyAnnotation,
  desiredAnnotation,
  maxAnnotation,
  "deprecated.deployment.rollback.to",
]);

const longestHistory = 2000;

export function revisionOf(replicaSet: { metadata: { annotations?: Labels } }): number {
  const revision = Number(replicaSet.metadata.annotations?.[revisionAnnotation] ?? 0);
  return Number.isSafeInteger(revision) ? revision : 0;
}

export function highestRevision(replicaSets: readonly ReplicaSet[]): number {
  return Math.max(0, ...replicaSets.map(revisionOf));
}

/** The annotations of the newest ReplicaSet: those of the Deployment, and its revision, which only ever rises. */
export function newReplicaSetAnnotations(deployment: Deployment, current: Labels, revision: number): Labels {
  const annotations = { ...current };
  for (const [key, value] of Object.entries(deployment.metadata.annotations ?? {})) {
    if (!notCopied.has(key)) annotations[key] = value;
  }
  const before = current[revisionAnnotation];
  if (before !== undefined && revisionOf({ metadata: { annotations: current } }) >= revision) return annotations;
  annotations[revisionAnnotation] = String(revision);
  if (before !== undefined) annotations[historyAnnotation] = extendedHistory(current[historyAnnotation], before);
  return annotations;
}

function extendedHistory(history: string | undefined, revision: string): string {
  const revisions = [...(history ? history.split(",") : []), revision];
  while (revisions.length > 1 && revisions.join(",").length > longestHistory) revisions.shift();
  return revisions.join(",");
}

/** The two annotations by which a later pass tells a scaling event from a rollout. */
export function sizeAnnotations(deployment: Deployment): Labels {
  const replicas = desiredReplicas(deployment);
  return { [desiredAnnotation]: String(replicas), [maxAnnotation]: String(replicas + maxSurge(deployment)) };
}

export function numberAnnotation(replicaSet: ReplicaSet, key: string): number | undefined {
  const value = replicaSet.metadata.annotations?.[key];
  return value !== undefined && /^\d+$/.test(value) ? Number(value) : undefined;
}
