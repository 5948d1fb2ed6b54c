import { timestamp } from "../../timestamp.ts";
import { withCondition, withoutCondition } from "../conditions.ts";
import type { PlannedEvent } from "../events.ts";
import type { Condition, Pod } from "../objects.ts";
import { findCondition, hasEnded, isActive } from "../pod-state.ts";
import { deletionOrder } from "../replicaset/ranking.ts";
import { backoffMs, hasRestartedTooOften } from "./backoff.ts";
import { judgeFailure } from "./failure-policy.ts";
import { indexOf, parseIndexes } from "./indexes.ts";
import { hasFailed, isIndexed, isTracked } from "./tracking.ts";
import type { Job, JobStatus } from "./types.ts";

/** At most so many pods are created or deleted in one pass. */
const burst = 500;

export type JobWorld = {
  /** The job with its ended pods counted. */
  job: Job;
  pods: readonly Pod[];
  now: Date;
};

export type JobPlan = {
  /** One entry for each pod to create: its completion index, or undefined where pods have none. */
  create: (number | undefined)[];
  /** Pods that are not needed any more; those of `uncounted` do not count as failures. */
  remove: Pod[];
  uncounted: boolean;
  conditions: Condition[];
  startTime?: string;
  completionTime?: string;
  events: PlannedEvent[];
  requeueAfterMs?: number;
};

type Ending = { type: "Complete" | "Failed"; reason: string; message: string };

const reached: Ending = {
  type: "Complete",
  reason: "CompletionsReached",
  message: "Reached expected number of succeeded pods",
};

/** One pass over a job that has not finished. Kubernetes: pkg/controller/job. */
export function planJob(world: JobWorld): JobPlan {
  const { job, pods, now } = world;
  const { conditions = [], startTime } = job.status ?? {};
  const plan: JobPlan = { create: [], remove: [], uncounted: false, conditions: [...conditions], events: [] };
  const started = startTime ?? (job.spec.suspend ? undefined : timestamp(now));
  if (started) plan.startTime = started;
  const active = pods.filter(isActive);
  const ending = endingOf(world, active, started);
  if (ending) finish(plan, ending, world, active);
  else if (job.spec.suspend) suspend(plan, active, now);
  else {
    resume(plan, job, now);
    if (job.metadata.deletionTimestamp === undefined) populate(plan, world, active);
    const deadlineMs = deadlineOf(job, plan.startTime);
    if (deadlineMs !== undefined) wake(plan, deadlineMs - now.getTime());
  }
  return plan;
}

export function isFinished({ status }: Job): Condition | undefined {
  return status?.conditions?.find(({ type, status: word }) => (type === "Complete" || type === "Failed") && word === "True");
}

function endingOf({ job, pods, now }: JobWorld, active: readonly Pod[], started: string | undefined): Ending | undefined {
  const { conditions, failed = 0 } = job.status ?? {};
  const decided = findCondition(conditions, "FailureTarget");
  if (decided?.status === "True") {
    return { type: "Failed", reason: decided.reason ?? "", message: decided.message ?? "" };
  }
  if (findCondition(conditions, "SuccessCriteriaMet")?.status === "True") return reached;
  const fatal = pods.filter(({ status }) => status?.phase === "Failed").map((pod) => judgeFailure(job, pod));
  const rule = fatal.find(({ action }) => action === "FailJob");
  if (rule) return { type: "Failed", reason: "PodFailurePolicy", message: rule.message };
  if (failed > (job.spec.backoffLimit ?? 6) || hasRestartedTooOften(job, pods)) {
    return { type: "Failed", reason: "BackoffLimitExceeded", message: "Job has reached the specified backoff limit" };
  }
  const deadlineMs = deadlineOf(job, started);
  if (!job.spec.suspend && deadlineMs !== undefined && deadlineMs <= now.getTime()) {
    return { type: "Failed", reason: "DeadlineExceeded", message: "Job was active longer than specified deadline" };
  }
  return isComplete(job, active) ? reached : undefined;
}

function isComplete({ spec, status }: Job, active: readonly Pod[]): boolean {
  const { succeeded = 0 } = status ?? {};
  if (spec.completions !== undefined) return succeeded >= spec.completions;
  return succeeded > 0 && active.length === 0;
}

function deadlineOf({ spec }: Job, started: string | undefined): number | undefined {
  if (spec.activeDeadlineSeconds === undefined || !started) return undefined;
  return Date.parse(started) + spec.activeDeadlineSeconds * 1000;
}

/** First the verdict, then the end of the pods that still run, and only when all are gone the final condition. */
function finish(plan: JobPlan, { type, reason, message }: Ending, { pods, now }: JobWorld, active: readonly Pod[]): void {
  const verdict = type === "Complete" ? "SuccessCriteriaMet" : "FailureTarget";
  plan.conditions = withCondition(plan.conditions, condition(now, verdict, "True", reason, message));
  plan.remove = [...active];
  plan.uncounted = type === "Complete";
  const isSettled = pods.every((pod) => hasEnded(pod) && !isTracked(pod));
  if (!isSettled) return;
  plan.conditions = withCondition(plan.conditions, condition(now, type, "True", reason, message));
  if (type === "Complete") plan.completionTime = timestamp(now);
  plan.events.push(
    type === "Complete"
      ? { type: "Normal", reason: "Completed", message: "Job completed" }
      : { type: "Warning", reason, message },
  );
}

function suspend(plan: JobPlan, active: readonly Pod[], now: Date): void {
  delete plan.startTime;
  plan.remove = [...active];
  plan.uncounted = true;
  if (findCondition(plan.conditions, "Suspended")?.status === "True") return;
  plan.conditions = replaced(plan.conditions, condition(now, "Suspended", "True", "JobSuspended", "Job suspended"));
  plan.events.push({ type: "Normal", reason: "Suspended", message: "Job suspended" });
}

function resume(plan: JobPlan, { spec }: Job, now: Date): void {
  if (spec.suspend || findCondition(plan.conditions, "Suspended")?.status !== "True") return;
  plan.conditions = replaced(plan.conditions, condition(now, "Suspended", "False", "JobResumed", "Job resumed"));
  plan.startTime = timestamp(now);
  plan.events.push({ type: "Normal", reason: "Resumed", message: "Job resumed" });
}

function populate(plan: JobPlan, { job, pods, now }: JobWorld, active: readonly Pod[]): void {
  const superfluous = isIndexed(job) ? duplicatesOf(job, active) : [];
  const useful = active.filter((pod) => !superfluous.includes(pod));
  const wanted = wantedActive(job, useful.length);
  plan.uncounted = true;
  plan.remove = [...superfluous, ...leastUseful(useful, useful.length - wanted, now)].slice(0, burst);
  const waiting = pods.filter((pod) => !hasEnded(pod) && pod.metadata.deletionTimestamp !== undefined).length;
  const missing = wanted - useful.length - (job.spec.podReplacementPolicy === "Failed" ? waiting : 0);
  // A pod that ended since the last count is counted by the pass that its end has asked for; until then nothing may replace it.
  const isUncounted = pods.some((pod) => isTracked(pod) && (hasEnded(pod) || hasFailed(job, pod)));
  if (missing <= 0 || plan.remove.length > 0 || isUncounted) return;
  const delayMs = backoffMs(job, pods, now);
  if (delayMs > 0) {
    wake(plan, delayMs);
    return;
  }
  const count = Math.min(missing, burst);
  plan.create = isIndexed(job) ? freeIndexes(job, useful, count) : Array.from({ length: count }, () => undefined);
}

/** A job with a number of completions never runs more pods than are missing; a work queue only drains once one has succeeded. */
function wantedActive({ spec, status }: Job, active: number): number {
  const { succeeded = 0 } = status ?? {};
  const { parallelism = 1, completions } = spec;
  if (completions === undefined) return succeeded > 0 ? Math.min(active, parallelism) : parallelism;
  return Math.max(0, Math.min(completions - succeeded, parallelism));
}

function leastUseful(active: readonly Pod[], count: number, now: Date): Pod[] {
  if (count <= 0) return [];
  const ranked = active.map((pod) => ({ pod, neighbours: 0 }));
  return deletionOrder(ranked, now).slice(0, count);
}

function duplicatesOf({ spec, status }: Job, active: readonly Pod[]): Pod[] {
  const taken = parseIndexes(status?.completedIndexes);
  return active.filter((pod) => {
    const index = indexOf(pod);
    if (index === undefined || index >= (spec.completions ?? 0) || taken.has(index)) return true;
    taken.add(index);
    return false;
  });
}

function freeIndexes({ spec, status }: Job, active: readonly Pod[], count: number): number[] {
  const taken = parseIndexes(status?.completedIndexes);
  for (const pod of active) taken.add(indexOf(pod) ?? -1);
  const free: number[] = [];
  for (let index = 0; index < (spec.completions ?? 0) && free.length < count; index += 1) if (!taken.has(index)) free.push(index);
  return free;
}

function wake(plan: JobPlan, afterMs: number): void {
  plan.requeueAfterMs = Math.max(1, Math.min(afterMs, plan.requeueAfterMs ?? afterMs));
}

function replaced(conditions: readonly Condition[], next: Condition): Condition[] {
  return [...withoutCondition(conditions, next.type), next];
}

function condition(now: Date, type: string, status: Condition["status"], reason: string, message: string): Condition {
  const time = timestamp(now);
  return { type, status, lastProbeTime: time, lastTransitionTime: time, reason, message };
}

/** The counts that the pods give. */
export function countPods(pods: readonly Pod[]): Pick<JobStatus, "active" | "ready" | "terminating"> {
  const active = pods.filter(isActive);
  const isReady = (pod: Pod) => findCondition(pod.status?.conditions, "Ready")?.status === "True";
  return {
    active: active.length,
    ready: active.filter(isReady).length,
    terminating: pods.filter((pod) => !hasEnded(pod) && pod.metadata.deletionTimestamp !== undefined).length,
  };
}
