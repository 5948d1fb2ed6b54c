import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { axisTicks, countOf, exactFigure, formatFigure } from "./numbers.ts";

describe("figures with units", () => {
  it.each([
    [0, "per-second", "0/s"],
    [0.2512, "per-second", "0.25/s"],
    [12.34, "per-second", "12.3/s"],
    [1234.5, "per-second", "1,235/s"],
    [48_200, "per-second", "48.2 k/s"],
    [3_400_000, "count", "3.40 M"],
    [3, "count", "3"],
    [0, "ratio", "0 %"],
    [0.00001, "ratio", "< 0.01 %"],
    [0.0123, "ratio", "1.2 %"],
    [1, "ratio", "100 %"],
    [0.0000004, "seconds", "0.40 µs"],
    [0.0124, "seconds", "12 ms"],
    [0.45, "seconds", "450 ms"],
    [2.5, "seconds", "2.50 s"],
    [0, "seconds", "0 ms"],
    [512, "bytes", "512 B"],
    [1024, "bytes", "1.0 KiB"],
    [134_217_728, "bytes", "128 MiB"],
    [0.123, "cores", "0.12 cores"],
    [1.5, "cores", "1.50 cores"],
  ] as const)("%d %s reads %s", (value, unit, text) => {
    expect(formatFigure(value, unit)).toBe(text);
  });

  it("draws a dash where there is nothing, never a zero", () => {
    for (const nothing of [null, undefined, Number.NaN, Number.POSITIVE_INFINITY])
      expect(formatFigure(nothing, "seconds")).toBe("–");
    expect(exactFigure(null, "seconds")).toBe("no data");
  });

  it("keeps the exact value for the hover", () => {
    expect(exactFigure(0.0123456, "seconds")).toBe("0.0123456 s");
    expect(exactFigure(1234.5, "count")).toBe("1,234.5");
  });

  it("counts one and many", () => {
    expect([countOf(1, "instance"), countOf(0, "instance"), countOf(2, "entry", "entries")]).toEqual([
      "1 instance",
      "0 instances",
      "2 entries",
    ]);
  });
});

describe("ticks of an axis", () => {
  it("are round and reach over the largest value", () => {
    expect(axisTicks(0, 47, 4, "count")).toEqual([0, 20, 40, 60]);
    expect(axisTicks(0, 0.012, 3, "ratio")).toEqual([0, 0.005, 0.01, 0.015]);
    expect(axisTicks(0, 200 * 1024 ** 2, 4, "bytes").map((tick) => tick / 1024 ** 2)).toEqual([0, 50, 100, 150, 200]);
  });

  it("are few, ascending and cover the data for any data", () => {
    const value = fc.double({ min: 1e-9, max: 1e15, noNaN: true });
    fc.assert(
      fc.property(value, fc.constantFrom("count", "bytes", "seconds", "ratio"), (max, unit) => {
        const ticks = axisTicks(0, max, 4, unit);
        expect(ticks[0]).toBe(0);
        expect(ticks.at(-1)).toBeGreaterThanOrEqual(max * 0.999);
        expect(ticks.length).toBeLessThanOrEqual(6);
        expect([...ticks].sort((a, b) => a - b)).toEqual(ticks);
      }),
    );
  });

  it("exist for a flat line at zero", () => {
    expect(axisTicks(0, 0, 4, "count").length).toBeGreaterThan(1);
  });
});
