import { timestamp } from "../../timestamp.ts";
import { withCondition, withoutCondition } from "../conditions.ts";
import type { Condition, Deployment, DeploymentStatus, ReplicaSet } from "../objects.ts";
import { findCondition } from "../pod-state.ts";
import { desiredReplicas, maxUnavailable, progressDeadlineMs } from "./limits.ts";
import { availableOf, replicasOf, sumOf } from "./replica-sets.ts";

export type Observed = {
  deployment: Deployment;
  newest: ReplicaSet | undefined;
  old: readonly ReplicaSet[];
  now: Date;
};

/** The counts and the Available condition. `conditions` are the ones to start from. */
export function countedStatus({ deployment, newest, old, now }: Observed, conditions: readonly Condition[]): DeploymentStatus {
  const all = newest ? [...old, newest] : [...old];
  const available = sumOf(all, availableOf);
  const { collisionCount } = deployment.status ?? {};
  const enough = available >= desiredReplicas(deployment) - maxUnavailable(deployment);
  return {
    observedGeneration: deployment.metadata.generation,
    replicas: sumOf(all, ({ status }) => status?.replicas ?? 0),
    updatedReplicas: newest?.status?.replicas ?? 0,
    readyReplicas: sumOf(all, ({ status }) => status?.readyReplicas ?? 0),
    availableReplicas: available,
    unavailableReplicas: Math.max(0, sumOf(all, replicasOf) - available),
    ...(collisionCount === undefined ? {} : { collisionCount }),
    conditions: withCondition(
      conditions,
      enough
        ? condition(now, "Available", "True", "MinimumReplicasAvailable", "Deployment has minimum availability.")
        : condition(now, "Available", "False", "MinimumReplicasUnavailable", "Deployment does not have minimum availability."),
    ),
  };
}

/** The status during a rollout: the counted one with the Progressing and ReplicaFailure conditions. */
export function rolloutStatus(observed: Observed, conditionsBefore: readonly Condition[]): DeploymentStatus {
  const { deployment, newest, old, now } = observed;
  const status = countedStatus(observed, conditionsBefore);
  let conditions = status.conditions ?? [];
  const deadlineMs = progressDeadlineMs(deployment);
  if (deadlineMs === undefined) conditions = withoutCondition(conditions, "Progressing");
  else conditions = withProgress(observed, status, conditions, deadlineMs);
  const failure = [newest, ...old].map((set) => findCondition(set?.status?.conditions, "ReplicaFailure")).find((one) => one);
  conditions = failure
    ? withCondition(conditions, { ...failure, lastUpdateTime: failure.lastTransitionTime ?? timestamp(now) })
    : withoutCondition(conditions, "ReplicaFailure");
  return { ...status, conditions };
}

function withProgress(
  { deployment, newest, now }: Observed,
  status: DeploymentStatus,
  conditions: readonly Condition[],
  deadlineMs: number,
): Condition[] {
  const current = findCondition(conditions, "Progressing");
  const finished = status.replicas === status.updatedReplicas && current?.reason === "NewReplicaSetAvailable";
  if (finished) return [...conditions];
  const subject = newest ? `ReplicaSet "${newest.metadata.name}"` : `Deployment "${deployment.metadata.name}"`;
  if (isComplete(deployment, status)) {
    const message = `${subject} has successfully progressed.`;
    return withCondition(conditions, condition(now, "Progressing", "True", "NewReplicaSetAvailable", message));
  }
  if (hasProgressed(deployment.status ?? {}, status)) {
    // The same reason again still moves lastUpdateTime: it is the start of the deadline.
    const progressed = condition(now, "Progressing", "True", "ReplicaSetUpdated", `${subject} is progressing.`);
    if (current?.status === "True") progressed.lastTransitionTime = current.lastTransitionTime;
    return [...withoutCondition(conditions, "Progressing"), progressed];
  }
  if (hasTimedOut(current, deadlineMs, now)) {
    const message = `${subject} has timed out progressing.`;
    return withCondition(conditions, condition(now, "Progressing", "False", "ProgressDeadlineExceeded", message));
  }
  return [...conditions];
}

/** Whether every desired pod is of the newest template and available, and none of an older one is left. */
export function isComplete(deployment: Deployment, status: DeploymentStatus): boolean {
  const desired = desiredReplicas(deployment);
  return (
    status.updatedReplicas === desired &&
    status.replicas === desired &&
    status.availableReplicas === desired &&
    (status.observedGeneration ?? 0) >= (deployment.metadata.generation ?? 0)
  );
}

function hasProgressed(before: DeploymentStatus, after: DeploymentStatus): boolean {
  const { replicas = 0, updatedReplicas = 0, readyReplicas = 0, availableReplicas = 0 } = before;
  return (
    (after.updatedReplicas ?? 0) > updatedReplicas ||
    (after.replicas ?? 0) - (after.updatedReplicas ?? 0) < replicas - updatedReplicas ||
    (after.readyReplicas ?? 0) > readyReplicas ||
    (after.availableReplicas ?? 0) > availableReplicas
  );
}

function hasTimedOut(progressing: Condition | undefined, deadlineMs: number, now: Date): boolean {
  if (!progressing || progressing.reason === "NewReplicaSetAvailable") return false;
  if (progressing.reason === "ProgressDeadlineExceeded") return true;
  return Date.parse(progressing.lastUpdateTime ?? "") + deadlineMs < now.getTime();
}

/** In how many milliseconds the progress must be looked at again; undefined when the rollout is done, failed or not watched. */
export function progressCheckInMs(deployment: Deployment, status: DeploymentStatus, now: Date): number | undefined {
  const deadlineMs = progressDeadlineMs(deployment);
  const progressing = findCondition(status.conditions, "Progressing");
  if (deadlineMs === undefined || !progressing || isComplete(deployment, status)) return undefined;
  if (["ProgressDeadlineExceeded", "DeploymentPaused", "NewReplicaSetAvailable"].includes(progressing.reason ?? ""))
    return undefined;
  const remaining = Date.parse(progressing.lastUpdateTime ?? "") + deadlineMs - now.getTime();
  return Number.isNaN(remaining) ? undefined : Math.max(1000, remaining + 1000);
}

export function condition(now: Date, type: string, status: Condition["status"], reason: string, message: string): Condition {
  const time = timestamp(now);
  return { type, status, lastUpdateTime: time, lastTransitionTime: time, reason, message };
}
