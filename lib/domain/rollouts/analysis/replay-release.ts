import { setImmediate as breathe } from "node:timers/promises";
import type { PrometheusSample, PrometheusSeries } from "#lib/prometheus/client.ts";
import type { Analysis } from "../strategy.ts";
import { judgeSample } from "./judge.ts";
import type { ReplayedMetric, ReplayedRelease } from "./replay-schemas.ts";
import { type Answers, readSample, type Split } from "./samples.ts";
import { type MetricTemplate, metricInfos } from "./templates.ts";
import { type AnalysisState, judgeAnalysis, recordMeasurement, startAnalysis } from "./verdict.ts";

/** Each expression of a metric over the time of a release, by its name. */
export type MetricSeries = { template: MetricTemplate; series: Record<string, PrometheusSeries[]> };

/** The times of a release in Unix seconds: when it began, and each time at which it would have been measured. */
export type ReleaseTimes = { from: number; times: number[] };

type Replayed = Pick<ReplayedRelease, "outcome" | "message" | "stoppedAt" | "afterSeconds" | "metrics">;

/** After so many times other requests of the process get their turn. */
const timesAtOnce = 50;

/** Runs an analysis as it would have run during a release, to its end or to where it would have stopped it. */
export async function replayRelease(
  settings: Analysis,
  measured: readonly MetricSeries[],
  split: Split | null,
  { from, times }: ReleaseTimes,
): Promise<Replayed> {
  let state = startAnalysis(settings, new Date(from * 1000));
  const metrics = new Map(measured.map(({ template }) => [template.name, emptyMetric(template)]));
  const answersAt = measured.map(({ series }) => indexByTime(series));
  for (const [turn, time] of times.entries()) {
    if (turn % timesAtOnce === timesAtOnce - 1) await breathe();
    const at = new Date(time * 1000);
    for (const [index, { template }] of measured.entries()) {
      const judged = judgeSample(template, readSample(template, answersAt[index]?.(time) ?? {}, split), settings);
      state = recordMeasurement(settings, state, { metric: template.name, ...judged }, at);
      const metric = metrics.get(template.name);
      if (metric) count(metric, template, { ...judged, at });
    }
    const { outcome, message } = judgeAnalysis(settings, state, false);
    if (outcome === "passed") break;
    if (outcome === "running") continue;
    const answer = { message, stoppedAt: at.toISOString(), afterSeconds: time - from, metrics: [...metrics.values()] };
    if (!hasData(state)) return unknown(metrics);
    return { outcome: outcome === "inconclusive" ? "paused" : "stopped", ...answer };
  }
  if (!hasData(state)) return unknown(metrics);
  const { outcome, message } = judgeAnalysis(settings, state, true);
  const isPaused = outcome === "inconclusive";
  const end = times.at(-1) ?? from;
  return {
    outcome: isPaused ? "paused" : "let-through",
    message,
    stoppedAt: isPaused ? new Date(end * 1000).toISOString() : null,
    afterSeconds: isPaused ? end - from : null,
    metrics: [...metrics.values()],
  };
}

function hasData({ metrics }: AnalysisState): boolean {
  return Object.values(metrics).some(({ good, bad }) => good + bad > 0);
}

function unknown(metrics: Map<string, ReplayedMetric>): Replayed {
  const message = "Prometheus has too little data of that time for a verdict.";
  return { outcome: "unknown", message, stoppedAt: null, afterSeconds: null, metrics: [...metrics.values()] };
}

function emptyMetric({ name }: MetricTemplate): ReplayedMetric {
  return { metric: name, good: 0, bad: 0, noData: 0, worst: null };
}

function count(
  metric: ReplayedMetric,
  { name }: MetricTemplate,
  { verdict, value, message, at }: { verdict: string; value: number | null; message: string; at: Date },
): void {
  if (verdict === "good") metric.good += 1;
  else if (verdict === "bad") metric.bad += 1;
  else metric.noData += 1;
  if (value === null) return;
  const isWorse = metricInfos[name].bad === "above" ? value > (metric.worst?.value ?? -1) : value < (metric.worst?.value ?? 2);
  if (isWorse) metric.worst = { at: at.toISOString(), value, message };
}

/** The answers at one time, as if they had been asked for then. */
function indexByTime(series: Record<string, PrometheusSeries[]>): (time: number) => Answers {
  const indexed = Object.entries(series).map(([name, all]) => ({
    name,
    all: all.map(({ labels, points }) => ({ labels, values: new Map(points) })),
  }));
  return (time) =>
    Object.fromEntries(
      indexed.map(({ name, all }): [string, PrometheusSample[]] => [
        name,
        all.flatMap(({ labels, values }) => {
          const value = values.get(time);
          return value === undefined ? [] : [{ labels, value }];
        }),
      ]),
    );
}
