import { formatDuration } from "../../duration.ts";
import type { Advance, RunEvent } from "./advance.ts";
import type { RolloutRun } from "./run.ts";

/** Longer without a pass means that no controller was there: a pass ends after a minute at the latest, and most take less than one second. */
const absenceMs = 20_000;
/** A look is noted when the last one noted is this old: not every pass needs a write of its own. */
const noteMs = 5_000;

/**
 * The run as if the time in which no controller acted had not been: neither its deadline nor a timed step goes on meanwhile, for
 * nobody could have seen progress, or measured.
 */
export function leaveOutAbsence(run: RolloutRun, now: Date): { run: RolloutRun; event: RunEvent | null } {
  const awayMs = run.lookedAt ? now.getTime() - Date.parse(run.lookedAt) : 0;
  if (awayMs < absenceMs) return { run, event: null };
  const later = (at: string) => new Date(Date.parse(at) + awayMs).toISOString();
  const progress = run.progress && { ...run.progress, since: later(run.progress.since) };
  const message = `No controller looked after it for ${formatDuration(awayMs)}; that time does not count.`;
  return {
    run: { ...run, stepStartedAt: later(run.stepStartedAt), progress, lookedAt: now.toISOString() },
    event: { kind: "absent", message },
  };
}

/** The run with when it was looked at; null while it stands still until a person or an end of what holds it. */
export function noteLook({ run, state }: Pick<Advance, "run" | "state">, now: Date): RolloutRun {
  if (state === "paused") return run.lookedAt ? { ...run, lookedAt: null } : run;
  const isNoted = run.lookedAt && now.getTime() - Date.parse(run.lookedAt) < noteMs;
  return isNoted ? run : { ...run, lookedAt: now.toISOString() };
}
