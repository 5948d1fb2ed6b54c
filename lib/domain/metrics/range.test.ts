import { describe, expect, test } from "vitest";
import { firstUnsettled, pointsIn, readSpan, shiftWindow, windowOf } from "./range.ts";
import { type PanelsQuery, panelLimits, panelsQuerySchema, ranges } from "./schemas.ts";

const now = new Date("2026-11-01T10:03:17.456Z");
const at = Math.floor(now.getTime() / 1000);
const read = (query: PanelsQuery, scrapeSeconds = 2) => readSpan(panelsQuerySchema.parse(query), now, scrapeSeconds);

describe("a running window", () => {
  test("falls on multiples of its step at both ends, whatever the time", () => {
    for (const range of Object.keys(ranges) as (keyof typeof ranges)[]) {
      const window = windowOf(range, now, 2);
      expect([window.to % window.stepSeconds, window.from % window.stepSeconds]).toEqual([0, 0]);
      expect(at - window.to).toBeLessThan(window.stepSeconds);
      expect(pointsIn(window)).toBeLessThanOrEqual(401);
    }
  });

  test("gives a rate at least four scrapes, and no less than a step", () => {
    expect(windowOf("15m", now, 2).rateSeconds).toBe(8);
    expect(windowOf("15m", now, 15).rateSeconds).toBe(60);
    expect(windowOf("7d", now, 2).rateSeconds).toBe(1800);
  });

  test("is an hour when nothing is asked", () => {
    expect(read({})).toMatchObject({ range: "1h", since: null, shiftSeconds: null });
  });

  test("takes a step that is given, and stays on its grid", () => {
    const { window } = read({ range: "15m", step: "7" });
    expect([window.stepSeconds, window.to % 7, window.from % 7]).toEqual([7, 0, 0]);
  });
});

describe("a fixed time", () => {
  test("ends where it is asked to, on the grid of a step that gives at most 400 points", () => {
    for (const seconds of [1, 30, 900, 4000, 86_400, 31 * 86_400]) {
      const { window, range } = read({ from: at - 5000 - seconds, to: at - 5000 });
      expect(range).toBeNull();
      expect(window.from).toBeLessThanOrEqual(at - 5000 - seconds);
      expect(Math.abs(window.to - (at - 5000))).toBeLessThanOrEqual(window.stepSeconds);
      expect(pointsIn(window)).toBeGreaterThanOrEqual(2);
      expect(pointsIn(window)).toBeLessThanOrEqual(402);
    }
  });

  test("has no finer points than Prometheus has scrapes", () => {
    expect(read({ from: at - 900, to: at }, 30).window.stepSeconds).toBe(30);
  });

  test("does not reach beyond now", () => {
    expect(read({ from: at - 100, to: at + 1000 }).window.to).toBeLessThanOrEqual(at);
  });

  test.each([
    [{ from: at, to: at - 1 }, "begin before it ends"],
    [{ from: at + 10, to: at + 20 }, "before now"],
    [{ from: at - 31 * 86_400 - 1, to: at }, "At most 31 days can be charted at once; this is 32."],
    [{ from: at - 86_400, to: at, step: 1 }, "86,401 points a series; at most 11,000 are answered. Take a step of 8 s or more."],
    [{ range: "7d" as const, step: 1 }, "Take a step of 55 s or more."],
  ])("beyond a limit is refused with what to do: %o", (query, message) => {
    expect(() => read(query)).toThrow(message);
  });

  test("of exactly the limits is taken", () => {
    expect(pointsIn(read({ from: at - panelLimits.spanSeconds, to: at, step: 244 }).window)).toBeLessThanOrEqual(11_000);
  });

  test("needs both ends, and no range beside them", () => {
    expect(panelsQuerySchema.safeParse({ from: 5 }).success).toBe(false);
    expect(panelsQuerySchema.safeParse({ from: 5, to: 6, range: "1h" }).success).toBe(false);
  });
});

test("a comparison lies whole steps before, so that its points fall on those of the chart", () => {
  for (const range of Object.keys(ranges) as (keyof typeof ranges)[]) {
    const { window, shiftSeconds } = read({ range, compare: "week" });
    const shifted = shiftWindow(window, shiftSeconds ?? 0);
    expect(window.from - shifted.from).toBe(604_800);
    expect((window.from - shifted.from) % window.stepSeconds).toBe(0);
  }
});

test("points younger than a scrape are not settled, the last one never", () => {
  expect(firstUnsettled({ to: 1000, stepSeconds: 5, settleSeconds: 2 })).toBe(1000);
  expect(firstUnsettled({ to: 1000, stepSeconds: 5, settleSeconds: 15 })).toBe(990);
  expect(firstUnsettled({ to: 1000, stepSeconds: 300, settleSeconds: 15 })).toBe(1000);
});
