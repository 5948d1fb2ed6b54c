import type { PrometheusSeries } from "#lib/prometheus/client.ts";
import { pointsIn, type Window } from "./range.ts";

/** One series on a window's grid of points; NaN is a gap. */
export type GridSeries = { labels: Record<string, string>; values: Float64Array };

/** What Prometheus answered, on the window's grid. What does not lie on it is left out. */
export function toGrid({ labels, points }: PrometheusSeries, window: Window): GridSeries {
  const values = new Float64Array(pointsIn(window)).fill(Number.NaN);
  for (const [at, value] of points) {
    const index = Math.round((at - window.from) / window.stepSeconds);
    if (value !== null && index >= 0 && index < values.length) values[index] = value;
  }
  return { labels, values };
}

/**
 * The series over the new window: what is known before `tailFrom`, and from there on what Prometheus answered last. A series of
 * which nothing is left is gone.
 */
export function joinTail(
  known: readonly GridSeries[],
  knownWindow: Window,
  tail: readonly PrometheusSeries[],
  window: Window,
  tailFrom: number,
): GridSeries[] {
  const shift = (window.from - knownWindow.from) / window.stepSeconds;
  const firstOfTail = (tailFrom - window.from) / window.stepSeconds;
  const joined = new Map<string, GridSeries>();
  for (const { labels, values } of known) {
    const moved = new Float64Array(pointsIn(window)).fill(Number.NaN);
    moved.set(values.subarray(Math.max(0, shift), Math.max(0, shift + firstOfTail)));
    joined.set(labelKey(labels), { labels, values: moved });
  }
  for (const series of tail) {
    const key = labelKey(series.labels);
    const { values } = toGrid(series, window);
    const before = joined.get(key);
    if (before) before.values.set(values.subarray(firstOfTail), firstOfTail);
    else joined.set(key, { labels: series.labels, values });
  }
  return [...joined.values()].filter(({ values }) => values.some((value) => !Number.isNaN(value)));
}

const overheadBytes = 200;

/** About how much memory the series take. */
export function bytesOf(series: readonly GridSeries[]): number {
  let bytes = overheadBytes;
  for (const { labels, values } of series) bytes += overheadBytes + 2 * labelKey(labels).length + values.byteLength;
  return bytes;
}

function labelKey(labels: Record<string, string>): string {
  return JSON.stringify(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1)));
}
