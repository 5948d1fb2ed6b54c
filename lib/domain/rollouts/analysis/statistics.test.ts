import { describe, expect, test } from "vitest";
import {
  type Bucket,
  type Counts,
  compareShares,
  compareTimes,
  countSlower,
  differenceInterval,
  limitTest,
  quantile,
  upperTail,
  wilsonInterval,
} from "./statistics.ts";

const counts = (bad: number, all: number): Counts => ({ bad, all });
/** One bucket for each different value, as a histogram that is fine enough for the values of a textbook. */
function bucketsOf(values: number[]): Bucket[] {
  const byValue = Map.groupBy(values, (value) => value);
  return [...byValue].map(([le, { length }]) => ({ le, count: length })).toSorted((a, b) => a.le - b.le);
}

test.each([
  [1.281552, 0.1],
  [1.959964, 0.025],
  [3.090232, 0.001],
  [4.753424, 1e-6],
  [-1.959964, 0.975],
])("the tail of the normal distribution above %f is that of the tables", (z, tail) => {
  expect(upperTail(z) / tail).toBeCloseTo(1, 5);
});

describe("two shares", () => {
  // The lady who tastes tea, and the convictions of twins (Fisher 1935 and 1970), as R's fisher.test gives them one-sided.
  test.each([
    [counts(3, 4), counts(1, 4), 0.2429],
    [counts(10, 13), counts(2, 17), 0.0004652],
  ])("%o against %o have the p-value that is published for Fisher's exact test", (first, second, pValue) => {
    const compared = compareShares(first, second);
    expect(compared).toMatchObject({ name: "Fisher's exact test", effectName: "difference of shares" });
    expect(compared.pValue / pValue).toBeCloseTo(1, 3);
  });

  test("with large counts have the p-value of the normal approximation, as R's prop.test without correction gives it", () => {
    const [first, second] = [counts(25_000, 50_000), counts(24_750, 50_000)];
    const pooled = 49_750 / 100_000;
    const z = 0.005 / Math.sqrt(pooled * (1 - pooled) * (2 / 50_000));
    expect(compareShares(first, second).pValue / upperTail(z)).toBeCloseTo(1, 1);
    expect(compareShares(counts(25, 50), counts(15, 50)).effect).toBeCloseTo(0.2, 12);
  });

  test("differ by nothing where the candidate's is no larger, however many requests there are", () => {
    expect(compareShares(counts(0, 100_000), counts(100_000, 1_000_000)).pValue).toBeCloseTo(1, 10);
    expect(compareShares(counts(100, 100), counts(100_000, 100_000)).pValue).toBeCloseTo(1, 10);
    expect(compareShares(counts(0, 50), counts(0, 50)).pValue).toBe(1);
    expect(compareShares(counts(10_000, 100_000), counts(5_000, 1_000_000)).pValue).toBe(0);
  });

  test("add up: at least so many, and fewer, is certain", () => {
    const [first, second] = [counts(7, 60), counts(11, 140)];
    const { pValue } = compareShares(first, second);
    // Fewer than 7 bad ones among the first is 12 or more among the second.
    const fewer = compareShares(counts(12, 140), counts(6, 60)).pValue;
    expect(pValue + fewer).toBeCloseTo(1, 10);
  });

  // Newcombe, Statistics in Medicine 17 (1998), table II, method 10.
  test.each([
    [counts(56, 70), counts(48, 80), 0.0524, 0.3339],
    [counts(9, 10), counts(3, 10), 0.1705, 0.809],
    [counts(6, 7), counts(2, 7), 0.0582, 0.8062],
    [counts(5, 56), counts(0, 29), -0.0381, 0.1926],
    [counts(0, 10), counts(0, 20), -0.1611, 0.2775],
    [counts(10, 10), counts(0, 20), 0.6791, 1],
    [counts(10, 10), counts(0, 10), 0.6075, 1],
  ])("%o minus %o have Newcombe's published interval", (first, second, from, to) => {
    const interval = differenceInterval(first, second);
    expect(interval.from).toBeCloseTo(from, 4);
    expect(interval.to).toBeCloseTo(to, 4);
  });

  // Newcombe, Statistics in Medicine 17 (1998), "Two-sided confidence intervals for the single proportion", table I, method 3.
  test.each([
    [counts(81, 263), 0.2553, 0.3662],
    [counts(15, 148), 0.0624, 0.1605],
    [counts(0, 20), 0, 0.1611],
    [counts(1, 29), 0.0061, 0.1718],
  ])("%o has Wilson's published interval", (share, from, to) => {
    expect(wilsonInterval(share).from).toBeCloseTo(from, 4);
    expect(wilsonInterval(share).to).toBeCloseTo(to, 4);
  });
});

describe("a share against a limit", () => {
  test.each([
    [counts(9, 10), 0.5, 11 / 1024],
    [counts(1, 50), 0.01, 1 - 0.99 ** 50],
    [counts(2, 50), 0.01, 1 - 0.99 ** 50 - 50 * 0.01 * 0.99 ** 49],
    [counts(10, 10), 0.5, 1 / 1024],
    [counts(1, 1_000), 0.01, 1 - 0.99 ** 1_000],
    [counts(0, 50), 0.01, 1],
  ])("%o at %f has the probability of the binomial distribution", (share, limit, pValue) => {
    expect(limitTest(share, limit)).toBeCloseTo(pValue, 10);
  });

  test("is quick and within bounds for millions of requests", () => {
    expect(limitTest(counts(50_000, 5_000_000), 0.01)).toBeCloseTo(0.5, 2);
    expect(limitTest(counts(60_000, 5_000_000), 0.01)).toBe(0);
    expect(limitTest(counts(40_000, 5_000_000), 0.01)).toBeCloseTo(1, 10);
  });
});

describe("two histograms", () => {
  test("have the p-value of scipy's example of the Mann-Whitney U test", () => {
    const compared = compareTimes(bucketsOf([19, 22, 16, 29, 24]), bucketsOf([20, 11, 17, 12]));
    expect(compared).toMatchObject({ name: "Mann-Whitney U test", effectName: "Cliff's delta" });
    expect(compared.pValue).toBeCloseTo(0.11134688653314041 / 2, 7);
    expect(compared.effect).toBeCloseTo((2 * 17) / 20 - 1, 12);
  });

  test("with ties have the p-value that R gives for the ozone of May and August", () => {
    const may = [41, 36, 12, 18, 28, 23, 19, 8, 7, 16, 11, 14, 18, 14, 34, 6, 30, 11, 1, 11, 4, 32, 23, 45, 115, 37];
    const august = [39, 9, 16, 78, 35, 66, 122, 89, 110, 44, 28, 65, 22, 59, 23, 31, 44, 21, 9, 45, 168, 73, 76, 118, 84, 85];
    const compared = compareTimes(bucketsOf(august), bucketsOf(may));
    expect((2 * compared.pValue) / 0.0001208).toBeCloseTo(1, 3);
    expect(compared.effect).toBeCloseTo(1 - (2 * 127.5) / (26 * 26), 12);
  });

  test("of one and the same bucket differ in nothing", () => {
    expect(compareTimes([{ le: 0.1, count: 500 }], [{ le: 0.1, count: 900 }])).toMatchObject({ pValue: 1, effect: 0 });
  });

  test("may have other bounds each", () => {
    const compared = compareTimes([{ le: 0.25, count: 100 }], [{ le: 0.1, count: 100 }]);
    expect(compared.effect).toBe(1);
    expect(compared.pValue).toBeLessThan(1e-30);
  });
});

describe("a version that is compared with itself", () => {
  const random = generator(7);

  test("is found worse at the 5 % level in no more than about 5 % of the comparisons of shares", () => {
    const draw = (all: number, share: number) => counts(Array.from({ length: all }, random).filter((x) => x < share).length, all);
    const rounds = 1_000;
    const found = Array.from({ length: rounds }, () => compareShares(draw(120, 0.02), draw(900, 0.02))).filter(
      ({ pValue }) => pValue < 0.05,
    );
    expect(found.length / rounds).toBeLessThan(0.065);
  });

  test("is found slower at the 5 % level in about 5 % of the comparisons of times, although most requests are tied", () => {
    const bounds = [0.005, 0.01, 0.025, 0.05, 0.1];
    const draw = (all: number) => {
      const times = Array.from({ length: all }, () => 0.01 * -Math.log(1 - random()));
      return bucketsOf(times.map((time) => bounds.find((le) => time <= le) ?? Number.POSITIVE_INFINITY));
    };
    const rounds = 1_000;
    const found = Array.from({ length: rounds }, () => compareTimes(draw(80), draw(600))).filter(({ pValue }) => pValue < 0.05);
    expect(found.length / rounds).toBeGreaterThan(0.03);
    expect(found.length / rounds).toBeLessThan(0.07);
  });
});

describe("a histogram", () => {
  const buckets: Bucket[] = [
    { le: 0.01, count: 50 },
    { le: 0.05, count: 40 },
    { le: 0.1, count: 10 },
    { le: Number.POSITIVE_INFINITY, count: 0 },
  ];

  test("gives quantiles within a bucket in proportion", () => {
    expect(quantile(buckets, 0.5)).toBeCloseTo(0.01, 12);
    expect(quantile(buckets, 0.7)).toBeCloseTo(0.03, 12);
    expect(quantile(buckets, 0.95)).toBeCloseTo(0.075, 12);
    expect(quantile([], 0.5)).toBeNull();
  });

  test("gives its highest bound for a quantile beyond it, and counts all beyond it as slower", () => {
    const beyond = [...buckets.slice(0, 3), { le: Number.POSITIVE_INFINITY, count: 100 }];
    expect(quantile(beyond, 0.95)).toBe(0.1);
    expect(countSlower(beyond, 0.1)).toEqual({ bad: 100, all: 200 });
  });

  test("has as many requests slower than its quantile as the quantile says", () => {
    for (const q of [0.5, 0.7, 0.95]) {
      const { bad, all } = countSlower(buckets, quantile(buckets, q) ?? 0);
      expect(bad / all).toBeCloseTo(1 - q, 12);
    }
  });
});

/** A generator of numbers from 0 to 1 that is the same every time (mulberry32). */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}
