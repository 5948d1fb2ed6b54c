import { describe, expect, test } from "vitest";
import { densityStep, makeDensity } from "./density.ts";

const at = (text: string) => new Date(`2026-11-21T${text}Z`);

describe("the density strip", () => {
  test("takes steps that a clock shows, at most 90 of them", () => {
    const step = (hours: number) => densityStep({ from: new Date(0), to: new Date(hours * 3_600_000) });
    expect([1, 6, 24, 168, 24 * 30, 24 * 365].map(step)).toEqual([60, 300, 1800, 10_800, 43_200, 604_800]);
  });

  test("has every stretch, the empty ones too, aligned to its step", () => {
    const range = { from: at("10:00:30.000"), to: at("10:04:00.000") };
    const { buckets } = makeDensity(range, [{ at: at("10:01:00.000"), severity: "critical", count: 2 }], []);
    expect(buckets.map(({ at: start, bySeverity }) => [start.slice(11, 16), bySeverity.critical ?? 0])).toEqual([
      ["10:00", 0],
      ["10:01", 2],
      ["10:02", 0],
      ["10:03", 0],
    ]);
  });

  test("is unknown where a blind window touches, to the end while it is open", () => {
    const range = { from: at("10:00:00.000"), to: at("10:05:00.000") };
    const window = (beganAt: string, endedAt: string | null) => ({
      source: "s",
      reason: "r",
      beganAt: at(beganAt).toISOString(),
      endedAt: endedAt && at(endedAt).toISOString(),
    });
    const unknown = (...windows: ReturnType<typeof window>[]) =>
      makeDensity(range, [], windows).buckets.map((bucket) => bucket.unknown);
    expect(unknown(window("10:01:30.000", "10:02:30.000"))).toEqual([false, true, true, false, false]);
    expect(unknown(window("10:02:00.000", "10:03:00.000"))).toEqual([false, false, true, false, false]);
    expect(unknown(window("10:03:59.000", null))).toEqual([false, false, false, true, true]);
    expect(unknown(window("09:00:00.000", "10:00:00.000"))).toEqual([false, false, false, false, false]);
  });
});
