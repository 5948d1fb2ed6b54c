import type { Blocker, ChecklistItem, PreflightRecord } from "#lib/domain/rollouts/start/start-schemas.ts";
import { countOf } from "./numbers.ts";

/** What became of a blocker: an administrator overrode it, or the rollout waited until it was over. */
export type Fate = "overridden" | "waited";

/** What preflight found, by what became of it. */
export type PreflightSummary = {
  /** A few words each: "14 checks passed", "2 answered for by olga". */
  words: string[];
  /** Failed, and no blocker that is listed below. */
  failed: ChecklistItem[];
  blockers: (Blocker & { fate: Fate })[];
};

/** Tells a record of preflight in a line; what needs more than that is listed beside it. */
export function summarisePreflight({ checklist, blockers, ticks, override }: PreflightRecord): PreflightSummary {
  const fated = blockers.map((blocker) => ({ ...blocker, fate: fateOf(blocker, override) }));
  const overridden = fated.filter(({ fate }) => fate === "overridden").length;
  const waited = fated.length - overridden;
  const told = new Set(blockers.map(({ id }) => id));
  const failed = checklist.filter(({ id, state }) => state === "failed" && !told.has(id));
  const own = checklist.filter(({ group }) => group !== "manual");
  const unknown = own.filter(({ state }) => state === "unknown").length;
  const unanswered = checklist.filter(({ state }) => state === "manual").length;
  const people = Map.groupBy(ticks, ({ by }) => by);
  return {
    words: [
      `${countOf(own.filter(({ state }) => state === "passed").length, "check")} passed`,
      ...[...people].map(([by, answers]) => `${answers.length} answered for by ${by}`),
      ...(failed.length > 0 ? [`${failed.length} failed`] : []),
      ...(unknown > 0 ? [`${unknown} unknown`] : []),
      ...(unanswered > 0 ? [`${unanswered} not answered for`] : []),
      ...(waited > 0 ? [`${waited} waited for`] : []),
      ...(override && overridden > 0 ? [`${overridden} overridden by ${override.by}: ${override.reason}`] : []),
    ],
    failed,
    blockers: fated,
  };
}

function fateOf({ canOverride }: Blocker, override: PreflightRecord["override"]): Fate {
  return override !== null && canOverride ? "overridden" : "waited";
}
