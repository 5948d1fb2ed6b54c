import type { Deployment, ReplicaSet } from "../objects.ts";
import { desiredReplicas, isRollingUpdate, maxSurge, maxUnavailable } from "./limits.ts";
import { availableOf, isActiveSet, oldestFirst, replicasOf, sumOf } from "./replica-sets.ts";
import { desiredAnnotation, maxAnnotation, numberAnnotation } from "./revisions.ts";

/** The wanted size of some ReplicaSets, by name. Those that are not named keep theirs. */
export type Sizes = Map<string, number>;

/** Whether someone changed the Deployment's size since its ReplicaSets were last given theirs. */
export function isScalingEvent(deployment: Deployment, replicaSets: readonly ReplicaSet[]): boolean {
  return replicaSets.filter(isActiveSet).some((replicaSet) => {
    const desired = numberAnnotation(replicaSet, desiredAnnotation);
    return desired !== undefined && desired !== desiredReplicas(deployment);
  });
}

/** How large the newest ReplicaSet may be now, without going above replicas + surge in all. */
export function newReplicaSetSize(deployment: Deployment, all: readonly ReplicaSet[], newest: ReplicaSet): number {
  const desired = desiredReplicas(deployment);
  const current = replicasOf(newest);
  if (!isRollingUpdate(deployment) || current > desired) return desired;
  const room = desired + maxSurge(deployment) - sumOf(all, replicasOf);
  return room <= 0 ? current : current + Math.min(room, desired - current);
}

/** One step down of the old ReplicaSets of a rolling update: unhealthy pods first, then as many as availability allows. */
export function rollingScaleDown(deployment: Deployment, newest: ReplicaSet, old: readonly ReplicaSet[]): Sizes {
  const sizes: Sizes = new Map();
  const active = old.filter(isActiveSet).toSorted(oldestFirst);
  const minAvailable = desiredReplicas(deployment) - maxUnavailable(deployment);
  const newUnavailable = replicasOf(newest) - availableOf(newest);
  const room = sumOf([...active, newest], replicasOf) - minAvailable - newUnavailable;
  if (active.length === 0 || room <= 0) return sizes;

  let cleaned = 0;
  for (const replicaSet of active) {
    const unhealthy = Math.max(0, replicasOf(replicaSet) - availableOf(replicaSet));
    const count = Math.min(room - cleaned, unhealthy);
    if (count <= 0) continue;
    cleaned += count;
    sizes.set(replicaSet.metadata.name, replicasOf(replicaSet) - count);
  }

  let surplus = sumOf([...active, newest], availableOf) - minAvailable;
  for (const replicaSet of active) {
    if (surplus <= 0) break;
    const size = sizes.get(replicaSet.metadata.name) ?? replicasOf(replicaSet);
    const count = Math.min(size, surplus);
    if (count === 0) continue;
    surplus -= count;
    sizes.set(replicaSet.metadata.name, size - count);
  }
  return sizes;
}

/** The sizes after the Deployment's own size changed: in the middle of a rollout each ReplicaSet keeps its share. */
export function scaledSizes(deployment: Deployment, newest: ReplicaSet | undefined, old: readonly ReplicaSet[]): Sizes {
  const desired = desiredReplicas(deployment);
  const all = newest ? [...old, newest] : [...old];
  const active = all.filter(isActiveSet);
  if (active.length <= 1) {
    const only = active[0] ?? newest ?? old.toSorted(oldestFirst).at(-1);
    return only ? new Map([[only.metadata.name, desired]]) : new Map();
  }
  if (newest && isSaturated(deployment, newest)) {
    return new Map(old.filter(isActiveSet).map((replicaSet) => [replicaSet.metadata.name, 0]));
  }
  if (isRollingUpdate(deployment)) return proportionalSizes(deployment, active);
  return new Map(active.map((replicaSet) => [replicaSet.metadata.name, replicasOf(replicaSet)]));
}

function isSaturated(deployment: Deployment, newest: ReplicaSet): boolean {
  const desired = desiredReplicas(deployment);
  return (
    replicasOf(newest) === desired && numberAnnotation(newest, desiredAnnotation) === desired && availableOf(newest) === desired
  );
}

function proportionalSizes(deployment: Deployment, active: readonly ReplicaSet[]): Sizes {
  const desired = desiredReplicas(deployment);
  const allowed = desired > 0 ? desired + maxSurge(deployment) : 0;
  const toAdd = allowed - sumOf(active, replicasOf);
  // Largest first; of equals the newer one grows first and the older one shrinks first.
  const ordered = active.toSorted(
    (left, right) => replicasOf(right) - replicasOf(left) || (toAdd > 0 ? oldestFirst(right, left) : oldestFirst(left, right)),
  );
  const sizes: Sizes = new Map();
  let added = 0;
  for (const replicaSet of ordered) {
    const share = proportion(deployment, replicaSet, toAdd, added);
    added += share;
    sizes.set(replicaSet.metadata.name, replicasOf(replicaSet) + share);
  }
  const [largest] = ordered;
  if (largest && toAdd !== 0) {
    const { name } = largest.metadata;
    sizes.set(name, Math.max(0, (sizes.get(name) ?? 0) + toAdd - added));
  }
  return sizes;
}

function proportion(deployment: Deployment, replicaSet: ReplicaSet, toAdd: number, added: number): number {
  const size = replicasOf(replicaSet);
  if (size === 0 || toAdd === 0 || toAdd === added) return 0;
  const fraction = fractionOf(deployment, replicaSet);
  return toAdd > 0 ? Math.min(fraction, toAdd - added) : Math.max(fraction, toAdd - added);
}

function fractionOf(deployment: Deployment, replicaSet: ReplicaSet): number {
  const size = replicasOf(replicaSet);
  const desired = desiredReplicas(deployment);
  if (desired === 0) return -size;
  const maxBefore = numberAnnotation(replicaSet, maxAnnotation) || (deployment.status?.replicas ?? 0);
  if (maxBefore === 0) return 0;
  return Math.round((size * (desired + maxSurge(deployment))) / maxBefore) - size;
}
