import { describe, expect, it } from "vitest";
import { readObjective } from "./annotations.ts";
import { burnRate, judgeIndicator } from "./burn.ts";
import { countSlow } from "./indicators.ts";

const none = { availability: null, latency: null, latencyThreshold: null, window: null };

describe("objectives from annotations", () => {
  it("reads percentages, durations and days", () => {
    const written = { availability: "99.9", latency: "99%", latencyThreshold: "50ms", window: "7d" };
    const objective = { availability: 0.999, latencyRatio: 0.99, latencySeconds: 0.05, windowDays: 7 };
    expect(readObjective(written)).toEqual({ objective, problems: [] });
  });

  it("counts over 30 days when no window is named, and is silent without annotations", () => {
    expect(readObjective({ ...none, availability: "99" }).objective?.windowDays).toBe(30);
    expect(readObjective(none)).toEqual({ objective: null, problems: [] });
  });

  it.each([
    [{ ...none, availability: "three nines" }, 'slo-availability wants a percentage such as 99.9; it is "three nines"'],
    [{ ...none, availability: "99", window: "4w" }, 'slo-window wants whole days such as 30d; it is "4w"'],
    [{ ...none, availability: "100" }, "nothing is perfect"],
    [{ ...none, latency: "99" }, "the time that they may take"],
    [{ ...none, latencyThreshold: "50ms" }, "Set an availability"],
  ])("says what is wrong with %j, and holds the service to nothing of it", (written, sentence) => {
    const { objective, problems } = readObjective(written);
    expect(objective).toBeNull();
    expect(problems.join(" ")).toContain(sentence);
  });
});

describe("burn rates", () => {
  const burning = (rate: number) => ({ bad: rate * 0.001 * 1_000_000, all: 1_000_000 });

  it("is 1 when the budget is spent exactly, and unknown without requests", () => {
    expect(burnRate({ bad: 1, all: 1000 }, 0.999)).toBeCloseTo(1);
    expect(burnRate({ bad: 0, all: 0 }, 0.999)).toBeNull();
    expect(burnRate(null, 0.999)).toBeNull();
  });

  it.each([
    ["page", { "1h": 14.5, "5m": 14.5 }],
    [null, { "1h": 14.3, "5m": 99 }],
    [null, { "1h": 99, "5m": 14.3 }],
    ["page", { "6h": 6.1, "30m": 6.1 }],
    [null, { "6h": 5.9, "30m": 9 }],
    ["ticket", { "3d": 1.1, "6h": 1.1 }],
    [null, { "3d": 0.9, "6h": 3 }],
  ] as const)("says %s for rates %j over 30 days, as the SRE workbook's table has it", (alert, rates) => {
    const recent = Object.fromEntries(Object.entries(rates).map(([window, rate]) => [window, burning(rate)]));
    expect(judgeIndicator(0.999, 30, burning(0.5), recent).alert).toBe(alert);
  });

  it.each([1, 7, 30, 90])("says the same of a rate whatever the objective's window (%i days), as the alert rules do", (days) => {
    const all = (rate: number) => Object.fromEntries(["5m", "30m", "1h", "6h", "3d"].map((window) => [window, burning(rate)]));
    expect(judgeIndicator(0.999, days, null, all(14.5)).alert).toBe("page");
    expect(judgeIndicator(0.999, days, null, all(1.1)).alert).toBe("ticket");
    expect(judgeIndicator(0.999, days, null, all(1)).alert).toBeNull();
  });

  it("tells how much of the budget is left and when it will be gone", () => {
    const state = judgeIndicator(0.99, 30, { bad: 5, all: 1000 }, { "1h": { bad: 5, all: 100 } });
    expect(state).toMatchObject({ ratio: 0.995, requests: 1000, burn: { "6h": null, "3d": null } });
    expect(state.budgetLeft).toBeCloseTo(0.5);
    expect(state.burn["1h"]).toBeCloseTo(5);
    expect(state.exhaustedInSeconds).toBeCloseTo((0.5 * 30 * 86_400) / 5);
  });

  it("shows an overdrawn budget below 0, gone already, and no end for one that lasts", () => {
    const overdrawn = judgeIndicator(0.99, 30, { bad: 30, all: 1000 }, { "1h": { bad: 2, all: 100 } });
    expect(overdrawn.budgetLeft).toBeCloseTo(-2);
    expect(overdrawn.exhaustedInSeconds).toBe(0);
    expect(judgeIndicator(0.99, 30, { bad: 1, all: 1000 }, { "1h": { bad: 1, all: 100 } }).exhaustedInSeconds).toBeNull();
  });
});

describe("slow requests", () => {
  const buckets = [
    { le: 0.01, count: 50 },
    { le: 0.05, count: 90 },
    { le: 0.1, count: 99 },
    { le: Number.POSITIVE_INFINITY, count: 100 },
  ];

  it("counts with the bound that was asked for, else with the next lower one, and says which", () => {
    expect(countSlow({ buckets }, 0.05)).toEqual({ counts: { bad: 10, all: 100 }, countedSeconds: 0.05 });
    expect(countSlow({ buckets }, 0.08)).toEqual({ counts: { bad: 10, all: 100 }, countedSeconds: 0.05 });
  });

  it("counts nothing when no bound is that low, or there is no histogram", () => {
    expect(countSlow({ buckets }, 0.001)).toBeNull();
    expect(countSlow({ buckets: [] }, 0.05)).toBeNull();
  });
});
