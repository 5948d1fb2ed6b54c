import type { Pod } from "../objects.ts";
import { judgeFailure } from "./failure-policy.ts";
import { formatIndexes, indexOf, parseIndexes } from "./indexes.ts";
import type { Job, JobStatus } from "./types.ts";

export const trackingFinalizer = "batch.kubernetes.io/job-tracking";

export function isTracked({ metadata }: Pod): boolean {
  return metadata.finalizers?.includes(trackingFinalizer) ?? false;
}

export function withoutTracking<T extends Pod>(pod: T): T {
  const finalizers = (pod.metadata.finalizers ?? []).filter((one) => one !== trackingFinalizer);
  return { ...pod, metadata: { ...pod.metadata, finalizers } };
}

/** Whether the pod counts as failed. One that is being deleted does so at once, unless only failed pods are to be replaced. */
export function hasFailed({ spec }: Job, { metadata, status }: Pod): boolean {
  if (status?.phase === "Failed") return true;
  if (spec.podReplacementPolicy === "Failed") return false;
  return metadata.deletionTimestamp !== undefined && status?.phase !== "Succeeded";
}

export function isIndexed({ spec }: Job): boolean {
  return spec.completionMode === "Indexed";
}

export type Tracking = {
  /** The status in which the ended pods are noted by uid, to be stored before the pods lose their finalizer. */
  noted?: JobStatus;
  /** The pods whose end is noted. */
  release: Pod[];
  /** The status with the noted pods counted, to be stored after the pods have lost their finalizer. */
  counted: JobStatus;
};

/**
 * Counts every ended pod exactly once, though pods may be deleted and this process may die in between: a pod keeps its
 * finalizer until its uid is stored, and its uid stays stored until its finalizer is gone. Kubernetes: trackJobStatusAndRemoveFinalizers.
 */
export function planTracking(job: Job, pods: readonly Pod[]): Tracking {
  const status = job.status ?? {};
  const succeeded = new Set(status.uncountedTerminatedPods?.succeeded);
  const failed = new Set(status.uncountedTerminatedPods?.failed);
  const before = succeeded.size + failed.size;
  const completed = parseIndexes(status.completedIndexes);
  const completedBefore = completed.size;
  const release: Pod[] = [];
  for (const pod of pods.filter(isTracked)) {
    const { uid } = pod.metadata;
    const index = indexOf(pod);
    if (pod.status?.phase === "Succeeded") {
      if (!isIndexed(job)) succeeded.add(uid);
      else if (index !== undefined && index < (job.spec.completions ?? 0)) completed.add(index);
    } else if (hasFailed(job, pod)) {
      if (judgeFailure(job, pod).action !== "Ignore") failed.add(uid);
    } else continue;
    release.push(pod);
  }
  const { uncountedTerminatedPods: _, ...rest } = status;
  const indexes = isIndexed(job) ? { completedIndexes: formatIndexes(completed) } : {};
  const uncountedTerminatedPods = { succeeded: [...succeeded], failed: [...failed] };
  const isNews = succeeded.size + failed.size > before || completed.size > completedBefore;
  return {
    ...(isNews ? { noted: { ...status, ...indexes, uncountedTerminatedPods } } : {}),
    release,
    counted: {
      ...rest,
      ...indexes,
      succeeded: isIndexed(job) ? completed.size : (status.succeeded ?? 0) + succeeded.size,
      failed: (status.failed ?? 0) + failed.size,
      uncountedTerminatedPods: {},
    },
  };
}
