import { describe, expect, test } from "vitest";
import { type Analysis, defaultAnalysis } from "../strategy.ts";
import { judgeSample } from "./judge.ts";
import type { Sample } from "./samples.ts";
import { findMetric } from "./templates.ts";
import { judgeAnalysis, recordMeasurement, startAnalysis, type Verdict } from "./verdict.ts";

// What Flagger decides, from its pkg/controller/scheduler.go (advanceCanary) and scheduler_metrics.go (runBuiltinMetricChecks): each tick
// a check passes or halts the advancement and adds one to failedChecks; at the threshold all traffic goes back. Where this differs,
// `difference` says why.

type Check = "passes" | "halts";
const verdictOf: Record<Check, Verdict> = { passes: "good", halts: "bad" };

type Row = { name: string; metric: string; sample: Sample; flagger: Check; ours?: Verdict; difference?: string };

/** A success rate of at least 99 %, request-success-rate with thresholdRange.min 99. */
const errors = (bad: number, all: number): Sample => ({ metric: "error-ratio", candidate: { bad, all }, stable: null });
/** At most 50 ms, request-duration with thresholdRange.max 50; all requests end in one bucket. */
const times = (le: number, from: number): Sample => ({
  metric: "latency-p95",
  candidate: [
    { le: from, count: 0 },
    { le, count: 1_000 },
  ],
  stable: null,
});

const rows: Row[] = [
  { name: "a success rate of 99.5 %", metric: "error-ratio", sample: errors(5, 1_000), flagger: "passes" },
  { name: "a success rate of exactly the threshold", metric: "error-ratio", sample: errors(10, 1_000), flagger: "passes" },
  { name: "a success rate of 92 %", metric: "error-ratio", sample: errors(80, 1_000), flagger: "halts" },
  {
    name: "a success rate of 98.9 % of 1,000 requests",
    metric: "error-ratio",
    sample: errors(11, 1_000),
    flagger: "halts",
    ours: "good",
    difference: "Eleven of 1,000 fail by chance every other time where 1 % fail; more requests will tell.",
  },
  {
    name: "a success rate of 98.9 % of 100,000 requests",
    metric: "error-ratio",
    sample: errors(1_100, 100_000),
    flagger: "halts",
  },
  {
    name: "no values found, for there is no traffic",
    metric: "error-ratio",
    sample: { metric: "error-ratio", candidate: null, stable: null },
    flagger: "halts",
    ours: "no-data",
    difference:
      "A lack of data is no failed check: it pauses after its own limit, and never sends a version back (flagger#1353).",
  },
  { name: "a duration below the threshold", metric: "latency-p95", sample: times(0.025, 0.01), flagger: "passes" },
  { name: "a duration up to the threshold", metric: "latency-p95", sample: times(0.05, 0.025), flagger: "passes" },
  { name: "a duration above the threshold", metric: "latency-p95", sample: times(0.25, 0.1), flagger: "halts" },
];

test.each(rows)("$name: Flagger $flagger", ({ metric, sample, flagger, ours, difference }) => {
  const template = findMetric("relay", metric);
  if (!template) throw new Error(`A relay has no ${metric}.`);
  const { verdict } = judgeSample(template, sample, defaultAnalysis);
  expect(verdict).toBe(ours ?? verdictOf[flagger]);
  expect(verdict !== verdictOf[flagger]).toBe(difference !== undefined);
});

describe("at a threshold of 5", () => {
  type Ticks = {
    name: string;
    /** By metric, tick by tick. */
    ticks: Record<string, Verdict[]>;
    isRolledBack: boolean;
    ours?: "running" | "inconclusive" | "error";
    difference?: string;
  };
  const five = (verdict: Verdict) => Array<Verdict>(5).fill(verdict);
  const cases: Ticks[] = [
    { name: "four failed checks", ticks: { "error-ratio": five("bad").slice(1) }, isRolledBack: false },
    { name: "five failed checks", ticks: { "error-ratio": five("bad") }, isRolledBack: true },
    {
      name: "five failed checks with good ones between, for the count never goes down",
      ticks: { "error-ratio": ["bad", "good", "bad", "good", "bad", "good", "bad", "good", "bad"] },
      isRolledBack: true,
    },
    {
      name: "five ticks without values",
      ticks: { "error-ratio": five("no-data") },
      isRolledBack: true,
      ours: "running",
      difference: "A lack of data pauses (after noDataLimit in a row) and a person decides.",
    },
    {
      name: "five ticks at which Prometheus cannot be asked",
      ticks: { "error-ratio": five("error") },
      isRolledBack: true,
      ours: "error",
      difference: "It ends the analysis as well, as an error: the version was not found bad.",
    },
    {
      name: "three bad ticks of one metric and two of another",
      ticks: { "error-ratio": ["bad", "bad", "bad", "good", "good"], restarts: ["good", "good", "good", "bad", "bad"] },
      isRolledBack: true,
      ours: "running",
      difference: "Flagger has one count for all metrics; here each has a budget of its own, which the page shows.",
    },
    {
      name: "three ticks at which two metrics are bad at once",
      ticks: { "error-ratio": ["bad", "bad", "bad"], restarts: ["bad", "bad", "bad"] },
      isRolledBack: false,
    },
  ];
  test.each(cases)("$name: Flagger rolls back: $isRolledBack", ({ ticks, isRolledBack, ours, difference }) => {
    const flagger = isRolledBack ? "failed" : "running";
    const outcome = judge(ticks);
    expect(outcome).toBe(ours ?? flagger);
    expect(outcome !== flagger).toBe(difference !== undefined);
  });
});

test("the interval is Flagger's default of 60 s", () => {
  expect(defaultAnalysis.intervalSeconds).toBe(60);
});

/** Flagger's threshold n is the n-th bad measurement; a failure limit is the most that is borne, n - 1. */
function judge(ticks: Record<string, Verdict[]>): string {
  const settings: Analysis = { ...defaultAnalysis, metrics: Object.keys(ticks), failureLimit: 4, windowSeconds: 60 };
  let state = startAnalysis(settings, new Date(0));
  for (const [metric, verdicts] of Object.entries(ticks)) {
    for (const [index, verdict] of verdicts.entries()) {
      state = recordMeasurement(settings, state, { metric, verdict, message: "" }, new Date((index + 1) * 60_000));
    }
  }
  return judgeAnalysis(settings, state, false).outcome;
}
