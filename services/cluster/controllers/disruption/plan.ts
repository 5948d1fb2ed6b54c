import { timestamp } from "../../timestamp.ts";
import type { Pod } from "../objects.ts";
import { isReady } from "../pod-state.ts";
import { resolveIntOrPercent } from "../quantity.ts";
import type { BudgetStatus, PodDisruptionBudget } from "./types.ts";

/** So long after an eviction was granted the pod's deletion must have been seen; otherwise the pod counts again. */
export const deletionTimeoutMs = 120_000;

/** The scale that the owner of a pod wants; `undefined` for a pod without an owner. Throws when the owner tells none. */
export type ScaleOf = (pod: Pod) => { uid: string; replicas: number } | undefined;

export type BudgetPlan = {
  status: BudgetStatus;
  /** Pods of no owner: the counts do not include them. */
  unmanaged: Pod[];
  /** Pods whose eviction was granted long ago and which are still there. */
  overdue: Pod[];
  recheckMs: number | undefined;
};

/** What a budget allows now. Kubernetes: pkg/controller/disruption/disruption.go. */
export function planBudget(budget: PodDisruptionBudget, pods: readonly Pod[], scaleOf: ScaleOf, now: Date): BudgetPlan {
  const { expected, desired, unmanaged } = countsOf(budget, pods, scaleOf);
  const disrupted = disruptedPods(budget.status?.disruptedPods ?? {}, pods, now);
  const healthy = pods.filter(
    (pod) => !pod.metadata.deletionTimestamp && !(pod.metadata.name in disrupted.pending) && isReady(pod),
  ).length;
  const allowed = expected > 0 ? Math.max(0, healthy - desired) : 0;
  const status: BudgetStatus = {
    ...(Object.keys(disrupted.pending).length > 0 ? { disruptedPods: disrupted.pending } : {}),
    observedGeneration: budget.metadata.generation ?? 1,
    disruptionsAllowed: allowed,
    currentHealthy: healthy,
    desiredHealthy: desired,
    expectedPods: expected,
  };
  return {
    status: withAllowedCondition({ ...status, conditions: budget.status?.conditions }, budget, now),
    unmanaged,
    overdue: disrupted.overdue,
    recheckMs: disrupted.recheckMs,
  };
}

function countsOf({ spec }: PodDisruptionBudget, pods: readonly Pod[], scaleOf: ScaleOf) {
  const { minAvailable, maxUnavailable } = spec;
  if (typeof minAvailable === "number") return { expected: pods.length, desired: minAvailable, unmanaged: [] };
  if (minAvailable === undefined && maxUnavailable === undefined) return { expected: 0, desired: 0, unmanaged: [] };
  const scales = new Map<string, number>();
  const unmanaged: Pod[] = [];
  for (const pod of pods) {
    const scale = scaleOf(pod);
    if (scale) scales.set(scale.uid, scale.replicas);
    else unmanaged.push(pod);
  }
  const expected = [...scales.values()].reduce((sum, replicas) => sum + replicas, 0);
  const desired =
    maxUnavailable === undefined
      ? resolveIntOrPercent(minAvailable ?? 0, expected, "up")
      : Math.max(0, expected - resolveIntOrPercent(maxUnavailable, expected, "up"));
  return { expected, desired, unmanaged };
}

function disruptedPods(recorded: Record<string, string>, pods: readonly Pod[], now: Date) {
  const pending: Record<string, string> = {};
  const overdue: Pod[] = [];
  let recheckMs: number | undefined;
  for (const pod of pods) {
    const since = recorded[pod.metadata.name];
    if (since === undefined || pod.metadata.deletionTimestamp) continue;
    const leftMs = Date.parse(since) + deletionTimeoutMs - now.getTime();
    if (leftMs < 0) {
      overdue.push(pod);
      continue;
    }
    pending[pod.metadata.name] = since;
    recheckMs = Math.min(recheckMs ?? leftMs, leftMs);
  }
  return { pending, overdue, recheckMs };
}

/** The status with its condition DisruptionAllowed as the count says; `failure` when the count could not be made. */
export function withAllowedCondition(
  status: BudgetStatus,
  { metadata }: PodDisruptionBudget,
  now: Date,
  failure?: string,
): BudgetStatus {
  const isAllowed = status.disruptionsAllowed > 0;
  const before = status.conditions?.find(({ type }) => type === "DisruptionAllowed");
  const word = isAllowed ? ("True" as const) : ("False" as const);
  const condition = {
    type: "DisruptionAllowed",
    status: word,
    reason: failure ? "SyncFailed" : isAllowed ? "SufficientPods" : "InsufficientPods",
    message: failure ?? "",
    observedGeneration: metadata.generation ?? 1,
    lastTransitionTime: before?.status === word ? before.lastTransitionTime : timestamp(now),
  };
  return { ...status, conditions: [...(status.conditions ?? []).filter((one) => one !== before), condition] };
}
