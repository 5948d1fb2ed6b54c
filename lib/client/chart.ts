import type { Series, Unit } from "#lib/domain/metrics/schemas.ts";
import { formatFigure } from "./numbers.ts";

type Point = [number, number | null];

/** One moment of a chart: the value of each series in their order, null in a gap. */
export type Row = { time: number; values: (number | null)[] };

/** The series side by side, one row for every moment that any of them has, in the order of time. */
export function rowsOf(series: Series[]): Row[] {
  const rows = new Map<number, Row>();
  for (const [index, { points }] of series.entries()) {
    for (const [time, value] of points) {
      const row = rows.get(time) ?? { time, values: series.map(() => null) };
      row.values[index] = value;
      rows.set(time, row);
    }
  }
  return [...rows.values()].sort((a, b) => a.time - b.time);
}

/** The highest point that the rows are drawn at, alone or on top of each other; 0 without any value. */
export function highestOf(rows: Row[], stacked: boolean): number {
  let highest = 0;
  for (const { values } of rows) {
    for (const value of stacked ? stackTops(values) : values) highest = Math.max(highest, value ?? 0);
  }
  return highest;
}

/** Each value raised by those before it; a gap counts as nothing for those above. */
export function stackTops(values: (number | null)[]): (number | null)[] {
  let height = 0;
  return values.map((value) => {
    height += value ?? 0;
    return value === null ? null : height;
  });
}

/** A figure as short as beside an axis: cores without their unit, which the axis says once. */
export const axisFigure = (value: number, unit: Unit) => formatFigure(value, unit).replace(/ cores$/, "");

/** The last value that is one, and null when the newest points are a gap longer than three steps. */
export function lastValue(series: Series, to: number, stepSeconds: number): number | null {
  for (let index = series.points.length - 1; index >= 0; index -= 1) {
    const point = series.points[index];
    if (point && point[1] !== null) return to - point[0] <= stepSeconds * 3 ? point[1] : null;
  }
  return null;
}

/** At most `most` series: the largest by their mean, and the sum of the rest as "N others". */
export function topSeries(series: Series[], most: number): Series[] {
  if (series.length <= most) return series;
  const mean = (each: Series) => {
    const values = each.points.flatMap(([, value]) => (value === null ? [] : [value]));
    return values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;
  };
  const order = [...series].sort((a, b) => mean(b) - mean(a));
  const rest = order.slice(most - 1);
  return [...order.slice(0, most - 1), { name: `${rest.length} others`, points: sumSeries(rest) }];
}

/** What the series give together at each moment; a gap where all of them have one. */
export function sumSeries(series: Series[]): Point[] {
  const sums = new Map<number, number | null>();
  for (const { points } of series) {
    for (const [time, value] of points) {
      const known = sums.get(time) ?? null;
      sums.set(time, value === null ? known : (known ?? 0) + value);
    }
  }
  return [...sums].sort((a, b) => a[0] - b[0]);
}

/** Moves labels apart so that each keeps `gap` to the next, in order, inside [top, bottom] while there is room. */
export function spreadLabels(positions: number[], gap: number, top: number, bottom: number): number[] {
  const order = positions.map((position, index) => ({ position, index })).sort((a, b) => a.position - b.position);
  let floor = top;
  for (const label of order) {
    label.position = Math.max(label.position, floor);
    floor = label.position + gap;
  }
  let ceiling = bottom;
  for (const label of order.toReversed()) {
    label.position = Math.min(label.position, ceiling);
    ceiling = label.position - gap;
  }
  const spread = new Array<number>(positions.length).fill(top);
  for (const { position, index } of order) spread[index] = position;
  return spread;
}
