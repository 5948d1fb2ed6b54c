import { measureLoss, measureRecovery, seriesOf } from "./measure.ts";
import { phasesOf } from "./phases.ts";
import type { DrillRun } from "./run.ts";
import type { DrillReport } from "./schemas.ts";
import type { Observed } from "./witness.ts";

/** So many successes in a row of every client count as recovered. */
export const consecutive = 5;
const beforeMs = 30_000;

/** Figures of a drill as it is known now. Milliseconds. */
export type Measured = {
  rtoMs: number | null;
  rpoMs: number | null;
  lostWrites: number | null;
  errorMs: number | null;
  recoveredAt: string | null;
  /** Whether a client was seen that is not served; false also where nobody could look. */
  isAway: boolean;
  report: DrillReport;
};

const iso = (at: number | null) => (at === null ? null : new Date(at).toISOString());

/** What a drill's witness saw, as figures, phases and series, up to `until`. Pure. */
export function measureDrill(run: DrillRun, observed: Observed | null, until: number, limits: string[]): Measured {
  const intervalMs = Math.round(Math.max(0, ...(observed?.paths ?? []).map((path) => path.intervalMs)));
  const report: DrillReport = {
    phases: [],
    series: [],
    ledger: null,
    checks: run.checks,
    measure: { consecutive, intervalMs },
    limits,
  };
  const unknown = { rtoMs: null, rpoMs: null, lostWrites: null, errorMs: null, recoveredAt: null, isAway: false, report };
  if (!observed || !run.strike) return unknown;
  const faultAt = Date.parse(run.strike.intendedAt);
  const outcomes = observed.outcomes.filter(({ endedAt }) => endedAt <= until);
  const asked = { outcomes, paths: observed.paths, faultAt };
  const away = measureRecovery({ ...asked, until, consecutive, clockErrorMs: observed.clockErrorMs });
  const losses = observed.ledger.losses
    .filter(([, foundAt]) => foundAt >= faultAt)
    .map(([acknowledgedAt]) => ({ acknowledgedAt }));
  const loss = measureLoss({ ...asked, losses });
  const recoveredAt = iso(away.recoveredAt);
  const from = Math.max(faultAt - beforeMs, Math.min(faultAt, ...outcomes.map(({ endedAt }) => endedAt)));
  return {
    rtoMs: away.rtoMs,
    rpoMs: loss.rpoMs,
    lostWrites: loss.lost,
    errorMs: away.errorMs,
    recoveredAt,
    isAway: away.path !== null && away.recoveredAt === null,
    report: {
      ...report,
      phases: phasesOf({ ...run, lastSuccessAt: iso(away.lastSuccessAt), recoveredAt, replacedAt: run.backAt }),
      series: seriesOf(outcomes, from),
      ledger: {
        acknowledged: observed.ledger.acknowledged,
        lost: loss.lost,
        duplicated: observed.ledger.duplicated,
        lastAcknowledgedAt: iso(loss.lastAcknowledgedAt),
        newestSurvivingAt: iso(loss.newestSurvivingAt),
      },
    },
  };
}

/** A rehearsal's time is that of its restore, and what would be lost is the age of the backup. Pure. */
export function measureRehearsal(run: DrillRun, limits: string[]): Measured {
  const begun = run.strike?.intendedAt ?? null;
  const done = run.remedy?.doneAt ?? null;
  const takenAt = run.prey?.kind === "data" ? run.prey.takenAt : null;
  const between = (from: string | null, to: string | null) =>
    from && to ? Math.max(0, Date.parse(to) - Date.parse(from)) : null;
  return {
    rtoMs: between(begun, done),
    rpoMs: between(takenAt, begun),
    lostWrites: null,
    errorMs: 1_000,
    recoveredAt: done,
    isAway: false,
    report: {
      phases: phasesOf({ ...run, lastSuccessAt: null, recoveredAt: done, replacedAt: done }),
      series: [],
      ledger: null,
      checks: run.checks,
      measure: { consecutive: 0, intervalMs: 1_000 },
      limits,
    },
  };
}
