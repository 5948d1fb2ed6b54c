import { describe, expect, test } from "vitest";
import { harmOf, isOutdated, spentBudgets } from "./impact.ts";
import { betterOf, isWhole } from "./measure.ts";
import { testFacts, testImpact } from "./test-facts.ts";

describe("the error budget that an incident has spent", () => {
  const usage = (bad: number, all: number) => ({
    prober: { bad: bad / 10, all: all / 10 },
    own: { bad, all },
    buckets: [
      { le: 0.05, count: all - bad },
      { le: Number.POSITIVE_INFINITY, count: all },
    ],
  });
  const objective = { availability: 0.999, latencyRatio: 0.99, latencySeconds: 0.05, windowDays: 30 };

  test("is its bad requests over those that the objective's window may have", () => {
    // 500 of 1,000,000 x 0.1 % = 1,000 that may be bad; 500 slow ones of 10,000 that may be.
    expect(
      spentBudgets(objective, usage(500, 5_000), usage(600, 1_000_000)).map(({ kind, spent, seenBy }) => [
        kind,
        Number(spent.toFixed(6)),
        seenBy,
      ]),
    ).toEqual([
      ["availability", 0.5, "prober"],
      ["latency", 0.05, "itself"],
    ]);
  });

  test("is unknown without requests in the window", () => {
    expect(spentBudgets(objective, usage(0, 0), usage(0, 0))).toEqual([]);
  });
});

describe("what did harm", () => {
  const at = (minute: number) => new Date(Date.UTC(2026, 10, 21, 12, minute));
  const incident = {
    impactStartedAt: at(0),
    mitigatedAt: at(10),
    resolvedAt: at(20),
    services: [{ incidentId: "", namespace: "fleet", service: "relay" }],
  };

  test("ended with the recovery by the data, else with what people said, and never before it began", () => {
    const ends = (recoveredAt: Date | null, change: object = {}) => {
      const { to, until } = harmOf({ ...incident, ...change }, recoveredAt, at(30));
      return [to.getUTCMinutes(), until];
    };
    expect(ends(at(5))).toEqual([5, "recovered"]);
    expect(ends(null)).toEqual([10, "mitigated"]);
    expect(ends(null, { mitigatedAt: null })).toEqual([20, "resolved"]);
    expect(ends(at(0), { mitigatedAt: null, resolvedAt: null })).toEqual([30, "now"]);
  });

  test("was measured for other times or services than the incident has now", () => {
    const harm = { services: ["fleet/relay"], from: at(0), to: new Date(testImpact.to), until: "recovered" as const };
    expect(isOutdated(testImpact, harm)).toBe(false);
    expect(isOutdated(testImpact, { ...harm, from: at(-1) })).toBe(true);
    expect(isOutdated(testImpact, { ...harm, to: at(9) })).toBe(true);
    expect(isOutdated(testImpact, { ...harm, services: ["fleet/hub", "fleet/relay"] })).toBe(true);
  });
});

test("is measured again at the publication when it was measured too early to show what came after", () => {
  const harm = {
    services: ["fleet/relay"],
    from: new Date(testImpact.from),
    to: new Date(testImpact.to),
    until: "recovered" as const,
  };
  const measured = { impact: testImpact, charts: testFacts.charts };
  expect(isWhole(measured, harm)).toBe(true);
  expect(isWhole({ ...measured, impact: { ...testImpact, measuredAt: "2026-11-21T12:06:00.000Z" } }, harm)).toBe(false);
  expect(isWhole({ ...measured, charts: [] }, harm)).toBe(false);
  expect(isWhole({ ...measured, impact: { ...testImpact, problem: "Prometheus cannot be asked." } }, harm)).toBe(false);
  expect(isWhole({ ...measured, impact: null }, harm)).toBe(false);
  expect(isWhole(measured, { ...harm, from: new Date(0) })).toBe(false);
});

test("what was measured once is not given up when Prometheus has forgotten it", () => {
  const nothing = {
    own: null,
    probes: null,
    connections: { before: null, most: null },
    latencyP95: { before: null, during: null },
    budgets: [],
  };
  const forgotten = { ...testImpact, services: [{ service: "fleet/relay", ...nothing }] };
  const before = { impact: testImpact, charts: testFacts.charts };
  expect(betterOf(before, { impact: forgotten, charts: [] })).toEqual(before);
  expect(betterOf({ impact: forgotten, charts: [] }, { impact: testImpact, charts: testFacts.charts })).toEqual(before);
  expect(betterOf(null, { impact: forgotten, charts: [] })).toEqual({ impact: forgotten, charts: [] });
});
