import type { Pod } from "../objects.ts";
import { hasEnded } from "../pod-state.ts";
import { hasFailed } from "./tracking.ts";
import { type Job, outcomesOf } from "./types.ts";

const firstDelayMs = 10_000;
const longestDelayMs = 360_000;

/** How long the next pod has to wait: 10 s after the last failure, twice as long for each failure in a row, six minutes at most. */
export function backoffMs(job: Job, pods: readonly Pod[], now: Date): number {
  const ends = pods
    .filter((pod) => hasEnded(pod) || hasFailed(job, pod))
    .map((pod) => ({ failed: hasFailed(job, pod), atMs: endedAtMs(pod, now) }))
    .sort((left, right) => right.atMs - left.atMs);
  const lastSuccess = ends.findIndex(({ failed }) => !failed);
  const failures = lastSuccess === -1 ? ends.length : lastSuccess;
  if (failures === 0) return 0;
  const delayMs = Math.min(longestDelayMs, firstDelayMs * 2 ** Math.min(failures - 1, 20));
  return Math.max(0, (ends[0]?.atMs ?? 0) + delayMs - now.getTime());
}

function endedAtMs(pod: Pod, now: Date): number {
  const finished = outcomesOf(pod).map(({ state }) => Date.parse(state?.terminated?.finishedAt ?? ""));
  const known = finished.filter((ms) => !Number.isNaN(ms));
  if (known.length > 0) return Math.max(...known);
  const changed = Date.parse(pod.metadata.deletionTimestamp ?? pod.status?.conditions?.at(-1)?.lastTransitionTime ?? "");
  return Number.isNaN(changed) ? now.getTime() : Math.min(changed, now.getTime());
}

/** Containers that are restarted in place count against the back-off limit too. Kubernetes: pastBackoffLimitOnFailure. */
export function hasRestartedTooOften({ spec }: Job, pods: readonly Pod[]): boolean {
  if (spec.template.spec.restartPolicy !== "OnFailure") return false;
  const { backoffLimit = 6 } = spec;
  const restarts = pods
    .filter(({ status }) => status?.phase === "Running" || status?.phase === "Pending")
    .flatMap(outcomesOf)
    .reduce((sum, { restartCount }) => sum + restartCount, 0);
  return backoffLimit === 0 ? restarts > 0 : restarts >= backoffLimit;
}
