import { describe, expect, it } from "vitest";
import { cpuMillis, parseQuantity, resolveIntOrPercent, wholeUnits } from "./quantity.ts";

describe("quantities", () => {
  it.each([
    ["1", 1],
    ["500m", 0.5],
    ["0.5", 0.5],
    [".5", 0.5],
    ["1.", 1],
    ["512Mi", 512 * 1024 * 1024],
    ["1Gi", 1024 ** 3],
    ["1G", 1e9],
    ["2k", 2000],
    ["1e3", 1000],
    ["1E", 1e18],
    ["-1", -1],
  ])("%s is %d", (text, value) => expect(parseQuantity(text)).toBeCloseTo(value, 9));

  it.each(["", "abc", "1 Gi", "1gi", "Mi", "1KB", "--1"])("%j is no quantity", (text) => {
    expect(parseQuantity(text)).toBeUndefined();
  });

  it("counts cpu in thousandths, rounded up and without binary noise", () => {
    expect([cpuMillis("100m"), cpuMillis("0.1"), cpuMillis("1"), cpuMillis("1500u"), cpuMillis(undefined)]).toEqual([
      100, 100, 1000, 2, 0,
    ]);
  });

  it("counts memory in whole bytes, rounded up", () => {
    expect([wholeUnits("64Ki"), wholeUnits("100m"), wholeUnits(undefined)]).toEqual([65_536, 1, 0]);
  });
});

describe("a number or a percentage", () => {
  it.each([
    ["25%", 10, "up", 3],
    ["25%", 10, "down", 2],
    ["25%", 4, "up", 1],
    ["0%", 4, "up", 0],
    ["100%", 4, "down", 4],
    [2, 10, "down", 2],
    ["3", 10, "up", 3],
    ["x", 10, "up", 0],
  ] as const)("%s of %d rounded %s is %d", (value, total, rounding, expected) => {
    expect(resolveIntOrPercent(value, total, rounding)).toBe(expected);
  });
});
