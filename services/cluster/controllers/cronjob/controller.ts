import { isDeepStrictEqual } from "node:util";
import { type Change, type NewObject, resources, StatusError } from "../../api.ts";
import { timestamp } from "../../timestamp.ts";
import { type Context, type Controller, runController } from "../controller.ts";
import type { Job } from "../job/types.ts";
import { controllerOf, isControlledBy } from "../owners.ts";
import { ignoreNotFound, messageOf } from "../refusals.ts";
import { keyOf, sameResource, splitKey } from "../view.ts";
import type { Requeue } from "../work-queue.ts";
import { planCronJob, referenceTo } from "./plan.ts";
import type { CronJob, CronJobStatus } from "./types.ts";

/** Starts a job whenever a CronJob's schedule says so, and keeps a short history of them. */
export function startCronJobController(context: Context): Controller {
  const { cluster, view, clock } = context;
  const events = context.recorder("cronjob-controller");
  const jobsByController = view.index<Job>(resources.jobs, (job) => {
    const owner = controllerOf(job);
    return owner?.kind === "CronJob" ? [owner.uid] : [];
  });

  return runController(context, { name: "cronjob", keysFor, reconcile });

  function* keysFor({ id, object }: Change): Iterable<string> {
    if (sameResource(id, resources.cronJobs)) yield keyOf(object);
    const owner = sameResource(id, resources.jobs) ? controllerOf(object) : undefined;
    if (owner?.kind === "CronJob") yield `${object.metadata.namespace}/${owner.name}`;
  }

  async function reconcile(key: string): Promise<Requeue> {
    const { namespace, name } = splitKey(key);
    const cronJob = cluster.get<CronJob>(resources.cronJobs, namespace, name);
    if (!cronJob) return undefined;
    const plan = planCronJob({ cronJob, jobs: jobsByController.get(cronJob.metadata.uid), now: clock.now() });
    for (const event of plan.events) events.record(cronJob, event);
    for (const job of [...plan.tidy, ...plan.replace]) await remove(cronJob, job);
    const { status } = plan;
    const job = plan.create && (await create(cronJob, plan.create.job));
    if (job && plan.create) {
      status.active = [...(status.active ?? []), referenceTo(job)];
      status.lastScheduleTime = timestamp(plan.create.scheduledAt);
    }
    if (!isDeepStrictEqual(plain(status), plain(cronJob.status))) {
      await cluster.updateStatus<CronJob>(resources.cronJobs, { ...cronJob, status });
    }
    return plan.requeueAfterMs === undefined ? undefined : { afterMs: plan.requeueAfterMs };
  }

  /** A job of this name that an interrupted pass made already is the one that was wanted. */
  async function create(cronJob: CronJob, wanted: NewObject<Job>): Promise<Job | undefined> {
    try {
      const job = await cluster.create<Job>(resources.jobs, wanted);
      events.record(cronJob, { type: "Normal", reason: "SuccessfulCreate", message: `Created job ${job.metadata.name}` });
      return job;
    } catch (error) {
      const { namespace = "", name = "" } = wanted.metadata;
      if (error instanceof StatusError && error.reason === "AlreadyExists") {
        const existing = cluster.get<Job>(resources.jobs, namespace, name);
        return existing && isControlledBy(existing, cronJob) ? existing : undefined;
      }
      const message = `Error creating job: ${messageOf(error)}`;
      events.record(cronJob, { type: "Warning", reason: "FailedCreate", message });
      throw error;
    }
  }

  async function remove(cronJob: CronJob, { metadata }: Job): Promise<void> {
    if (metadata.deletionTimestamp) return;
    const options = { propagationPolicy: "Background", preconditions: { uid: metadata.uid } } as const;
    await cluster.delete(resources.jobs, metadata.namespace ?? "", metadata.name, options).catch(ignoreNotFound);
    events.record(cronJob, { type: "Normal", reason: "SuccessfulDelete", message: `Deleted job ${metadata.name}` });
  }
}

function plain(status: CronJobStatus | undefined): unknown {
  return Object.fromEntries(Object.entries(status ?? {}).filter(([, value]) => value !== undefined));
}
