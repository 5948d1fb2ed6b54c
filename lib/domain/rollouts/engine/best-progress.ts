import type { Workload } from "#lib/kubernetes/objects.ts";
import { countReplicas } from "../../fleet/health.ts";
import { isObserved } from "./completion.ts";
import type { RolloutRun } from "./run.ts";
import type { Situation } from "./situation.ts";
import { digestTemplate } from "./template-digest.ts";

type Progress = NonNullable<RolloutRun["progress"]>;

/**
 * How far the workload that the step waits for has come, and since when it has not come farther: only a new best counts, so that
 * instances that come and go do not hold up the deadline.
 */
export function takeProgress({ run, world }: Pick<Situation, "run" | "world">, now: Date): Progress {
  const watched = waitedFor(run, world);
  const templates = watched.map((workload) => (workload ? digestTemplate(workload.spec.template) : "")).join(" ");
  const before = run.progress?.templates === templates ? run.progress.best : null;
  const present = watched.map((workload) => (workload && isObserved(workload) ? measure(workload) : []));
  const best = present.map((counts, at) => {
    const most = before?.[at] ?? [];
    return counts.length === 0 ? most : counts.map((count, index) => Math.max(count, most[index] ?? count));
  });
  const isBetter = best.some((counts, at) => counts.some((count, index) => count > (before?.[at]?.[index] ?? -Infinity)));
  const since = before && run.progress && !isBetter ? run.progress.since : now.toISOString();
  return { templates, best, since };
}

function waitedFor({ steps, index, by, abort }: RolloutRun, { stable, candidate }: Situation["world"]): (Workload | null)[] {
  const kind = abort ? null : steps[index]?.kind;
  if (by === null || kind === "update") return [stable];
  return kind === "candidate" ? [candidate] : [stable, candidate];
}

/** Each is larger the farther it is: new instances, those of them that are surely available, old ones and all that have ended. */
function measure(workload: Workload): number[] {
  const { updated, replicas, available } = countReplicas(workload);
  const old = replicas - updated;
  return [updated, Math.max(0, available - old), -old, -replicas];
}
