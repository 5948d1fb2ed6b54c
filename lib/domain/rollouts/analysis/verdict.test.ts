import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Analysis } from "../strategy.ts";
import {
  type AnalysisState,
  budgetLeft,
  excuseNoData,
  judgeAnalysis,
  recordMeasurement,
  startAnalysis,
  type Verdict,
} from "./verdict.ts";

const settings: Analysis = {
  metrics: ["error-ratio", "restarts"],
  intervalSeconds: 60,
  count: null,
  failureLimit: 1,
  noDataLimit: 2,
  errorLimit: 2,
  minimumSamples: 50,
  windowSeconds: 120,
};
const start = new Date("2026-11-21T10:00:00Z");

/** Takes in a row of measurements of one metric, one an interval; the other metrics are good all the time. */
function run(
  verdicts: Verdict[],
  { metric = "error-ratio", of = settings, from = startAnalysis(of, start) } = {},
): AnalysisState {
  return verdicts.reduce((state, verdict) => {
    const now = new Date(state.dueAt);
    return of.metrics.reduce((next, name) => {
      const measured = name === metric ? verdict : "good";
      return recordMeasurement(of, next, { metric: name, verdict: measured, message: `${measured} at ${state.taken + 1}.` }, now);
    }, state);
  }, from);
}

const outcome = (state: AnalysisState, isOver = false, of = settings) => judgeAnalysis(of, state, isOver).outcome;

test("an analysis measures first after one interval, and then every interval", () => {
  const state = startAnalysis(settings, start);
  expect(state).toMatchObject({ startedAt: start.toISOString(), dueAt: "2026-11-21T10:01:00.000Z", taken: 0 });
  expect(run(["good"])).toMatchObject({ dueAt: "2026-11-21T10:02:00.000Z", taken: 1 });
});

test("metrics of one time count as one time", () => {
  expect(run(["good", "bad"]).taken).toBe(2);
});

describe("an analysis without a count", () => {
  test("runs until its step ends, and passes then", () => {
    const state = run(["good", "bad", "good"]);
    expect(outcome(state)).toBe("running");
    expect(judgeAnalysis(settings, state, true)).toEqual({
      outcome: "passed",
      message: "Passed with 3 measurements each: Error ratio; Restarts.",
    });
    expect(judgeAnalysis(settings, run(["good"]), true).message).toBe("Passed with 1 measurement each: Error ratio; Restarts.");
  });

  test("fails as soon as there is one bad measurement too many, whatever lies between, and says so in numbers", () => {
    const state = run(["bad", "good", "good", "bad"]);
    expect(judgeAnalysis(settings, state, false)).toEqual({
      outcome: "failed",
      message: "Error ratio: bad at 4. Bad in 2 of 4 measurements, 1 is allowed.",
    });
  });

  test("keeps the sentence of the bad measurement while later ones are good", () => {
    expect(run(["good", "bad", "good"]).metrics["error-ratio"]?.message).toBe("bad at 2.");
  });
});

test("an analysis with a count passes once it is reached; errors do not count", () => {
  const of = { ...settings, count: 3 };
  expect(outcome(run(["good", "error", "good"], { of }), false, of)).toBe("running");
  expect(outcome(run(["good", "error", "good", "good"], { of }), false, of)).toBe("passed");
});

test("what has no data before a whole window has passed is no part of the count", () => {
  const of = { ...settings, count: 2, noDataLimit: null };
  expect(outcome(run(["no-data", "good"], { of }), false, of)).toBe("running");
  expect(outcome(run(["no-data", "good", "no-data"], { of }), false, of)).toBe("passed");
});

describe("measurements without data", () => {
  test("pause when there are too many in a row, not when data come between", () => {
    expect(outcome(run(["good", "no-data", "no-data", "no-data"]))).toBe("inconclusive");
    expect(outcome(run(["no-data", "no-data", "good", "no-data", "no-data"]))).toBe("running");
  });

  test("do not count before a whole window has passed", () => {
    // The window is two intervals: the first measurement is too early.
    expect(outcome(run(["no-data", "no-data", "no-data"]))).toBe("running");
    expect(outcome(run(["no-data", "no-data", "no-data", "no-data"]))).toBe("inconclusive");
  });

  test("go on in a row past an error", () => {
    expect(outcome(run(["good", "no-data", "no-data", "error", "no-data"]))).toBe("inconclusive");
  });

  test("are over when data come back", () => {
    const paused = run(["good", "no-data", "no-data", "no-data"]);
    expect(outcome(run(["good"], { from: paused }))).toBe("running");
  });

  test("pause no more once a person has let it go on without them", () => {
    const excused = excuseNoData(run(["good", "no-data", "no-data", "no-data"]));
    expect(outcome(excused)).toBe("running");
    const later = run(["no-data", "no-data", "no-data", "no-data"], { from: excused });
    expect(outcome(later)).toBe("running");
    expect(outcome(later, true)).toBe("passed");
    expect(outcome(run(["bad", "bad"], { from: later }))).toBe("failed");
  });

  test("never pause where the strategy says so", () => {
    const of = { ...settings, noDataLimit: null };
    expect(outcome(run(Array<Verdict>(20).fill("no-data"), { of }), false, of)).toBe("running");
    expect(outcome(run(["no-data"], { of }), true, of)).toBe("passed");
  });

  test("only, up to the end, leave it open", () => {
    const { outcome: ended, message } = judgeAnalysis(settings, run(["no-data", "no-data"]), true);
    expect(ended).toBe("inconclusive");
    expect(message).toBe("Error ratio has no verdict after 2 measurements: no-data at 2.");
  });
});

test("a step that ends before its first measurement leaves it open", () => {
  expect(judgeAnalysis(settings, startAnalysis(settings, start), true)).toMatchObject({
    outcome: "inconclusive",
    message: expect.stringContaining("was not measured: the step ended before"),
  });
});

test("errors in a row end it, and one measurement between them begins a new row", () => {
  expect(judgeAnalysis(settings, run(["error", "error", "error"]), false)).toEqual({
    outcome: "error",
    message: "Error ratio could not be measured (3 times in a row, 2 are allowed): error at 3.",
  });
  expect(outcome(run(["error", "error", "no-data", "error", "error"]))).toBe("running");
});

test("of several metrics the worst decides", () => {
  const failed = run(["bad", "bad"], { metric: "restarts" });
  expect(judgeAnalysis(settings, failed, false).message).toMatch(/^Restarts: .* Bad in 2 of 2/);
});

test("the budget tells how many more bad measurements each metric bears", () => {
  expect(budgetLeft(settings, run(["bad"]))).toEqual([
    { metric: "error-ratio", left: 0, of: 1 },
    { metric: "restarts", left: 1, of: 1 },
  ]);
  expect(budgetLeft(settings, run(["bad", "bad", "bad"]))[0]?.left).toBe(0);
});

const verdicts = fc.array(fc.constantFrom<Verdict>("good", "bad", "no-data", "error"), { maxLength: 30 });

test("what failed stays failed, whatever comes after", () => {
  fc.assert(
    fc.property(verdicts, verdicts, (before, after) => {
      const failed = run([...before, "bad", "bad"]);
      expect(outcome(run(after, { from: failed }))).toBe("failed");
    }),
  );
});

test("the metrics of one time may be taken in in any order", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(verdicts, verdicts), { maxLength: 5 }), (rounds) => {
      const rows = rounds.flatMap(([a, b]) => a.map((verdict, index): [Verdict, Verdict] => [verdict, b[index] ?? "good"]));
      const take = (names: [string, string]) =>
        rows.reduce(
          (state, [first, second]) => {
            const now = new Date(state.dueAt);
            const verdictOf = new Map([
              ["error-ratio", first],
              ["restarts", second],
            ]);
            return names.reduce(
              (next, metric) =>
                recordMeasurement(settings, next, { metric, verdict: verdictOf.get(metric) ?? "good", message: "" }, now),
              state,
            );
          },
          startAnalysis(settings, start),
        );
      expect(take(["error-ratio", "restarts"])).toEqual(take(["restarts", "error-ratio"]));
    }),
  );
});

test("an analysis is over exactly when it is told to be, or its count is reached, or a limit is passed", () => {
  fc.assert(
    fc.property(verdicts, (measured) => {
      const of = { ...settings, metrics: ["error-ratio"], noDataLimit: null };
      const state = run(measured, { of });
      const bad = measured.filter((verdict) => verdict === "bad").length;
      const errors = measured.length - (measured.findLastIndex((verdict) => verdict !== "error") + 1);
      const expected = bad > of.failureLimit ? "failed" : errors > of.errorLimit ? "error" : "running";
      expect(outcome(state, false, of)).toBe(expected);
      expect(outcome(state, true, of)).toBe(expected === "running" ? "passed" : expected);
    }),
  );
});
