import { expect, test } from "vitest";
import { judgeSize } from "./size-check.ts";

const mebibyte = 1_048_576;

test("an archive that shrinks to a tenth of the last ones is told of", () => {
  const last = [50, 52, 48, 51, 49].map((size) => size * mebibyte);
  expect(judgeSize(last, 4 * mebibyte)).toEqual([
    { name: "Size", wanted: "at least a tenth of the 50 MiB of the last ones", found: "4 MiB", passed: false },
  ]);
  expect(judgeSize(last, 6 * mebibyte)).toMatchObject([{ passed: true }]);
});

test("after a purge the small size is the new measure", () => {
  const last = [4, 4, 4, 51, 49].map((size) => size * mebibyte);
  expect(judgeSize(last, 4 * mebibyte)).toMatchObject([{ passed: true }]);
});

test("small archives and first ones are not judged by their size", () => {
  expect(judgeSize([800_000, 900_000], 20_000)).toMatchObject([{ passed: true }]);
  expect(judgeSize([], 20_000)).toEqual([]);
});
