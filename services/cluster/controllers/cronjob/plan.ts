import type { NewObject } from "../../api.ts";
import { timestamp } from "../../timestamp.ts";
import type { PlannedEvent } from "../events.ts";
import { isFinished } from "../job/plan.ts";
import type { Job } from "../job/types.ts";
import type { ObjectReference } from "../objects.ts";
import { controllerReference } from "../owners.ts";
import { isTimeZone, missedSince, parseSchedule, type Schedule } from "./schedule.ts";
import type { CronJob, CronJobStatus } from "./types.ts";

const timeAnnotation = "batch.kubernetes.io/cronjob-scheduled-timestamp";

export type CronJobWorld = { cronJob: CronJob; jobs: readonly Job[]; now: Date };

export type CronJobPlan = {
  /** Finished jobs beyond the history limits. */
  tidy: Job[];
  /** Jobs that still run and make way for the next one. */
  replace: Job[];
  create?: { job: NewObject<Job>; scheduledAt: Date };
  status: CronJobStatus;
  events: PlannedEvent[];
  requeueAfterMs?: number;
};

/** One pass over a CronJob, decided without touching anything. Kubernetes: pkg/controller/cronjob. */
export function planCronJob(world: CronJobWorld): CronJobPlan {
  const { cronJob, jobs, now } = world;
  const plan: CronJobPlan = { tidy: surplusJobs(world), replace: [], events: [], status: { ...cronJob.status } };
  noteJobs(plan, cronJob, jobs);
  if (cronJob.metadata.deletionTimestamp !== undefined) return plan;
  const schedule = readSchedule(plan, cronJob);
  if (!schedule || cronJob.spec.suspend) return plan;
  const due = dueTime(plan, world, schedule);
  if (due) start(plan, world, due);
  const next = schedule.next(now);
  if (next) plan.requeueAfterMs = Math.max(1, next.getTime() - now.getTime());
  return plan;
}

function noteJobs(plan: CronJobPlan, { status }: CronJob, jobs: readonly Job[]): void {
  const byUid = new Map(jobs.map((job) => [job.metadata.uid, job]));
  const active: ObjectReference[] = [];
  for (const reference of status?.active ?? []) {
    const job = byUid.get(reference.uid ?? "");
    const end = job && isFinished(job);
    if (!job) tell(plan, "Normal", "MissingJob", `Active job went missing: ${reference.name}`);
    else if (end) tell(plan, "Normal", "SawCompletedJob", `Saw completed job: ${reference.name}, condition: ${end.type}`);
    else active.push(reference);
  }
  for (const job of jobs) {
    if (isFinished(job) || active.some(({ uid }) => uid === job.metadata.uid)) continue;
    // Made for a scheduled time by a pass that was interrupted, or by hand: that one runs beside the schedule.
    if (job.metadata.annotations?.[timeAnnotation]) active.push(referenceTo(job));
    else tell(plan, "Warning", "UnexpectedJob", `Saw a job that the controller did not create or forgot: ${job.metadata.name}`);
  }
  const successes = jobs.flatMap(({ status: job }) => (job?.completionTime ? [job.completionTime] : []));
  const last = [...successes, ...(status?.lastSuccessfulTime ? [status.lastSuccessfulTime] : [])].sort().at(-1);
  const { active: _, ...rest } = plan.status;
  plan.status = { ...rest, ...(active.length > 0 ? { active } : {}), ...(last ? { lastSuccessfulTime: last } : {}) };
}

function readSchedule(plan: CronJobPlan, { spec }: CronJob): Schedule | undefined {
  const { schedule, timeZone } = spec;
  if (timeZone !== undefined && !isTimeZone(timeZone)) {
    tell(plan, "Warning", "UnknownTimeZone", `invalid timeZone: "${timeZone}": unknown time zone ${timeZone}`);
    return undefined;
  }
  try {
    return parseSchedule(schedule, timeZone);
  } catch (error) {
    tell(plan, "Warning", "UnparseableSchedule", `unparseable schedule: "${schedule}" : ${(error as Error).message}`);
    return undefined;
  }
}

/** The latest time that is due and was not served yet; older ones that were missed are not made up for. */
function dueTime(plan: CronJobPlan, { cronJob, now }: CronJobWorld, schedule: Schedule): Date | undefined {
  const { startingDeadlineSeconds } = cronJob.spec;
  const servedMs = Date.parse(cronJob.status?.lastScheduleTime ?? cronJob.metadata.creationTimestamp);
  const deadlineMs = startingDeadlineSeconds === undefined ? 0 : now.getTime() - startingDeadlineSeconds * 1000;
  const { latest, count } = missedSince(schedule, new Date(Math.max(servedMs, deadlineMs)), now);
  if (count > 100) {
    const message = "too many missed start times. Set or decrease .spec.startingDeadlineSeconds or check clock skew";
    tell(plan, "Warning", "TooManyMissedTimes", message);
  }
  if (latest || startingDeadlineSeconds === undefined) return latest;
  const { latest: tooLate } = missedSince(schedule, new Date(servedMs), now);
  if (tooLate) tell(plan, "Warning", "MissSchedule", `Missed scheduled time to start a job: ${tooLate.toUTCString()}`);
  return undefined;
}

function start(plan: CronJobPlan, { cronJob, jobs }: CronJobWorld, scheduledAt: Date): void {
  const { concurrencyPolicy } = cronJob.spec;
  const { active = [] } = plan.status;
  const name = jobName(cronJob, scheduledAt);
  if (active.some((reference) => reference.name === name)) {
    plan.status.lastScheduleTime = timestamp(scheduledAt);
    return;
  }
  if (concurrencyPolicy === "Forbid" && active.length > 0) {
    const message = "Not starting job because prior execution is running and concurrency policy is Forbid";
    tell(plan, "Normal", "JobAlreadyActive", message);
    return;
  }
  if (concurrencyPolicy === "Replace") {
    plan.replace = jobs.filter(({ metadata }) => active.some(({ uid }) => uid === metadata.uid));
    delete plan.status.active;
  }
  plan.create = { job: newJob(cronJob, name, scheduledAt), scheduledAt };
}

/** One name for one time: a pass that is repeated finds the job that the first one made. */
function jobName({ metadata }: CronJob, scheduledAt: Date): string {
  return `${metadata.name}-${Math.floor(scheduledAt.getTime() / 60_000)}`;
}

function newJob(cronJob: CronJob, name: string, scheduledAt: Date): NewObject<Job> {
  const { metadata, spec } = cronJob.spec.jobTemplate;
  return {
    apiVersion: "batch/v1",
    kind: "Job",
    metadata: {
      name,
      namespace: cronJob.metadata.namespace,
      ...(metadata?.labels ? { labels: metadata.labels } : {}),
      annotations: { ...metadata?.annotations, [timeAnnotation]: localTime(scheduledAt, cronJob.spec.timeZone) },
      ownerReferences: [controllerReference(cronJob)],
    },
    spec,
  };
}

/** RFC 3339 with the offset of the time zone. */
function localTime(date: Date, timeZone = "UTC"): string {
  const offset = new Intl.DateTimeFormat("en", { timeZone, timeZoneName: "longOffset" })
    .formatToParts(date)
    .find(({ type }) => type === "timeZoneName")?.value;
  const match = /^GMT([+-])(\d\d):(\d\d)$/.exec(offset ?? "");
  if (!match || offset === "GMT+00:00") return `${date.toISOString().slice(0, 19)}Z`;
  const [, sign, hours, minutes] = match;
  const shiftMs = (Number(hours) * 60 + Number(minutes)) * 60_000 * (sign === "-" ? -1 : 1);
  return `${new Date(date.getTime() + shiftMs).toISOString().slice(0, 19)}${sign}${hours}:${minutes}`;
}

export function referenceTo({ apiVersion, kind, metadata }: Job): ObjectReference {
  const { namespace, name, uid, resourceVersion } = metadata;
  return { apiVersion, kind, namespace, name, uid, resourceVersion };
}

function surplusJobs({ cronJob, jobs }: CronJobWorld): Job[] {
  const { successfulJobsHistoryLimit = 3, failedJobsHistoryLimit = 1 } = cronJob.spec;
  const beyond = (type: string, limit: number) => {
    const ended = jobs.filter((job) => isFinished(job)?.type === type).toSorted(startedFirst);
    return ended.slice(0, Math.max(0, ended.length - limit));
  };
  return [...beyond("Complete", successfulJobsHistoryLimit), ...beyond("Failed", failedJobsHistoryLimit)];
}

function startedFirst(left: Job, right: Job): number {
  const [a = "9", b = "9"] = [left.status?.startTime, right.status?.startTime];
  if (a !== b) return a < b ? -1 : 1;
  return left.metadata.name < right.metadata.name ? -1 : 1;
}

function tell(plan: CronJobPlan, type: PlannedEvent["type"], reason: string, message: string): void {
  plan.events.push({ type, reason, message });
}
