import { isDeepStrictEqual } from "node:util";
import { timestamp } from "../../timestamp.ts";
import { withCondition, withoutCondition } from "../conditions.ts";
import type { Pod, ReplicaSet, ReplicaSetStatus } from "../objects.ts";
import { availableInMs, findCondition, isActive, isReady } from "../pod-state.ts";
import { matchesLabels, matchesSelector } from "../selectors.ts";
import { deletionOrder } from "./ranking.ts";

/** At most so many pods are created or deleted in one pass. */
const burst = 500;

export type ReplicaSetWorld = {
  replicaSet: ReplicaSet;
  /** The pods that the ReplicaSet controls, whatever state they are in. */
  owned: readonly Pod[];
  /** Pods of the namespace that have no controller. */
  orphans: readonly Pod[];
  /** The active pods of all ReplicaSets of the same owner, this one's included. */
  related: readonly Pod[];
  now: Date;
};

export type ReplicaSetPlan = { adopt: Pod[]; release: Pod[]; create: number; remove: Pod[] };

/** What one pass does to the pods. Kubernetes: pkg/controller/replicaset. */
export function planReplicaSet({ replicaSet, owned, orphans, related, now }: ReplicaSetWorld): ReplicaSetPlan {
  const { selector } = replicaSet.spec;
  const deleting = replicaSet.metadata.deletionTimestamp !== undefined;
  const matches = (pod: Pod) => matchesSelector(selector, pod.metadata.labels);
  const adopt = deleting ? [] : orphans.filter((pod) => isActive(pod) && matches(pod));
  const release = owned.filter((pod) => !matches(pod) && pod.metadata.deletionTimestamp === undefined);
  const active = [...owned.filter((pod) => isActive(pod) && matches(pod)), ...adopt];
  const missing = deleting ? 0 : (replicaSet.spec.replicas ?? 1) - active.length;
  return { adopt, release, create: Math.max(0, Math.min(burst, missing)), remove: surplus(active, -missing, related, now) };
}

function surplus(active: readonly Pod[], count: number, related: readonly Pod[], now: Date): Pod[] {
  if (count <= 0) return [];
  const perNode = new Map<string, number>();
  for (const { spec } of related) if (spec.nodeName) perNode.set(spec.nodeName, (perNode.get(spec.nodeName) ?? 0) + 1);
  const ranked = active.map((pod) => ({ pod, neighbours: perNode.get(pod.spec.nodeName ?? "") ?? 0 }));
  return deletionOrder(ranked, now).slice(0, Math.min(burst, count));
}

export type StatusWorld = {
  replicaSet: ReplicaSet;
  owned: readonly Pod[];
  /** Why pods could not be created or deleted in this pass. */
  failure?: { reason: "FailedCreate" | "FailedDelete"; message: string };
  now: Date;
};

export type StatusPlan = { status?: ReplicaSetStatus; requeueAfterMs?: number };

/** The status that the pods give, when it is another one, and when time alone will change it. */
export function planStatus({ replicaSet, owned, failure, now }: StatusWorld): StatusPlan {
  const { selector, template, minReadySeconds = 0 } = replicaSet.spec;
  const active = owned.filter((pod) => isActive(pod) && matchesSelector(selector, pod.metadata.labels));
  const waits = active.map((pod) => availableInMs(pod, minReadySeconds, now));
  const pending = waits.filter((wait) => wait !== undefined && wait > 0) as number[];
  const status: ReplicaSetStatus = {
    replicas: active.length,
    fullyLabeledReplicas: active.filter((pod) => matchesLabels(template.metadata?.labels, pod.metadata.labels)).length,
    readyReplicas: active.filter(isReady).length,
    availableReplicas: waits.filter((wait) => wait === 0).length,
    observedGeneration: replicaSet.metadata.generation,
  };
  const conditions = failureConditions(replicaSet, failure, now);
  if (conditions.length > 0) status.conditions = conditions;
  return {
    ...(isDeepStrictEqual(plain(status), plain(replicaSet.status)) ? {} : { status }),
    ...(pending.length > 0 ? { requeueAfterMs: Math.min(...pending) } : {}),
  };
}

function failureConditions(replicaSet: ReplicaSet, failure: StatusWorld["failure"], now: Date) {
  const before = replicaSet.status?.conditions;
  if (!failure) return withoutCondition(before, "ReplicaFailure");
  if (findCondition(before, "ReplicaFailure")) return [...(before ?? [])];
  return withCondition(before, { type: "ReplicaFailure", status: "True", lastTransitionTime: timestamp(now), ...failure });
}

function plain(status: ReplicaSetStatus | undefined): unknown {
  return Object.fromEntries(Object.entries(status ?? {}).filter(([, value]) => value !== undefined && value !== 0));
}
