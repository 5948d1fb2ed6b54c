import type { PrometheusSeries } from "#lib/prometheus/client.ts";
import type { Window } from "./expression.ts";
import type { Series } from "./schemas.ts";

const maxSeries = 8;

/** Series on the window's grid, a gap as null. */
export function toGrid({ points }: PrometheusSeries, { from, to, stepSeconds }: Window): Series["points"] {
  const values = new Map(points);
  const grid: Series["points"] = [];
  for (let at = from; at <= to; at += stepSeconds) grid.push([at, values.get(at) ?? null]);
  return grid;
}

/** The series with the largest last values; what is beyond eight becomes one: their sum when stacked, else the largest of them. */
export function limitSeries(series: readonly Series[], style: "lines" | "stacked"): Series[] {
  if (series.length <= maxSeries) return series.toSorted((a, b) => a.name.localeCompare(b.name));
  const ordered = series.toSorted((a, b) => lastValue(b) - lastValue(a));
  const shown = ordered.slice(0, maxSeries - 1).toSorted((a, b) => a.name.localeCompare(b.name));
  const rest = ordered.slice(maxSeries - 1);
  const name = style === "stacked" ? `${rest.length} others` : `largest of ${rest.length} others`;
  const join = style === "stacked" ? (a: number, b: number) => a + b : (a: number, b: number) => Math.max(a, b);
  const points = (rest[0]?.points ?? []).map(([at], index): [number, number | null] => {
    const values = rest.map((one) => one.points[index]?.[1] ?? null).filter((value) => value !== null);
    return [at, values.length === 0 ? null : values.reduce(join)];
  });
  return [...shown, { name, points }];
}

/** Whether there is any value to draw. */
export function hasValues(series: readonly Series[]): boolean {
  return series.some(({ points }) => points.some(([, value]) => value !== null));
}

function lastValue({ points }: Series): number {
  return points.findLast(([, value]) => value !== null)?.[1] ?? Number.NEGATIVE_INFINITY;
}
