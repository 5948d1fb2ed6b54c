import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { axisFigure, highestOf, lastValue, rowsOf, spreadLabels, stackTops, topSeries } from "./chart.ts";

describe("the rows of a chart", () => {
  const rows = rowsOf([
    {
      name: "a",
      points: [
        [10, 1],
        [20, null],
      ],
    },
    {
      name: "b",
      points: [
        [0, 5],
        [10, 2],
      ],
    },
  ]);
  it("hold every moment of any series once, in order, with nothing where a series has none", () => {
    expect(rows).toEqual([
      { time: 0, values: [null, 5] },
      { time: 10, values: [1, 2] },
      { time: 20, values: [null, null] },
    ]);
    expect(rowsOf([])).toEqual([]);
  });
  it("reach as high as their highest value, or as the highest stack", () => {
    const piled = [...rows, { time: 30, values: [4, 3] }];
    expect(highestOf(piled, false)).toBe(5);
    expect(highestOf(piled, true)).toBe(7);
    expect(highestOf([], true)).toBe(0);
  });
  it("stack on each other, a gap counting as nothing", () => {
    expect(stackTops([1, null, 2, 0])).toEqual([1, null, 3, 3]);
  });
});

describe("a figure beside an axis", () => {
  it("leaves the unit of cores to the axis, and keeps every other", () => {
    expect(axisFigure(0.019, "cores")).toBe("0.019");
    expect(axisFigure(0.05, "ratio")).toBe("5.0 %");
  });
});

describe("the value", () => {
  it("at the end is the newest one, and none once it is old", () => {
    const series = {
      name: "p95",
      points: [
        [0, 1],
        [10, 4],
        [20, null],
      ] as [number, number | null][],
    };
    expect(lastValue(series, 20, 10)).toBe(4);
    expect(lastValue(series, 90, 10)).toBeNull();
  });
});

describe("many series", () => {
  const many = [1, 9, 3, 7].map((value) => ({
    name: `s${value}`,
    points: [
      [0, value],
      [10, value],
    ] as [number, number][],
  }));
  it("become the largest and the sum of the others", () => {
    expect(topSeries(many, 3).map((series) => [series.name, series.points[0]?.[1]])).toEqual([
      ["s9", 9],
      ["s7", 7],
      ["2 others", 4],
    ]);
    expect(topSeries(many, 4)).toBe(many);
  });
});

describe("labels at the end of lines", () => {
  it("never overlap and stay inside while there is room", () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0, max: 100, noNaN: true }), { minLength: 1, maxLength: 8 }), (positions) => {
        const sorted = spreadLabels(positions, 12, 0, 100).sort((a, b) => a - b);
        expect(sorted[0]).toBeGreaterThanOrEqual(-0.001);
        expect(sorted.at(-1)).toBeLessThanOrEqual(100.001);
        for (let index = 1; index < sorted.length; index += 1) {
          expect((sorted[index] ?? 0) - (sorted[index - 1] ?? 0)).toBeGreaterThanOrEqual(11.999);
        }
      }),
    );
  });
  it("stay where they are when nothing is in the way", () => {
    expect(spreadLabels([10, 50], 12, 0, 100)).toEqual([10, 50]);
  });
});
