import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { lastValue, pathOf, runsOf, spreadLabels, stackSeries, topSeries, valueAt } from "./chart.ts";

const same = (value: number) => value;

describe("the line of a chart", () => {
  it("is broken where a value is missing", () => {
    expect(
      runsOf(
        [
          [0, 1],
          [10, null],
          [20, 2],
          [30, 3],
        ],
        10,
      ),
    ).toEqual([
      [[0, 1]],
      [
        [20, 2],
        [30, 3],
      ],
    ]);
  });
  it("is broken where points are missing altogether", () => {
    expect(
      runsOf(
        [
          [0, 1],
          [10, 1],
          [40, 1],
        ],
        10,
      ),
    ).toHaveLength(2);
  });
  it("shows a lone point as a dot", () => {
    expect(pathOf([[5, 7]], same, same)).toBe("M5.0,7.0h0.01");
    expect(
      pathOf(
        [
          [5, 7],
          [6, 8],
        ],
        same,
        same,
      ),
    ).toBe("M5.0,7.0L6.0,8.0");
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
  it("under the pointer is the nearest point's, a gap's is none", () => {
    const points: [number, number | null][] = [
      [0, 1],
      [10, 2],
      [20, null],
      [30, 4],
    ];
    expect([4, 6, 21, 29, 60].map((time) => valueAt(points, time, 10))).toEqual([1, 2, null, 4, null]);
    expect(valueAt([], 5, 10)).toBeNull();
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
  it("stack on each other, a gap counting as nothing", () => {
    const [, upper] = stackSeries([
      {
        name: "a",
        points: [
          [0, 1],
          [10, null],
        ],
      },
      {
        name: "b",
        points: [
          [0, 2],
          [10, 2],
        ],
      },
    ]);
    expect(upper?.points).toEqual([
      [0, 3],
      [10, 2],
    ]);
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
