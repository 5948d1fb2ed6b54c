import { describe, expect, it } from "vitest";
import { plotOf } from "./chart-geometry.ts";
import { areaPath, coursesOf, linePath } from "./chart-paths.ts";

// 100 pixels wide for 100 seconds from x = 56; 110 high for 0 to 11 with 0 at y = 128.
const plot = plotOf(216, { from: 0, to: 100 }, { low: 0, high: 11 });
const rows = (...columns: (number | null)[][]) => columns.map((values, index) => ({ time: index * 50, values }));
const [alone] = coursesOf(rows([1], [3], [2]), 1, false);

describe("a line", () => {
  it("runs through its points", () => {
    expect(linePath(plot, alone ?? [])).toBe("M56,118L106,98L156,108");
  });

  it("of states holds each until the next", () => {
    expect(linePath(plot, alone ?? [], true)).toBe("M56,118L106,118L106,98L156,98L156,108");
  });

  it("is broken by a gap, and leaves a point between two gaps to be drawn as a dot", () => {
    const [course] = coursesOf(
      [0, 20, 40, 60, 80].map((time, index) => ({ time, values: [[1, 1, null, 3, null][index] ?? null] })),
      1,
      false,
    );
    expect(linePath(plot, course ?? [])).toBe("M56,118L76,118M116,98");
  });

  it("stays inside the plot's time", () => {
    const [course] = coursesOf(
      [-10, 0, 100, 110].map((time) => ({ time, values: [1] })),
      1,
      false,
    );
    expect(linePath(plot, course ?? [])).toBe("M56,118L156,118");
    expect(linePath(plot, [])).toBe("");
  });
});

describe("a stack", () => {
  it("raises each series by those below; a gap counts as nothing for those above", () => {
    const courses = coursesOf(rows([1, 2], [null, 4], [3, null]), 2, true);
    expect(courses[0]?.map(({ high }) => high)).toEqual([1, null, 3]);
    expect(courses[1]?.map(({ low, high }) => [low, high])).toEqual([
      [1, 3],
      [0, 4],
      [3, null],
    ]);
  });

  it("fills between a series and what it stands on, there and back", () => {
    const [, upper] = coursesOf(rows([1, 2], [1, 4], [1, 1]), 2, true);
    expect(areaPath(plot, upper ?? [])).toBe("M56,98L106,78L156,108L156,118L106,118L56,118Z");
  });

  it("fills steps as steps, and nothing where one point stands alone", () => {
    const [, upper] = coursesOf(rows([1, 2], [2, 4]), 2, true);
    expect(areaPath(plot, upper ?? [], true)).toBe("M56,98L106,98L106,68L106,108L106,118L56,118Z");
    expect(areaPath(plot, [{ time: 50, high: 3, low: 0 }])).toBe("");
  });
});
