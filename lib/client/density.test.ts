import { describe, expect, it } from "vitest";
import type { DensityBucket } from "#lib/domain/alerts/schemas.ts";
import { barsOf, brushed, bySeverity, severitiesOf, unknownSpans, widened } from "./density.ts";

const minute = 60_000;
const bucket = (minutes: number, counts: Record<string, number> = {}, unknown = false): DensityBucket => ({
  at: new Date(minutes * minute).toISOString(),
  bySeverity: counts,
  unknown,
});

describe("the density of alerts over time", () => {
  it("orders severities from the worst, words of a rule's own before none", () => {
    expect(["none", "sev9", "info", "critical", "warning"].sort(bySeverity)).toEqual([
      "critical",
      "warning",
      "info",
      "sev9",
      "none",
    ]);
  });

  it("names only severities that occur", () => {
    expect(severitiesOf([bucket(0, { info: 0 }), bucket(1, { warning: 2, critical: 1 })])).toEqual(["critical", "warning"]);
  });

  it("stacks a bucket's severities without a gap, the worst at the bottom, the tallest bucket at full height", () => {
    const bars = barsOf(bucket(0, { warning: 3, critical: 1 }), 4);
    expect(bars.map((bar) => bar.severity)).toEqual(["critical", "warning"]);
    expect(bars[0]?.bottom).toBe(0);
    expect(bars[1]?.bottom).toBeCloseTo(bars[0]?.height ?? Number.NaN);
    expect((bars[1]?.bottom ?? 0) + (bars[1]?.height ?? 0)).toBeCloseTo(1);
  });

  it("keeps one alert visible beside ten thousand", () => {
    expect(barsOf(bucket(0, { info: 1 }), 10_000)[0]?.height).toBeGreaterThanOrEqual(0.01);
  });

  it("draws nothing where nothing began", () => {
    expect(barsOf(bucket(0), 5)).toEqual([]);
    expect(barsOf(bucket(0, { info: 0 }), 0)).toEqual([]);
  });

  it("widens what was dragged over to whole steps, whichever way it was dragged", () => {
    const strip = { from: 0, to: 100 * minute };
    expect(brushed(strip, minute, 0.105, 0.205)).toEqual({ from: 10 * minute, to: 21 * minute });
    expect(brushed(strip, minute, 0.205, 0.105)).toEqual({ from: 10 * minute, to: 21 * minute });
  });

  it("keeps a drag beyond the edges inside the strip, and takes a click for none", () => {
    const strip = { from: 0, to: 10 * minute };
    expect(brushed(strip, minute, -0.3, 1.4)).toEqual(strip);
    expect(brushed(strip, minute, 0.5, 0.5)).toBeNull();
  });

  it("zooms out to three times the span and never into the future", () => {
    expect(widened({ from: 20 * minute, to: 30 * minute }, 100 * minute)).toEqual({ from: 10 * minute, to: 40 * minute });
    expect(widened({ from: 20 * minute, to: 30 * minute }, 30 * minute)).toEqual({ from: 0, to: 30 * minute });
  });

  it("joins neighbouring unknown buckets into one span", () => {
    const spans = unknownSpans([bucket(0, {}, true), bucket(1, {}, true), bucket(2), bucket(3, {}, true)], minute);
    expect(spans).toEqual([
      { from: 0, to: 2 * minute },
      { from: 3 * minute, to: 4 * minute },
    ]);
  });
});
