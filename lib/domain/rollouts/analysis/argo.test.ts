import { describe, expect, test } from "vitest";
import { type Analysis, defaultAnalysis } from "../strategy.ts";
import { judgeSample } from "./judge.ts";
import { findMetric } from "./templates.ts";
import {
  type AnalysisOutcome,
  type AnalysisState,
  judgeAnalysis,
  recordMeasurement,
  startAnalysis,
  type Verdict,
} from "./verdict.ts";

// What Argo Rollouts decides, from its analysis/analysis.go (assessMetricStatus, assessRunStatus, runMeasurements), its tests, and
// utils/evaluate/evaluate.go, beside what is decided here. Where they differ, `difference` says why.

type Phase = "Running" | "Pending" | "Successful" | "Inconclusive" | "Error" | "Failed";
type Measured = "Successful" | "Failed" | "Inconclusive" | "Error";

const outcomeOf: Record<Phase, AnalysisOutcome> = {
  Running: "running",
  Pending: "running",
  Successful: "passed",
  Inconclusive: "inconclusive",
  Error: "error",
  Failed: "failed",
};
const verdictOf: Record<Measured, Verdict> = { Successful: "good", Failed: "bad", Inconclusive: "no-data", Error: "error" };
const S = "Successful";
const F = "Failed";
const I = "Inconclusive";
const E = "Error";

type Limits = { failureLimit?: number; inconclusiveLimit?: number; consecutiveErrorLimit?: number; count?: number };
type Case = {
  name: string;
  limits: Limits;
  measured: Measured[];
  /** Argo's `terminating`: the run was told to stop. */
  isOver?: boolean;
  argo: Phase;
  ours?: AnalysisOutcome;
  difference?: string;
};

const nothingKnown = "An analysis that ends without one verdict has shown nothing: a person decides. Argo lets it pass.";
const inARow = "Argo counts inconclusive measurements in all; a lack of data that came to an end is no reason to pause here.";

const cases: Case[] = [
  { name: "nothing measured yet", limits: {}, measured: [], argo: "Pending" },
  {
    name: "stopped before the first measurement",
    limits: {},
    measured: [],
    isOver: true,
    argo: "Successful",
    ours: "inconclusive",
    difference: nothingKnown,
  },
  { name: "more failures than the limit", limits: { failureLimit: 2 }, measured: [F, F, F], argo: "Failed" },
  {
    name: "more failures than the limit, stopped",
    limits: { failureLimit: 2 },
    measured: [F, F, F],
    isOver: true,
    argo: "Failed",
  },
  { name: "as many failures as the limit", limits: { failureLimit: 3 }, measured: [F, F, F], argo: "Running" },
  {
    name: "as many failures as the limit, stopped",
    limits: { failureLimit: 3 },
    measured: [F, F, F],
    isOver: true,
    argo: "Successful",
  },
  { name: "failures in all, not in a row", limits: { failureLimit: 1 }, measured: [F, S, S, F], argo: "Failed" },
  { name: "one failure at a limit of 0", limits: { failureLimit: 0 }, measured: [F], argo: "Failed" },
  { name: "more inconclusive than the limit", limits: { inconclusiveLimit: 2 }, measured: [I, I, I], argo: "Inconclusive" },
  { name: "the same, stopped", limits: { inconclusiveLimit: 2 }, measured: [I, I, I], isOver: true, argo: "Inconclusive" },
  { name: "as many inconclusive as the limit", limits: { inconclusiveLimit: 3 }, measured: [I, I, I], argo: "Running" },
  {
    name: "as many inconclusive as the limit, stopped",
    limits: { inconclusiveLimit: 3 },
    measured: [I, I, I],
    isOver: true,
    argo: "Successful",
    ours: "inconclusive",
    difference: nothingKnown,
  },
  {
    name: "inconclusive ones with others between",
    limits: { inconclusiveLimit: 2 },
    measured: [I, S, I, S, I],
    argo: "Inconclusive",
    ours: "running",
    difference: inARow,
  },
  { name: "five errors in a row", limits: { consecutiveErrorLimit: 4 }, measured: [E, E, E, E, E], argo: "Error" },
  {
    name: "five errors in a row, stopped",
    limits: { consecutiveErrorLimit: 4 },
    measured: [E, E, E, E, E],
    isOver: true,
    argo: "Error",
  },
  { name: "four errors in a row", limits: { consecutiveErrorLimit: 4 }, measured: [E, E, E, E], argo: "Running" },
  {
    name: "four errors in a row, stopped",
    limits: { consecutiveErrorLimit: 4 },
    measured: [E, E, E, E],
    isOver: true,
    argo: "Successful",
    ours: "inconclusive",
    difference: nothingKnown,
  },
  { name: "errors with a success between", limits: {}, measured: [E, E, E, E, S, E, E, E, E], argo: "Running" },
  { name: "errors with a failure between", limits: { failureLimit: 1 }, measured: [E, E, E, E, F, E, E, E, E], argo: "Running" },
  {
    name: "errors with an inconclusive one between",
    limits: { inconclusiveLimit: 1 },
    measured: [E, E, E, E, I, E, E, E, E],
    argo: "Running",
  },
  { name: "the count reached", limits: { count: 3 }, measured: [S, S, S], argo: "Successful" },
  {
    name: "the count reached, failures within the limit",
    limits: { count: 3, failureLimit: 2 },
    measured: [F, F, S],
    argo: "Successful",
  },
  { name: "the count reached, too many inconclusive", limits: { count: 4 }, measured: [S, S, I, I], argo: "Inconclusive" },
  { name: "errors, which do not count", limits: { count: 2 }, measured: [S, E], argo: "Running" },
  { name: "errors, and the count reached", limits: { count: 2 }, measured: [S, E, S], argo: "Successful" },
  { name: "stopped before the count", limits: { count: 10 }, measured: [S, S], isOver: true, argo: "Successful" },
  {
    name: "failures and errors beyond both limits",
    limits: { failureLimit: 0, consecutiveErrorLimit: 0 },
    measured: [F, E],
    argo: "Failed",
  },
  {
    name: "inconclusive ones and errors beyond both limits",
    limits: { consecutiveErrorLimit: 0 },
    measured: [I, E],
    argo: "Inconclusive",
    ours: "error",
    difference: "Both stop the rollout; that Prometheus cannot be asked is the graver news, as Argo has it between two metrics.",
  },
];

describe("one metric", () => {
  test.each(cases)("$name: Argo says $argo", ({ limits, measured, isOver = false, argo, ours, difference }) => {
    expectSame(judge(limits, [measured], isOver), { argo, ours, difference });
  });
});

describe("several metrics", () => {
  const rows: { name: string; measured: Measured[][]; argo: Phase }[] = [
    { name: "one still runs", measured: [[S], []], argo: "Running" },
    { name: "the worst of all decides: failed over passed", measured: [[S], [F]], argo: "Failed" },
    { name: "failed over error", measured: [[E], [F]], argo: "Failed" },
    { name: "failed over inconclusive", measured: [[I], [F]], argo: "Failed" },
    { name: "error over inconclusive", measured: [[I], [E]], argo: "Error" },
    { name: "a failed one stops those that still run", measured: [[F], []], argo: "Failed" },
  ];
  test.each(rows)("$name: Argo says $argo", ({ measured, argo }) => {
    const limits = { failureLimit: 0, inconclusiveLimit: 0, consecutiveErrorLimit: 0, count: 1 };
    expectSame(judge(limits, measured, false), { argo });
  });
});

describe("one measurement", () => {
  /** successCondition: result[0] <= 0.01, and where told so failureCondition: result[0] > 0.05. */
  const rows: { name: string; bad: number | null; all: number; argo: Measured; ours?: Verdict; difference?: string }[] = [
    { name: "the condition holds", bad: 5, all: 1_000, argo: S },
    { name: "the value is the limit", bad: 10, all: 1_000, argo: S },
    { name: "the condition does not hold", bad: 80, all: 1_000, argo: F },
    {
      name: "NaN, for there was no request",
      bad: 0,
      all: 0,
      argo: F,
      ours: "no-data",
      difference: "No traffic is never bad: it says nothing of the version (argo-rollouts#1466).",
    },
    {
      name: "an empty vector",
      bad: null,
      all: 0,
      argo: E,
      ours: "no-data",
      difference: "That a series is not there yet is no error of Prometheus, and must not use up the errors that are allowed.",
    },
    {
      name: "three of 60 failed, and a failure condition leaves room",
      bad: 3,
      all: 60,
      argo: I,
    },
    {
      name: "one of 60 failed, without a failure condition",
      bad: 1,
      all: 60,
      argo: F,
      ours: "good",
      difference: "At a limit of 1 % one of 60 fails by chance almost every other time: few samples give nobody up.",
    },
  ];
  test.each(rows)("$name: Argo says $argo", ({ bad, all, argo, ours, difference }) => {
    const template = findMetric("relay", "error-ratio");
    if (!template) throw new Error("A relay has no error ratio.");
    const candidate = bad === null ? null : { bad, all };
    const { verdict } = judgeSample(template, { metric: "error-ratio", candidate, stable: null }, defaultAnalysis);
    expect(verdict).toBe(ours ?? verdictOf[argo]);
    expect(verdict !== verdictOf[argo]).toBe(difference !== undefined);
  });
});

describe("defaults and times", () => {
  test("are Argo's for errors in a row (4); one bad measurement is borne where Argo bears none, and data may lack five times in a row", () => {
    // Windows overlap, so one event is seen by more than one measurement, and one measurement alone should decide nothing.
    expect(defaultAnalysis).toMatchObject({ errorLimit: 4, failureLimit: 1, noDataLimit: 5 });
  });

  test("the first measurement waits one interval, where Argo measures at once unless told an initial delay", () => {
    const start = new Date("2026-11-21T10:00:00Z");
    expect(startAnalysis(defaultAnalysis, start).dueAt).toBe("2026-11-21T10:01:00.000Z");
  });

  test("an error is measured again after the interval, as Argo does where an interval is set", () => {
    const start = new Date("2026-11-21T10:00:00Z");
    const at = new Date("2026-11-21T10:01:00Z");
    const state = recordMeasurement(
      defaultAnalysis,
      startAnalysis(defaultAnalysis, start),
      { metric: "restarts", verdict: "error", message: "" },
      at,
    );
    expect(state.dueAt).toBe("2026-11-21T10:02:00.000Z");
  });
});

function expectSame(found: AnalysisOutcome, { argo, ours, difference }: Pick<Case, "argo" | "ours" | "difference">): void {
  expect(found).toBe(ours ?? outcomeOf[argo]);
  // A difference is named, and what is named is one.
  expect(found !== outcomeOf[argo]).toBe(difference !== undefined);
}

/** Argo's own defaults where a case names no limit. The window is short enough that every measurement counts. */
function judge(
  { failureLimit = 0, inconclusiveLimit = 0, consecutiveErrorLimit = 4, count }: Limits,
  measured: Measured[][],
  isOver: boolean,
): AnalysisOutcome {
  const settings: Analysis = {
    ...defaultAnalysis,
    metrics: measured.map((_, index) => `metric-${index}`),
    intervalSeconds: 60,
    windowSeconds: 60,
    failureLimit,
    noDataLimit: inconclusiveLimit,
    errorLimit: consecutiveErrorLimit,
    count: count ?? null,
  };
  let state: AnalysisState = startAnalysis(settings, new Date(0));
  for (const [index, row] of measured.entries()) {
    for (const [turn, phase] of row.entries()) {
      const now = new Date((turn + 1) * 60_000);
      state = recordMeasurement(settings, state, { metric: `metric-${index}`, verdict: verdictOf[phase], message: "" }, now);
    }
  }
  return judgeAnalysis(settings, state, isOver).outcome;
}
