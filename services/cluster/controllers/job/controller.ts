import { isDeepStrictEqual } from "node:util";
import { type Change, resources } from "../../api.ts";
import { timestamp } from "../../timestamp.ts";
import { type Context, type Controller, runController } from "../controller.ts";
import type { Pod } from "../objects.ts";
import { controllerOf } from "../owners.ts";
import { ignoreNotFound, isNamespaceTerminating, messageOf } from "../refusals.ts";
import { keyOf, sameResource, splitKey } from "../view.ts";
import type { Requeue } from "../work-queue.ts";
import { countPods, isFinished, type JobPlan, planJob } from "./plan.ts";
import { newPod } from "./pods.ts";
import { isTracked, planTracking, withoutTracking } from "./tracking.ts";
import type { Job, JobStatus } from "./types.ts";

/** Runs each job's pods until enough of them have succeeded or too many have failed. */
export function startJobController(context: Context): Controller {
  const { cluster, view, indexes, clock } = context;
  const events = context.recorder("job-controller");
  const tracked = view.index<Pod>(resources.pods, (pod) => (isTracked(pod) ? jobKeysOf(pod) : []));

  return runController(context, { name: "job", keysFor, reconcile });

  function* keysFor({ id, object, previous }: Change): Iterable<string> {
    if (sameResource(id, resources.jobs)) yield keyOf(object);
    if (!sameResource(id, resources.pods)) return;
    for (const pod of previous ? [object, previous] : [object]) yield* jobKeysOf(pod as Pod);
  }

  async function reconcile(key: string): Promise<Requeue> {
    const { namespace, name } = splitKey(key);
    const job = cluster.get<Job>(resources.jobs, namespace, name);
    for (const pod of tracked.get(key)) {
      if (controllerOf(pod)?.uid !== job?.metadata.uid) await release(pod);
    }
    if (!job) return undefined;
    if (isFinished(job)) return finishUp(job);
    return sync(await track(job));
  }

  /** Notes ended pods, lets them go, and gives the job as it is when they are counted. */
  async function track(job: Job): Promise<Job> {
    const tracking = planTracking(job, podsOf(job));
    let current = job;
    if (tracking.noted) {
      current = await cluster.updateStatus<Job>(resources.jobs, { ...job, status: tracking.noted });
    }
    await Promise.all(tracking.release.map(release));
    return { ...current, status: tracking.counted };
  }

  async function sync(job: Job): Promise<Requeue> {
    const plan = planJob({ job, pods: podsOf(job), now: clock.now() });
    const failure = await apply(job, plan);
    const { startTime: _, completionTime: _unset, ...before } = job.status ?? {};
    const status: JobStatus = {
      ...before,
      ...countPods(podsOf(job)),
      conditions: plan.conditions,
      ...(plan.startTime ? { startTime: plan.startTime } : {}),
      ...(plan.completionTime ? { completionTime: plan.completionTime } : {}),
    };
    const stored = cluster.get<Job>(resources.jobs, job.metadata.namespace ?? "", job.metadata.name);
    if (!isDeepStrictEqual(plain(status), plain(stored?.status))) {
      await cluster.updateStatus<Job>(resources.jobs, { ...job, status });
      for (const event of plan.events) events.record(job, event);
    }
    if (failure) throw failure.reason;
    return plan.requeueAfterMs === undefined ? undefined : { afterMs: plan.requeueAfterMs };
  }

  async function apply(job: Job, plan: JobPlan): Promise<PromiseRejectedResult | undefined> {
    const removals = await Promise.allSettled(plan.remove.map((pod) => removePod(job, pod, plan.uncounted)));
    const failed = removals.find((result) => result.status === "rejected");
    return failed ?? createPods(job, plan.create);
  }

  /** Batches of 1, 2, 4, ... pods, so that an error that meets all of them is met once and not hundreds of times. */
  async function createPods(job: Job, wanted: readonly (number | undefined)[]): Promise<PromiseRejectedResult | undefined> {
    for (let start = 0, size = 1; start < wanted.length; start += size, size *= 2) {
      const batch = wanted.slice(start, start + size);
      const results = await Promise.allSettled(batch.map((index) => createPod(job, index)));
      const failed = results.find((result) => result.status === "rejected");
      if (failed) return failed;
    }
    return undefined;
  }

  async function createPod(job: Job, index: number | undefined): Promise<void> {
    try {
      const { metadata } = await cluster.create<Pod>(resources.pods, newPod(job, index));
      events.record(job, { type: "Normal", reason: "SuccessfulCreate", message: `Created pod: ${metadata.name}` });
    } catch (error) {
      const message = `Error creating: ${messageOf(error)}`;
      if (!isNamespaceTerminating(error)) events.record(job, { type: "Warning", reason: "FailedCreate", message });
      throw error;
    }
  }

  async function removePod(job: Job, pod: Pod, uncounted: boolean): Promise<void> {
    if (uncounted) await release(pod);
    const { namespace = "", name, uid } = pod.metadata;
    await cluster.delete(resources.pods, namespace, name, { preconditions: { uid } }).catch(ignoreNotFound);
    events.record(job, { type: "Normal", reason: "SuccessfulDelete", message: `Deleted pod: ${name}` });
  }

  async function release(pod: Pod): Promise<void> {
    const current = cluster.get<Pod>(resources.pods, pod.metadata.namespace ?? "", pod.metadata.name);
    if (!current || current.metadata.uid !== pod.metadata.uid || !isTracked(current)) return;
    await cluster.update<Pod>(resources.pods, withoutTracking(current)).catch(ignoreNotFound);
  }

  /** Lets the last pods go, and deletes the job when its time to live is over. */
  async function finishUp(job: Job): Promise<Requeue> {
    await Promise.all(podsOf(job).filter(isTracked).map(release));
    const counts = countPods(podsOf(job));
    if (!isDeepStrictEqual(plain({ ...job.status, ...counts }), plain(job.status))) {
      await cluster.updateStatus<Job>(resources.jobs, { ...job, status: { ...job.status, ...counts } });
    }
    const { ttlSecondsAfterFinished } = job.spec;
    if (ttlSecondsAfterFinished === undefined || job.metadata.deletionTimestamp) return undefined;
    const finishedAt = isFinished(job)?.lastTransitionTime ?? timestamp(clock.now());
    const remainingMs = Date.parse(finishedAt) + ttlSecondsAfterFinished * 1000 - clock.now().getTime();
    if (remainingMs > 0) return { afterMs: remainingMs };
    const options = { propagationPolicy: "Foreground", preconditions: { uid: job.metadata.uid } } as const;
    await cluster.delete(resources.jobs, job.metadata.namespace ?? "", job.metadata.name, options).catch(ignoreNotFound);
    return undefined;
  }

  function podsOf(job: Job): Pod[] {
    return indexes.podsByController.get(job.metadata.uid);
  }
}

function jobKeysOf(pod: Pod): string[] {
  const owner = controllerOf(pod);
  return owner?.kind === "Job" ? [`${pod.metadata.namespace}/${owner.name}`] : [];
}

function plain(status: JobStatus | undefined): unknown {
  return Object.fromEntries(
    Object.entries(status ?? {}).filter(([, value]) => {
      if (value === undefined || value === 0 || value === "") return false;
      return typeof value !== "object" || Object.values(value).some((one) => !Array.isArray(one) || one.length > 0);
    }),
  );
}
