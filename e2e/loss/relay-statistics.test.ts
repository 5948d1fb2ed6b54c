import { describe, expect, it } from "vitest";
import { medianInterval } from "./relay-statistics.ts";

const upTo = (count: number) => Array.from({ length: count }, (_, index) => index + 1);

describe("the interval of a median", () => {
  it.each([
    // From the tables of the sign test: the ranks between which the median lies with at least 95 %.
    [6, 1, 6],
    [8, 1, 8],
    [10, 2, 9],
    [12, 3, 10],
    [20, 6, 15],
  ])("lies between the ranks of the sign test: %i values, %i and %i", (count, low, high) => {
    expect(medianInterval(upTo(count).toReversed())).toEqual({ median: (count + 1) / 2, low, high });
  });

  it("is everything when there are too few values to tell", () => {
    expect(medianInterval([1, 2, 3, 4, 5])).toEqual({ median: 3, low: 0, high: Number.POSITIVE_INFINITY });
  });
});
