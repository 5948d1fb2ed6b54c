import type { Drill } from "#lib/database/generated/client.ts";
import type { DrillRun } from "./run.ts";
import type { Work } from "./scenarios/scenario.ts";
import type { Observed } from "./witness.ts";

/** What one pass of a drill has at hand: `run` is changed in place, and written by its stage. */
export type Pass = { row: Drill; run: DrillRun; work: Work; observed: Observed | null };

/** The run in its next stage. */
export function enter(run: DrillRun, stage: DrillRun["stage"], now: Date): void {
  run.stage = stage;
  run.stageSince = now.toISOString();
}
