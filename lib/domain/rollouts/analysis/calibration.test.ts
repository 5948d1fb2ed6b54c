import { describe, expect, test } from "vitest";
import { defaultAnalysis } from "../strategy.ts";
import { judgeSample } from "./judge.ts";
import type { Sample } from "./samples.ts";
import type { Bucket, Counts } from "./statistics.ts";
import { findMetric, type MetricName } from "./templates.ts";
import { type AnalysisOutcome, judgeAnalysis, recordMeasurement, startAnalysis } from "./verdict.ts";

// How often whole rollouts end as they should, when the requests are drawn at random: an hour of measurements by the default analysis,
// whose windows hold two intervals each and so overlap.

const intervals = 60;
const bounds = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, Number.POSITIVE_INFINITY];
const random = generator(20_261_121);

type Traffic = { candidate: number; stable: number };
/** Requests a minute. */
const busy: Traffic = { candidate: 300, stable: 900 };
const quiet: Traffic = { candidate: 40, stable: 360 };

describe("a version that is like stable", () => {
  test.each([
    ["busy, at a tenth of the limit", 15, busy, 0.001],
    ["busy, at half the limit", 15, busy, 0.005],
    ["quiet, at a tenth of the limit", 60, quiet, 0.001],
    ["quiet, at half the limit", 60, quiet, 0.005],
  ])("is let through where errors are drawn: %s", (_, rollouts, traffic, share) => {
    const ends = simulate(rollouts, () => rollErrors(traffic, { candidate: share, stable: share }));
    expect(ends.failed).toBe(0);
    expect(ends.passed).toBeGreaterThanOrEqual(rollouts - 1);
  });

  test.each([
    ["busy", 8, busy, 0.01],
    ["busy, near the limit", 8, busy, 0.02],
    ["quiet", 20, quiet, 0.01],
  ])("is let through where times are drawn: %s", (_, rollouts, traffic, median) => {
    const ends = simulate(rollouts, () => rollTimes(traffic, { candidate: median, stable: median }));
    expect(ends).toMatchObject({ failed: 0, passed: rollouts });
  });
});

describe("a version that is worse", () => {
  test.each([
    ["busy, three times over the limit", busy, 0.03, 0.001],
    ["quiet, eight times over the limit", quiet, 0.08, 0.001],
    ["busy, within the limit and nine times as bad as stable", busy, 0.009, 0.001],
  ])("is given up for its errors: %s", (_, traffic, candidate, stable) => {
    expect(simulate(40, () => rollErrors(traffic, { candidate, stable }))).toMatchObject({ failed: 40 });
  });

  test.each([
    ["busy, twice as slow", busy, 0.02],
    ["quiet, three times as slow", quiet, 0.03],
  ])("is given up for its latency: %s", (_, traffic, candidate) => {
    expect(simulate(40, () => rollTimes(traffic, { candidate, stable: 0.01 }))).toMatchObject({ failed: 40 });
  });
});

test("a version on which next to nothing is known is never let through unseen", () => {
  const ends = simulate(20, () => rollErrors({ candidate: 10, stable: 90 }, { candidate: 0, stable: 0 }));
  expect(ends).toMatchObject({ inconclusive: 20 });
});

type Shares = { candidate: number; stable: number };

function rollErrors(traffic: Traffic, shares: Shares): AnalysisOutcome {
  const draw = (part: keyof Traffic): Counts => {
    let bad = 0;
    for (let index = 0; index < traffic[part]; index += 1) if (random() < shares[part]) bad += 1;
    return { bad, all: traffic[part] };
  };
  const join = (a: Counts, b: Counts) => ({ bad: a.bad + b.bad, all: a.all + b.all });
  return roll("error-ratio", draw, join, (candidate, stable) => ({ metric: "error-ratio", candidate, stable }));
}

/** Log-normal times, as those of requests about are: the p95 is 2.3 times the median. */
function rollTimes(traffic: Traffic, medians: Shares): AnalysisOutcome {
  const draw = (part: keyof Traffic): Bucket[] => {
    const counts = new Array<number>(bounds.length).fill(0);
    for (let index = 0; index < traffic[part]; index += 1) {
      const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
      const time = medians[part] * Math.exp(0.5 * normal);
      const place = bounds.findIndex((le) => time <= le);
      counts[place] = (counts[place] ?? 0) + 1;
    }
    return bounds.map((le, index) => ({ le, count: counts[index] ?? 0 }));
  };
  const join = (a: Bucket[], b: Bucket[]) => a.map(({ le, count }, index) => ({ le, count: count + (b[index]?.count ?? 0) }));
  return roll("latency-p95", draw, join, (candidate, stable) => ({ metric: "latency-p95", candidate, stable }));
}

function roll<T>(
  metric: MetricName,
  draw: (part: keyof Traffic) => T,
  join: (a: T, b: T) => T,
  toSample: (candidate: T, stable: T) => Sample,
): AnalysisOutcome {
  const template = findMetric("relay", metric);
  if (!template) throw new Error(`A relay has no ${metric}.`);
  const settings = { ...defaultAnalysis, metrics: [metric] };
  let state = startAnalysis(settings, new Date(0));
  let before: { candidate: T; stable: T } | null = null;
  for (let turn = 1; turn <= intervals; turn += 1) {
    const drawn = { candidate: draw("candidate"), stable: draw("stable") };
    const window = before
      ? { candidate: join(before.candidate, drawn.candidate), stable: join(before.stable, drawn.stable) }
      : drawn;
    before = drawn;
    const { verdict, message } = judgeSample(template, toSample(window.candidate, window.stable), settings);
    state = recordMeasurement(settings, state, { metric, verdict, message }, new Date(turn * 60_000));
    const { outcome } = judgeAnalysis(settings, state, false);
    if (outcome !== "running") return outcome;
  }
  return judgeAnalysis(settings, state, true).outcome;
}

function simulate(rollouts: number, once: () => AnalysisOutcome): Record<AnalysisOutcome, number> {
  const ends = { running: 0, passed: 0, failed: 0, inconclusive: 0, error: 0 };
  for (let index = 0; index < rollouts; index += 1) ends[once()] += 1;
  return ends;
}

/** A generator of numbers from 0 to 1 that is the same every time (mulberry32). */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}
