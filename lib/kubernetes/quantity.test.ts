import { expect, it } from "vitest";
import { parseQuantity } from "./quantity.ts";

it.each([
  ["500m", 0.5],
  ["2", 2],
  [3, 3],
  ["0.1", 0.1],
  ["1.5Gi", 1.5 * 1024 ** 3],
  ["128Mi", 128 * 1024 ** 2],
  ["1k", 1000],
  ["1e3", 1000],
  ["2E", 2e18],
  ["250n", 2.5e-7],
  ["", 0],
  [undefined, 0],
  ["two", 0],
])("%s is %d", (text, value) => {
  expect(parseQuantity(text)).toBeCloseTo(value, 12);
});
