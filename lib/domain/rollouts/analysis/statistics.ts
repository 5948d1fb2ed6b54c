/**
 * The tests by which two versions are compared, and a version with a limit. All p-values are one-sided: how likely a difference at
 * least as bad as the one measured is when the candidate is no worse. None of them knows that requests of one moment resemble each
 * other, so a verdict asks for a difference that matters beside a small p-value, and for more than one bad measurement.
 */

/** Bad ones among all. */
export type Counts = { bad: number; all: number };

export type Comparison = {
  /** The test by its name. */
  name: string;
  /** One-sided. */
  pValue: number;
  effect: number;
  effectName: string;
};

/** How many requests took at most `le` seconds, and longer than the bound before it; ascending, the last `le` is infinite. */
export type Bucket = { le: number; count: number };

/**
 * Whether the candidate's share of bad ones is larger than stable's: Fisher's exact test, for small counts and large ones alike. The
 * effect is the difference of the shares, candidate minus stable.
 */
export function compareShares(candidate: Counts, stable: Counts): Comparison {
  return {
    name: "Fisher's exact test",
    pValue: fisherTest(candidate, stable),
    effect: candidate.bad / candidate.all - stable.bad / stable.all,
    effectName: "difference of shares",
  };
}

/** The probability of at least as many bad ones among the first, given all margins of the table. */
function fisherTest(first: Counts, second: Counts): number {
  const all = first.all + second.all;
  const bad = first.bad + second.bad;
  const least = Math.max(0, first.all + bad - all);
  const most = Math.min(first.all, bad);
  return upperSum({
    value: first.bad,
    expected: (first.all * bad) / all,
    least,
    most,
    probability: (x) => Math.exp(logChoose(bad, x) + logChoose(all - bad, first.all - x) - logChoose(all, first.all)),
    ratio: (x) => ((bad - x) * (first.all - x)) / ((x + 1) * (all - bad - first.all + x + 1)),
  });
}

/** A distribution of whole numbers; `ratio` is the probability of x + 1 by that of x. */
type Distribution = {
  value: number;
  expected: number;
  least: number;
  most: number;
  probability: (x: number) => number;
  ratio: (x: number) => number;
};

/** The probability of the value or more. The terms shrink only away from the expected number, so that tail is the one summed. */
function upperSum({ value, expected, least, most, probability, ratio }: Distribution): number {
  const isAbove = value > expected;
  let x = isAbove ? value : value - 1;
  if (x < least) return 1;
  let term = probability(x);
  let sum = 0;
  while (x >= least && x <= most && term > sum * 1e-17) {
    sum += term;
    term *= isAbove ? ratio(x) : 1 / ratio(x - 1);
    x += isAbove ? 1 : -1;
  }
  return Math.min(1, isAbove ? sum : 1 - sum);
}

/** Newcombe's hybrid score interval of the difference of two shares, first minus second (Statistics in Medicine 17, 1998, method 10). */
export function differenceInterval(first: Counts, second: Counts, z = 1.959964): { from: number; to: number } {
  const [a, b] = [first.bad / first.all, second.bad / second.all];
  const [ofA, ofB] = [wilsonInterval(first, z), wilsonInterval(second, z)];
  return { from: a - b - Math.hypot(a - ofA.from, ofB.to - b), to: a - b + Math.hypot(ofA.to - a, b - ofB.from) };
}

/** Wilson's score interval of a share. */
export function wilsonInterval({ bad, all }: Counts, z = 1.959964): { from: number; to: number } {
  const share = bad / all;
  const middle = share + (z * z) / (2 * all);
  const width = z * Math.sqrt((share * (1 - share)) / all + (z * z) / (4 * all * all));
  const scale = 1 + (z * z) / all;
  return { from: Math.max(0, (middle - width) / scale), to: Math.min(1, (middle + width) / scale) };
}

/** The exact binomial test of a share against a limit: the probability of at least so many bad ones when the share is the limit. */
export function limitTest({ bad, all }: Counts, limit: number): number {
  if (bad <= 0 || limit >= 1) return 1;
  if (limit <= 0) return 0;
  return upperSum({
    value: bad,
    expected: all * limit,
    least: 0,
    most: all,
    probability: (x) => Math.exp(logChoose(all, x) + x * Math.log(limit) + (all - x) * Math.log1p(-limit)),
    ratio: (x) => (((all - x) / (x + 1)) * limit) / (1 - limit),
  });
}

/**
 * Whether the candidate's requests take longer than stable's: the Mann-Whitney U test on the buckets of both histograms, with the
 * correction for ties (all requests of one bucket are tied) and for continuity. The effect is Cliff's delta: the probability that a
 * request of the candidate is the slower one of two, minus the probability that stable's is.
 */
export function compareTimes(candidate: readonly Bucket[], stable: readonly Bucket[]): Comparison {
  const name = "Mann-Whitney U test";
  const effectName = "Cliff's delta";
  const stableAt = new Map(stable.map(({ le, count }) => [le, count]));
  const candidateAt = new Map(candidate.map(({ le, count }) => [le, count]));
  const bounds = [...new Set([...stableAt.keys(), ...candidateAt.keys()])].toSorted((a, b) => a - b);
  const [n, m] = [countAll(candidate), countAll(stable)];
  let fasterStable = 0;
  let u = 0;
  let ties = 0;
  for (const le of bounds) {
    const [c, s] = [candidateAt.get(le) ?? 0, stableAt.get(le) ?? 0];
    u += c * (fasterStable + s / 2);
    fasterStable += s;
    ties += (c + s) ** 3 - (c + s);
  }
  const total = n + m;
  const variance = ((n * m) / 12) * (total + 1 - ties / (total * (total - 1)));
  const effect = (2 * u) / (n * m) - 1;
  const pValue = variance > 0 ? upperTail((u - (n * m) / 2 - 0.5) / Math.sqrt(variance)) : 1;
  return { name, pValue, effect, effectName };
}

export function countAll(buckets: readonly Bucket[]): number {
  return buckets.reduce((sum, { count }) => sum + count, 0);
}

/**
 * A quantile of a histogram as Prometheus' histogram_quantile gives it: interpolated within its bucket; the highest finite bound when it
 * lies beyond. null without requests.
 */
export function quantile(buckets: readonly Bucket[], q: number): number | null {
  const rank = q * countAll(buckets);
  if (!(rank > 0)) return null;
  let before = 0;
  let from = 0;
  for (const { le, count } of buckets) {
    if (count > 0 && before + count >= rank)
      return le === Number.POSITIVE_INFINITY ? from : from + ((le - from) * (rank - before)) / count;
    before += count;
    from = le;
  }
  return from;
}

/** How many requests took longer than so many seconds; within a bucket the requests are taken as spread evenly. */
export function countSlower(buckets: readonly Bucket[], seconds: number): Counts {
  let from = 0;
  let bad = 0;
  for (const { le, count } of buckets) {
    // Everything beyond the highest bound is longer than what is known, and counted whole.
    if (seconds <= from || le === Number.POSITIVE_INFINITY) bad += count;
    else if (seconds < le) bad += (count * (le - seconds)) / (le - from);
    from = le;
  }
  return { bad, all: countAll(buckets) };
}

function logChoose(n: number, k: number): number {
  return logFactorial(n) - logFactorial(k) - logFactorial(n - k);
}

const smallFactorials = [0];
for (let n = 1; n < 256; n += 1) smallFactorials.push((smallFactorials[n - 1] ?? 0) + Math.log(n));

/** Stirling's series from 256 on: its first term that is left out is below 1e-21. */
function logFactorial(n: number): number {
  const known = smallFactorials[n];
  if (known !== undefined) return known;
  const inverse = 1 / n;
  const series = inverse / 12 - inverse ** 3 / 360 + inverse ** 5 / 1260 - inverse ** 7 / 1680;
  return n * Math.log(n) - n + 0.5 * Math.log(2 * Math.PI * n) + series;
}

/** The probability that a standard normal value is above z, with a relative error below 1.2e-7 (Numerical Recipes, erfcc). */
export function upperTail(z: number): number {
  const x = Math.abs(z) / Math.SQRT2;
  const t = 1 / (1 + 0.5 * x);
  const polynomial = chebyshev.reduceRight((sum, coefficient) => coefficient + t * sum, 0);
  const tail = 0.5 * t * Math.exp(-x * x + polynomial);
  return z >= 0 ? tail : 1 - tail;
}

const chebyshev = [
  -1.26551223, 1.00002368, 0.37409196, 0.09678418, -0.18628806, 0.27886807, -1.13520398, 1.48851587, -0.82215223, 0.17087277,
];
