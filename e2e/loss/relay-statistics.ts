/**
 * The median and an interval that covers the true one with at least 95 %, whatever the values are distributed like: between the
 * two values of which the sign test says so. With fewer than six values there is no such interval: from 0 to infinity.
 */
export function medianInterval(values: readonly number[]): { median: number; low: number; high: number } {
  const sorted = values.toSorted((a, b) => a - b);
  const count = sorted.length;
  const middle = ((sorted[Math.floor((count - 1) / 2)] ?? Number.NaN) + (sorted[Math.floor(count / 2)] ?? Number.NaN)) / 2;
  let outside = 0;
  let ways = 1;
  let rank = 0;
  for (; rank < count / 2; rank += 1) {
    outside += ways / 2 ** count;
    if (2 * outside > 0.05) break;
    ways = (ways * (count - rank)) / (rank + 1);
  }
  if (rank === 0) return { median: middle, low: 0, high: Number.POSITIVE_INFINITY };
  return { median: middle, low: sorted[rank - 1] ?? Number.NaN, high: sorted[count - rank] ?? Number.NaN };
}
