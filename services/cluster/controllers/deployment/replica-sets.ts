import type { Deployment, ReplicaSet } from "../objects.ts";
import { sameTemplate } from "./template.ts";

export function replicasOf(replicaSet: ReplicaSet): number {
  return replicaSet.spec.replicas ?? 1;
}

export function availableOf(replicaSet: ReplicaSet): number {
  return replicaSet.status?.availableReplicas ?? 0;
}

export function sumOf(replicaSets: readonly ReplicaSet[], count: (replicaSet: ReplicaSet) => number): number {
  return replicaSets.reduce((sum, replicaSet) => sum + count(replicaSet), 0);
}

export function isActiveSet(replicaSet: ReplicaSet): boolean {
  return replicasOf(replicaSet) > 0;
}

export function oldestFirst(left: ReplicaSet, right: ReplicaSet): number {
  return (
    Date.parse(left.metadata.creationTimestamp) - Date.parse(right.metadata.creationTimestamp) ||
    compareText(left.metadata.name, right.metadata.name)
  );
}

/** Of several ReplicaSets with the Deployment's template the oldest one is the newest revision's: every pass picks the same. */
export function findNewReplicaSet(deployment: Deployment, replicaSets: readonly ReplicaSet[]): ReplicaSet | undefined {
  return replicaSets.toSorted(oldestFirst).find(({ spec }) => sameTemplate(spec.template, deployment.spec.template));
}

function compareText(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0;
}
