import { describe, expect, test } from "vitest";
import { defaultAnalysis, defaultStrategies, type Strategy } from "../strategy.ts";
import { compileSteps, planAnalyses } from "./compile-steps.ts";
import { describeStep } from "./step-texts.ts";

const titles = (strategy: Strategy, total = 10) => compileSteps(strategy, total).map(describeStep);
const spans = (strategy: Strategy) =>
  planAnalyses(strategy, compileSteps(strategy, 10)).map(({ name, step, until, settings }) => [
    name,
    step,
    until,
    settings.count,
  ]);

describe("the steps", () => {
  test("of the guides' canary: 10 % for an hour, then all", () => {
    expect(titles(defaultStrategies.canary)).toEqual([
      "Candidate with 1 instance",
      "10 % of the traffic to the candidate",
      "Pause of 1 h",
      "Update stable",
      "Clean up",
    ]);
    expect(spans(defaultStrategies.canary)).toEqual([["canary", 1, 2, null]]);
  });

  test.each([
    [1, 10, 1],
    [3, 10, 1],
    [10, 25, 3],
    [30, 10, 3],
    [7, 100, 7],
    [0, 50, 0],
  ])("of a canary over %i instances at %i %% have %i of them", (total, weight, replicas) => {
    const strategy: Strategy = { ...defaultStrategies.canary, steps: [{ weight, pauseSeconds: 0 }] };
    expect(compileSteps(strategy, total)[0]).toEqual({ kind: "candidate", replicas, weight });
  });

  test("of a blue-green with a small preview make it whole before the switch", () => {
    const strategy: Strategy = { ...defaultStrategies["blue-green"], previewReplicas: 2, waitForPromotion: true };
    expect(titles(strategy)).toEqual([
      "Candidate with 2 instances",
      "Analysis before the switch",
      "Pause until promoted",
      "Candidate as large as stable",
      "Switch to the candidate",
      "Analysis after the switch",
      "Pause of 30 s",
      "Update stable",
      "Switch to stable",
      "Clean up",
    ]);
    expect(spans(strategy)).toEqual([
      ["pre-promotion", 1, 1, 5],
      ["post-promotion", 5, 5, 5],
    ]);
  });

  test("of a rolling update are measured from its first instance to the end of the stable time", () => {
    const strategy: Strategy = { ...defaultStrategies.rolling, stableSeconds: 60, analysis: defaultAnalysis };
    expect(titles(strategy)).toEqual(["Update stable", "Pause of 1 m", "Clean up"]);
    expect(spans(strategy)).toEqual([["rolling", 0, 1, null]]);
    expect(spans({ ...strategy, stableSeconds: 0 })).toEqual([["rolling", 0, 0, null]]);
  });

  test("that only wait for an analysis let it end by itself", () => {
    const strategy: Strategy = { ...defaultStrategies["blue-green"], prePromotion: defaultAnalysis, postPromotion: null };
    expect(spans(strategy)).toEqual([["pre-promotion", 1, 1, 1]]);
  });
});
