import type { BlindWindowView, Density, DensityBucket } from "./schemas.ts";

const wantedBuckets = 90;
const minute = 60;
const hour = 3_600;
const day = 86_400;
const steps = [
  minute,
  5 * minute,
  15 * minute,
  30 * minute,
  hour,
  3 * hour,
  6 * hour,
  12 * hour,
  day,
  2 * day,
  7 * day,
  28 * day,
];

/** How long each stretch of a range is, in seconds: at most 90 of them, each a length that a clock shows. */
export function densityStep(range: { from: Date; to: Date }): number {
  const seconds = (range.to.getTime() - range.from.getTime()) / 1000;
  return steps.find((step) => seconds / step <= wantedBuckets) ?? 28 * day;
}

export type DensityCount = { at: Date; severity: string; count: number };
type Range = { from: Date; to: Date };

/**
 * The strip of a range: counts by stretch and severity, with none left out. A stretch that a blind window touches is unknown:
 * what was counted in it came, more may have come.
 */
export function makeDensity({ from, to }: Range, counts: readonly DensityCount[], blind: readonly BlindWindowView[]): Density {
  const stepSeconds = densityStep({ from, to });
  const stepMs = stepSeconds * 1000;
  const windows = blind.map(({ beganAt, endedAt }) => ({
    begin: Date.parse(beganAt),
    end: endedAt ? Date.parse(endedAt) : Number.POSITIVE_INFINITY,
  }));
  const first = Math.floor(from.getTime() / stepMs) * stepMs;
  const buckets = new Map<number, DensityBucket>();
  for (let at = first; at < to.getTime(); at += stepMs) {
    const unknown = windows.some(
      ({ begin, end }) => begin < Math.min(at + stepMs, to.getTime()) && end > Math.max(at, from.getTime()),
    );
    buckets.set(at, { at: new Date(at).toISOString(), bySeverity: {}, unknown });
  }
  for (const { at, severity, count } of counts) {
    const bucket = buckets.get(at.getTime());
    if (bucket) bucket.bySeverity[severity] = (bucket.bySeverity[severity] ?? 0) + count;
  }
  return { from: from.toISOString(), to: to.toISOString(), stepSeconds, buckets: [...buckets.values()] };
}
