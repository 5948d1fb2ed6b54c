import { describe, expect, it } from "vitest";
import { format, median, percentile, printTable, table } from "./figures.ts";

describe("the figures of the bench", () => {
  it("are the middle of the values, or the value that a share of them does not exceed", () => {
    expect(median([3, 1, 2])).toBe(2);
    expect(median([4, 1, 2, 3])).toBe(2.5);
    expect(percentile([5, 1, 4, 2, 3], 0.95)).toBe(5);
    expect(percentile([5, 1, 4, 2, 3], 0.2)).toBe(1);
    expect(percentile([], 0.5)).toBeNaN();
  });

  it("are told with their growth and whether the aim is kept at the largest size", () => {
    const text = printTable(["10", "100"], [{ name: "delay", unit: "ms", values: [2, 30], aim: { below: 20 } }]);
    expect(text.split("\n")[2]).toMatch(/^\| delay \(ms\) \|\s+2\.00 \|\s+30\.0 \|\s+x 15\.0 \| < 20: MISSED \|$/);
  });

  it("stand under each other in Markdown", () => {
    expect(
      table([
        ["", "of"],
        ["a|b", "1"],
      ]),
    ).toBe("|      |  of |\n| ---- | --: |\n| a\\|b |   1 |");
  });

  it("have three digits or more", () => {
    expect([1234.5, 123.4, 12.34, 1.234, 0.0123, 0, undefined, Number.NaN].map(format)).toEqual([
      "1,235",
      "123",
      "12.3",
      "1.23",
      "0.012",
      "0.00",
      "-",
      "-",
    ]);
  });
});
