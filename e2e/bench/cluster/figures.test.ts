import { describe, expect, it } from "vitest";
import { median, percentile, printTable } from "./figures.ts";

describe("the figures of the bench", () => {
  it("are the middle of the values, or the value that a share of them does not exceed", () => {
    expect(median([3, 1, 2])).toBe(2);
    expect(median([4, 1, 2, 3])).toBe(2.5);
    expect(percentile([5, 1, 4, 2, 3], 0.95)).toBe(5);
    expect(percentile([5, 1, 4, 2, 3], 0.2)).toBe(1);
    expect(percentile([], 0.5)).toBeNaN();
  });

  it("are told with their growth and whether the aim is kept at the largest size", () => {
    const table = printTable(["10", "100"], [{ name: "delay", unit: "ms", values: [2, 30], aim: { below: 20 } }]);
    expect(table.split("\n")[1]).toMatch(/^delay \(ms\)\s+2\.00\s+30\.0\s+x 15\.0\s+< 20: MISSED$/);
  });
});
