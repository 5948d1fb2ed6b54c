import type { Panel, Series, Unit } from "#lib/domain/metrics/schemas.ts";
import { highestOf, lastValue, type Row, rowsOf, sumSeries, topSeries } from "./chart.ts";
import { type Course, coursesOf } from "./chart-paths.ts";
import { axisTicks } from "./numbers.ts";

export const mostSeries = 8;

/** One line of a drawing: `index` is its place in the values of a row, `lone` its points that no line runs through. */
export type ChartLine = { name: string; index: number; last: number | null; course: Course; lone: [number, number][] };

/** Everything a drawing needs of a panel's data, worked out once. */
export type ChartModel = {
  lines: ChartLine[];
  /** What the lines are compared with, `before[n]` to `lines[n]`; of a stack its whole height, as one. */
  before: (ChartLine | null)[];
  rows: Row[];
  times: number[];
  ticks: number[];
};

type Drawn = Pick<Panel, "series" | "compared" | "style" | "unit" | "limit" | "states" | "stepSeconds">;

/** The drawing of a panel up to `to` (Unix seconds). */
export function chartModel(panel: Drawn, to: number): ChartModel {
  const { unit, stepSeconds } = panel;
  const isStacked = panel.style === "stacked";
  const series = topSeries(panel.series, mostSeries);
  const compared = panel.compared ? comparedSeries(series, topSeries(panel.compared, mostSeries), isStacked) : [];
  const rows = rowsOf([...series, ...compared.flatMap((each) => each ?? [])]);
  const present = rows.map(({ time, values }) => ({ time, values: values.slice(0, series.length) }));
  const past = rows.map(({ time, values }) => ({ time, values: values.slice(series.length) }));
  const highest = Math.max(highestOf(present, isStacked), highestOf(past, false));
  const lowest = rows.reduce((low, { values }) => values.reduce<number>((least, value) => Math.min(least, value ?? 0), low), 0);
  const courses = [
    ...coursesOf(present, series.length, isStacked),
    ...coursesOf(past, rows[0] ? rows[0].values.length - series.length : 0, false),
  ];
  const line = (each: Series, index: number): ChartLine => {
    const course = courses[index] ?? [];
    return { name: each.name, index, last: lastValue(each, to, stepSeconds), course, lone: lonePoints(course) };
  };
  let next = series.length;
  const before = compared.map((each) => (each ? line(each, next++) : null));
  const limit = panel.limit ? Math.min(panel.limit.value, highest * 4) : 0;
  return {
    lines: series.map(line),
    before,
    rows,
    times: rows.map(({ time }) => time),
    ticks: panel.states ? panel.states.map(({ value }) => value) : axisTicks(lowest, Math.max(highest, limit), 3, unit as Unit),
  };
}

/** To each series the one of the same name; a stack is compared as a whole, in the place of its first. */
function comparedSeries(series: Series[], compared: Series[], isStacked: boolean): (Series | null)[] {
  if (isStacked) return compared.length === 0 ? [] : [{ name: "all", points: sumSeries(compared) }];
  return series.map(({ name }) => compared.find((each) => each.name === name) ?? null);
}

/** The points of a course with a gap on either side, at the height where they are drawn. */
function lonePoints(course: Course): [number, number][] {
  return course.flatMap(({ time, high }, index): [number, number][] => {
    const isLone = high !== null && (course[index - 1]?.high ?? null) === null && (course[index + 1]?.high ?? null) === null;
    return isLone ? [[time, high]] : [];
  });
}
