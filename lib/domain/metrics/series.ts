import type { GridSeries } from "./grid.ts";
import { pointsIn, type Window } from "./range.ts";
import type { PanelStyle, Series } from "./schemas.ts";

const maxSeries = 8;

/** One line of a chart on the grid of its window. */
export type NamedSeries = { name: string; values: Float64Array };

/** The series of one query with their names: the value of the label, after the query's own name when it has one. */
export function nameSeries(
  series: readonly GridSeries[],
  { queryName, seriesLabel, fallback }: { queryName: string; seriesLabel: string | null; fallback: string },
): NamedSeries[] {
  return series.map(({ labels, values }) => {
    const told = seriesLabel === null ? (series.length > 1 ? Object.values(labels).join(", ") : "") : (labels[seriesLabel] ?? "");
    return { name: [queryName, told].filter((part) => part !== "").join(" ") || fallback, values };
  });
}

/** The series on another window of the same grid; what is not known there is a gap. */
export function moveTo(series: readonly NamedSeries[], from: Window, to: Window): NamedSeries[] {
  const shift = Math.round((to.from - from.from) / to.stepSeconds);
  const length = pointsIn(to);
  if (shift === 0 && series.every(({ values }) => values.length === length)) return [...series];
  return series.map(({ name, values }) => {
    const moved = new Float64Array(length).fill(Number.NaN);
    const kept = values.subarray(Math.max(0, shift), Math.max(0, shift + length));
    moved.set(kept, Math.min(length, Math.max(0, -shift)));
    return { name, values: moved };
  });
}

/** What is drawn, and which series went into the last line when there were too many. */
export type Drawn = { series: NamedSeries[]; others: string[] };

/**
 * The series with the largest peaks, in the order of their names; what is beyond eight becomes one: their sum when stacked, else
 * the largest of them. Percentiles keep their order.
 */
export function limitSeries(series: readonly NamedSeries[], style: PanelStyle): Drawn {
  const named = tellApart(series);
  if (style === "percentiles" && named.length <= maxSeries) return { series: named, others: [] };
  const byName = (a: NamedSeries, b: NamedSeries) => a.name.localeCompare(b.name, "en", { numeric: true });
  if (named.length <= maxSeries) return { series: named.toSorted(byName), others: [] };
  const peaks = new Map(named.map((one) => [one, peakOf(one)]));
  const ordered = named.toSorted((a, b) => (peaks.get(b) ?? 0) - (peaks.get(a) ?? 0) || byName(a, b));
  const shown = ordered.slice(0, maxSeries - 1).toSorted(byName);
  const rest = ordered.slice(maxSeries - 1);
  const isStacked = style === "stacked";
  const name = isStacked ? `${rest.length} others` : `largest of ${rest.length} others`;
  const joined = { name, values: join(rest, isStacked ? (a, b) => a + b : Math.max) };
  return { series: [...shown, joined], others: rest.map((one) => one.name).toSorted() };
}

/** The points from `since` on, moved by `shiftSeconds`; gaps as null. */
export function pointsOf(series: readonly NamedSeries[], window: Window, since: number, shiftSeconds = 0): Series[] {
  const { from, stepSeconds } = window;
  const first = Math.max(0, Math.ceil((since - shiftSeconds - from) / stepSeconds));
  return series.map(({ name, values }) => {
    const points: Series["points"] = [];
    for (let index = first; index < values.length; index += 1) {
      const value = values[index] ?? Number.NaN;
      points.push([from + index * stepSeconds + shiftSeconds, Number.isNaN(value) ? null : value]);
    }
    return { name, points };
  });
}

/** Whether there is any value to draw. */
export function hasValues(series: readonly NamedSeries[]): boolean {
  return series.some(({ values }) => values.some((value) => !Number.isNaN(value)));
}

/** Two lines of one name get a number, so that a legend and a tail can tell them apart. */
function tellApart(series: readonly NamedSeries[]): NamedSeries[] {
  const seen = new Map<string, number>();
  return series.map((one) => {
    const count = (seen.get(one.name) ?? 0) + 1;
    seen.set(one.name, count);
    return count === 1 ? one : { ...one, name: `${one.name} (${count})` };
  });
}

function join(series: readonly NamedSeries[], combine: (a: number, b: number) => number): Float64Array {
  const joined = new Float64Array(series[0]?.values.length ?? 0).fill(Number.NaN);
  for (const { values } of series) {
    for (const [index, value] of values.entries()) {
      if (Number.isNaN(value)) continue;
      const known = joined[index] ?? Number.NaN;
      joined[index] = Number.isNaN(known) ? value : combine(known, value);
    }
  }
  return joined;
}

function peakOf({ values }: NamedSeries): number {
  return values.reduce((peak, value) => (value > peak ? value : peak), Number.NEGATIVE_INFINITY);
}
