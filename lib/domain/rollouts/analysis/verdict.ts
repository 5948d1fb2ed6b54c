import { formatDuration } from "../../duration.ts";
import type { Analysis } from "../strategy.ts";
import { titleOf } from "./templates.ts";

/** What one measurement says. No data is never bad, and an error is neither. */
export type Verdict = "good" | "bad" | "no-data" | "error";

/** How one metric stands within an analysis. */
export type MetricState = {
  /** Measurements in all, errors included. */
  taken: number;
  good: number;
  bad: number;
  /** Those that count towards the analysis' count: no errors, and no lack of data before a whole window has passed. */
  counted: number;
  noDataInARow: number;
  errorsInARow: number;
  last: Verdict | null;
  /** The sentence of the last bad measurement; before the first one, of the last measurement. */
  message: string;
};

/** How an analysis stands; kept in the rollout's run. */
export type AnalysisState = {
  startedAt: string;
  /** When the next measurement is due. */
  dueAt: string;
  /** How many times all metrics were measured. */
  taken: number;
  metrics: Record<string, MetricState>;
  /** A person let it go on without data: from then on a lack of data pauses no more. */
  isExcused: boolean;
};

/** `inconclusive` pauses, `failed` and `error` abort. */
export type AnalysisOutcome = "running" | "passed" | "failed" | "inconclusive" | "error";

/** How an analysis stands as a whole, with one sentence that says why, in numbers. */
export type Judgement = { outcome: AnalysisOutcome; message: string };

/** Begins an analysis. The first measurement is due after one interval: before that its window would show what was before. */
export function startAnalysis({ metrics, intervalSeconds }: Analysis, now: Date): AnalysisState {
  return {
    startedAt: now.toISOString(),
    dueAt: after(now, intervalSeconds),
    taken: 0,
    metrics: Object.fromEntries(metrics.map((metric) => [metric, { ...unmeasured }])),
    isExcused: false,
  };
}

const unmeasured: MetricState = {
  taken: 0,
  good: 0,
  bad: 0,
  counted: 0,
  noDataInARow: 0,
  errorsInARow: 0,
  last: null,
  message: "",
};

/** Takes in one measurement. All metrics of one time are taken in with the same `now`. */
export function recordMeasurement(
  { intervalSeconds, windowSeconds }: Analysis,
  state: AnalysisState,
  { metric, verdict, message }: { metric: string; verdict: Verdict; message: string },
  now: Date,
): AnalysisState {
  const before = state.metrics[metric] ?? unmeasured;
  const hasData = verdict === "good" || verdict === "bad";
  // Until a whole window has passed, few samples are no wonder.
  const lacksData = verdict === "no-data" && now.getTime() >= Date.parse(state.startedAt) + windowSeconds * 1000;
  const measured: MetricState = {
    taken: before.taken + 1,
    good: before.good + (verdict === "good" ? 1 : 0),
    bad: before.bad + (verdict === "bad" ? 1 : 0),
    counted: before.counted + (hasData || lacksData ? 1 : 0),
    // An error says nothing about data: the row of measurements without any goes on after it.
    noDataInARow: hasData ? 0 : before.noDataInARow + (lacksData ? 1 : 0),
    errorsInARow: verdict === "error" ? before.errorsInARow + 1 : 0,
    last: verdict,
    message: verdict === "bad" || before.bad === 0 ? message : before.message,
  };
  return {
    ...state,
    dueAt: after(now, intervalSeconds),
    taken: Math.max(state.taken, measured.taken),
    metrics: { ...state.metrics, [metric]: measured },
  };
}

/** What a person says who lets a rollout go on that was paused for a lack of data. */
export function excuseNoData(state: AnalysisState): AnalysisState {
  const metrics = Object.entries(state.metrics).map(([name, metric]) => [name, { ...metric, noDataInARow: 0 }]);
  return { ...state, isExcused: true, metrics: Object.fromEntries(metrics) };
}

/** How many more bad measurements each metric bears before the analysis fails. */
export function budgetLeft({ failureLimit }: Analysis, state: AnalysisState): { metric: string; left: number; of: number }[] {
  return Object.entries(state.metrics).map(([metric, { bad }]) => ({
    metric,
    left: Math.max(0, failureLimit - bad),
    of: failureLimit,
  }));
}

/**
 * Judges an analysis; `isOver` when the step with which it ends is done. Of several metrics the worst counts: failed, error,
 * inconclusive, running, passed.
 */
export function judgeAnalysis(settings: Analysis, state: AnalysisState, isOver: boolean): Judgement {
  const judged = Object.entries(state.metrics).map(([name, metric]) => judgeMetric(settings, state, { name, metric, isOver }));
  for (const outcome of ["failed", "error", "inconclusive", "running"] as const) {
    const found = judged.filter((one) => one.outcome === outcome);
    if (found.length > 0) return { outcome, message: found.map(({ message }) => message).join(" ") };
  }
  const names = Object.keys(state.metrics).map(titleOf).join("; ");
  return { outcome: "passed", message: `Passed with ${state.taken} measurement${state.taken === 1 ? "" : "s"} each: ${names}.` };
}

function judgeMetric(
  settings: Analysis,
  { isExcused }: AnalysisState,
  { name, metric, isOver }: { name: string; metric: MetricState; isOver: boolean },
): Judgement {
  const { failureLimit, noDataLimit, errorLimit, count, intervalSeconds } = settings;
  const { bad, good, taken, counted, noDataInARow, errorsInARow, message } = metric;
  const title = titleOf(name);
  if (bad > failureLimit) {
    const allowed = failureLimit === 0 ? "none is" : failureLimit === 1 ? "1 is" : `${failureLimit} are`;
    return { outcome: "failed", message: `${title}: ${message} Bad in ${bad} of ${taken} measurements, ${allowed} allowed.` };
  }
  if (errorsInARow > errorLimit) {
    const times = `${errorsInARow} times in a row, ${errorLimit} are allowed`;
    return { outcome: "error", message: `${title} could not be measured (${times}): ${message}` };
  }
  const mayLackData = isExcused || noDataLimit === null;
  if (!mayLackData && noDataInARow > noDataLimit) {
    const span = formatDuration(noDataInARow * intervalSeconds * 1000);
    return { outcome: "inconclusive", message: `${title} had no verdict for ${span}: ${message}` };
  }
  const isCounted = count !== null && counted >= count;
  if (!isCounted && !isOver) return { outcome: "running", message: `${title} was measured ${taken} times.` };
  if (!mayLackData && good + bad === 0) {
    if (taken === 0) return { outcome: "inconclusive", message: `${title} was not measured: the step ended before.` };
    const times = taken === 1 ? "1 measurement" : `${taken} measurements`;
    return { outcome: "inconclusive", message: `${title} has no verdict after ${times}: ${message}` };
  }
  return { outcome: "passed", message: `${title} was good in ${good} of ${taken} measurements.` };
}

function after(now: Date, seconds: number): string {
  return new Date(now.getTime() + seconds * 1000).toISOString();
}
