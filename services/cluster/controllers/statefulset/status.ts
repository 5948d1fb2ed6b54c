import { isDeepStrictEqual } from "node:util";
import type { Pod } from "../objects.ts";
import { availableInMs, isReady } from "../pod-state.ts";
import { type Revisions, wantedReplicas } from "./pods.ts";
import { revisionOf } from "./revisions.ts";
import type { StatefulSet, StatefulSetStatus } from "./types.ts";

export function isRunningAndReady(pod: Pod): boolean {
  return pod.status?.phase === "Running" && isReady(pod);
}

/** In how many milliseconds a running, ready pod counts as available: 0 when it does now, undefined when it is not ready. */
export function podAvailableInMs(set: StatefulSet, pod: Pod, now: Date): number | undefined {
  return pod.status?.phase === "Running" ? availableInMs(pod, set.spec.minReadySeconds ?? 0, now) : undefined;
}

export function isTerminating({ metadata }: Pod): boolean {
  return metadata.deletionTimestamp !== undefined;
}

/** The status that the pods give, when it is another one. An update is complete once every pod is of its revision and ready. */
export function planStatus(
  set: StatefulSet,
  pods: readonly Pod[],
  { current, update }: Revisions,
  now: Date,
): StatefulSetStatus | undefined {
  const alive = pods.filter((pod) => !isTerminating(pod));
  const atRevision = (name: string) => alive.filter((pod) => revisionOf(pod) === name).length;
  const { collisionCount = 0, conditions } = set.status ?? {};
  const status: StatefulSetStatus = {
    observedGeneration: set.metadata.generation,
    replicas: pods.length,
    readyReplicas: pods.filter(isRunningAndReady).length,
    availableReplicas: pods.filter((pod) => podAvailableInMs(set, pod, now) === 0).length,
    currentReplicas: atRevision(current.metadata.name),
    updatedReplicas: atRevision(update.metadata.name),
    currentRevision: current.metadata.name,
    updateRevision: update.metadata.name,
    collisionCount,
    ...(conditions ? { conditions } : {}),
  };
  const wanted = wantedReplicas(set);
  const isRolling = (set.spec.updateStrategy?.type ?? "RollingUpdate") === "RollingUpdate";
  const counts = [status.updatedReplicas, status.readyReplicas, status.replicas];
  if (isRolling && counts.every((count) => count === wanted)) {
    status.currentReplicas = status.updatedReplicas;
    status.currentRevision = status.updateRevision;
  }
  return isDeepStrictEqual(plain(status), plain(set.status)) ? undefined : status;
}

function plain(status: StatefulSetStatus | undefined): unknown {
  return Object.fromEntries(Object.entries(status ?? {}).filter(([, value]) => value !== undefined && value !== 0));
}
