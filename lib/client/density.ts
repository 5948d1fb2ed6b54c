import type { DensityBucket } from "#lib/domain/alerts/schemas.ts";

/** A span of time in unix milliseconds. */
export type TimeSpan = { from: number; to: number };

const known = ["critical", "page", "warning", "info", "none"];

/** Severities from the worst down; those that a rule made up come before "none", in the order of the alphabet. */
export function bySeverity(a: string, b: string): number {
  const rank = (severity: string) => {
    const index = known.indexOf(severity);
    return index === -1 ? known.length - 1.5 : index;
  };
  return rank(a) - rank(b) || a.localeCompare(b);
}

/** The severities that occur in the buckets, worst first. */
export function severitiesOf(buckets: DensityBucket[]): string[] {
  const found = new Set(buckets.flatMap((bucket) => Object.keys(bucket.bySeverity).filter((key) => bucket.bySeverity[key])));
  return [...found].sort(bySeverity);
}

export const totalOf = (bucket: DensityBucket) => Object.values(bucket.bySeverity).reduce((sum, count) => sum + count, 0);

export type Bar = { severity: string; count: number; bottom: number; height: number };

/**
 * One bucket's bars from the worst severity at the bottom up, in shares of the tallest bucket by square root: one alert stays
 * visible beside a storm. Within a bucket the severities share its height in proportion.
 */
export function barsOf(bucket: DensityBucket, highest: number): Bar[] {
  const total = totalOf(bucket);
  if (total === 0 || highest === 0) return [];
  const scale = Math.sqrt(total / highest) / total;
  let bottom = 0;
  return Object.entries(bucket.bySeverity)
    .filter(([, count]) => count > 0)
    .sort(([a], [b]) => bySeverity(a, b))
    .map(([severity, count]) => {
      const bar = { severity, count, bottom, height: count * scale };
      bottom += bar.height;
      return bar;
    });
}

/** The span that was dragged over, widened to whole steps and kept inside the strip; null for a click. */
export function brushed(strip: TimeSpan, stepMs: number, start: number, end: number): TimeSpan | null {
  const [low, high] = [Math.min(start, end), Math.max(start, end)];
  if (high - low < 0.004) return null;
  const at = (share: number) => strip.from + Math.min(1, Math.max(0, share)) * (strip.to - strip.from);
  const from = strip.from + Math.floor((at(low) - strip.from) / stepMs) * stepMs;
  const to = strip.from + Math.ceil((at(high) - strip.from) / stepMs) * stepMs;
  return { from, to: Math.min(strip.to, Math.max(to, from + stepMs)) };
}

/** The same span grown to three times its length around its middle, not beyond `now`. */
export function widened({ from, to }: TimeSpan, now: number): TimeSpan {
  const length = to - from;
  const end = Math.min(now, to + length);
  return { from: end - length * 3, to: end };
}

/** Neighbouring buckets that are unknown, as spans. */
export function unknownSpans(buckets: DensityBucket[], stepMs: number): TimeSpan[] {
  const spans: TimeSpan[] = [];
  for (const bucket of buckets) {
    if (!bucket.unknown) continue;
    const from = Date.parse(bucket.at);
    const last = spans.at(-1);
    if (last && from <= last.to) last.to = from + stepMs;
    else spans.push({ from, to: from + stepMs });
  }
  return spans;
}
