import {
  excuseNoData,
  type Judgement,
  judgeAnalysis,
  recordMeasurement,
  startAnalysis,
  type Verdict,
} from "../analysis/verdict.ts";
import type { Strategy } from "../strategy.ts";
import { planAnalyses } from "./compile-steps.ts";
import type { RolloutRun, RunAnalysis } from "./run.ts";

/** What one measurement said, as far as the run goes by it. */
export type Measured = { step: number; metric: string; verdict: Verdict; message: string };

/** A metric that is to be measured now. */
export type Due = { step: number; metric: string; settings: RunAnalysis["settings"]; since: Date };

/** Begins the analyses that belong to the present step. */
export function beginAnalyses(run: RolloutRun, strategy: Strategy, now: Date): RolloutRun {
  if (run.skips) return run;
  const missing = planAnalyses(strategy, run.steps)
    .filter(({ step }) => step === run.index && !run.analyses.some((one) => one.step === step))
    .map((planned) => ({ ...planned, state: startAnalysis(planned.settings, now), isOver: false }));
  return missing.length === 0 ? run : { ...run, analyses: [...run.analyses, ...missing] };
}

/** What is to be measured now; nothing once the rollout is given up. */
export function dueMeasurements(run: RolloutRun, now: Date): Due[] {
  if (run.abort) return [];
  return run.analyses
    .filter(({ isOver, state }) => !isOver && Date.parse(state.dueAt) <= now.getTime())
    .flatMap(({ step, settings, state }) =>
      settings.metrics.map((metric) => ({ step, metric, settings, since: new Date(state.startedAt) })),
    );
}

/** Takes the measurements of one time into their analyses. */
export function takeIn(run: RolloutRun, measured: readonly Measured[], now: Date): RolloutRun {
  if (measured.length === 0) return run;
  const analyses = run.analyses.map((analysis) => ({
    ...analysis,
    state: measured
      .filter(({ step }) => step === analysis.step)
      .reduce((state, one) => recordMeasurement(analysis.settings, state, one, now), analysis.state),
  }));
  return { ...run, analyses };
}

/** The worst of what the running analyses say; null while none has a verdict that counts. */
export function judgeRunning(run: RolloutRun): (Judgement & { analysis: RunAnalysis }) | null {
  const judged = run.analyses
    .filter(({ isOver }) => !isOver)
    .map((analysis) => ({ ...judgeAnalysis(analysis.settings, analysis.state, false), analysis }))
    .filter(({ outcome }) => outcome !== "running");
  return (
    ["failed", "error", "inconclusive", "passed"].map((worst) => judged.find(({ outcome }) => outcome === worst)).find(Boolean) ??
    null
  );
}

/** The analysis that ends with the present step and still runs. */
export function endingAnalysis(run: RolloutRun): RunAnalysis | null {
  return run.analyses.find(({ until, isOver }) => until === run.index && !isOver) ?? null;
}

/** Measures nothing more for this analysis. */
export function endAnalysis(run: RolloutRun, ended: RunAnalysis): RolloutRun {
  return { ...run, analyses: run.analyses.map((one) => (one.step === ended.step ? { ...one, isOver: true } : one)) };
}

/** Measures nothing more. */
export function endAnalyses(run: RolloutRun): RolloutRun {
  return { ...run, analyses: run.analyses.map((one) => ({ ...one, isOver: true })) };
}

/** A person lets the running analyses go on without data. */
export function excuseAnalyses(run: RolloutRun): RolloutRun {
  return { ...run, analyses: run.analyses.map((one) => (one.isOver ? one : { ...one, state: excuseNoData(one.state) })) };
}
