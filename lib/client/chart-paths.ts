import { type Plot, xOf, yOf } from "./chart-geometry.ts";

/** A line's course: at each moment how high it is drawn and from where its area rises; null in a gap. */
export type Course = { time: number; high: number | null; low: number }[];

type Reached = { x: number; high: number; low: number };

/** The courses of series side by side in rows (`values[index]` each), on top of each other where they are stacked. */
export function coursesOf(
  rows: readonly { time: number; values: (number | null)[] }[],
  count: number,
  stacked: boolean,
): Course[] {
  const courses: Course[] = Array.from({ length: count }, () => []);
  for (const { time, values } of rows) {
    let height = 0;
    for (let index = 0; index < count; index += 1) {
      const value = values[index] ?? null;
      const low = stacked ? height : 0;
      courses[index]?.push({ time, high: value === null ? null : low + value, low });
      height = low + (value ?? 0);
    }
  }
  return courses;
}

/** An SVG path along a course, broken at its gaps and left out beyond the plot's edges; `stepped` holds a value until the next. */
export function linePath(plot: Plot, course: Course, stepped = false): string {
  return runsOf(plot, course)
    .map((run) => `M${edge(run, "high", stepped)}`)
    .join("");
}

/** The area between a course and what it stands on, as an SVG path. */
export function areaPath(plot: Plot, course: Course, stepped = false): string {
  return runsOf(plot, course)
    .filter((run) => run.length > 1)
    .map((run) => `M${edge(run, "high", stepped)}L${backwards(run, stepped)}Z`)
    .join("");
}

/** The parts of a course between its gaps, in pixels. */
function runsOf(plot: Plot, course: Course): Reached[][] {
  const runs: Reached[][] = [];
  let run: Reached[] = [];
  for (const { time, high, low } of course) {
    if (high === null || time < plot.from || time > plot.to) {
      if (run.length > 0) runs.push(run);
      run = [];
    } else run.push({ x: xOf(plot, time), high: yOf(plot, high), low: yOf(plot, low) });
  }
  if (run.length > 0) runs.push(run);
  return runs;
}

function edge(run: readonly Reached[], side: "high" | "low", stepped: boolean): string {
  let before: Reached | undefined;
  const corners: string[] = [];
  for (const point of run) {
    if (stepped && before) corners.push(`${tenth(point.x)},${tenth(before[side])}`);
    corners.push(`${tenth(point.x)},${tenth(point[side])}`);
    before = point;
  }
  return corners.join("L");
}

const backwards = (run: readonly Reached[], stepped: boolean) => edge(run, "low", stepped).split("L").reverse().join("L");

const tenth = (pixels: number) => Math.round(pixels * 10) / 10;
