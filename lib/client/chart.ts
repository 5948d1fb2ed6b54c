import type { Series } from "#lib/domain/metrics/schemas.ts";

type Point = [number, number | null];
type Scale = (value: number) => number;

/** Runs of points without a gap: a null, or a hole of more than one and a half steps, ends a run. */
export function runsOf(points: Point[], stepSeconds: number): [number, number][][] {
  const runs: [number, number][][] = [];
  let last: number | null = null;
  for (const [time, value] of points) {
    if (value === null || !Number.isFinite(value)) {
      last = null;
      continue;
    }
    const run = runs.at(-1);
    if (last !== null && run && time - last <= stepSeconds * 1.5) run.push([time, value]);
    else runs.push([[time, value]]);
    last = time;
  }
  return runs;
}

/** An SVG path of a run; a lone point becomes a dash as wide as a round line cap. */
export function pathOf(run: [number, number][], x: Scale, y: Scale): string {
  const text = run
    .map(([time, value], index) => `${index === 0 ? "M" : "L"}${x(time).toFixed(1)},${y(value).toFixed(1)}`)
    .join("");
  return run.length === 1 ? `${text}h0.01` : text;
}

/** The area between a run and the run below it at the same times. */
export function areaOf(run: [number, number][], floor: (time: number) => number, x: Scale, y: Scale): string {
  const back = [...run].reverse().map(([time]) => `L${x(time).toFixed(1)},${y(floor(time)).toFixed(1)}`);
  return `${pathOf(run, x, y)}${back.join("")}Z`;
}

/** The last value that is one, and null when the newest points are a gap longer than three steps. */
export function lastValue(series: Series, to: number, stepSeconds: number): number | null {
  for (let index = series.points.length - 1; index >= 0; index -= 1) {
    const point = series.points[index];
    if (point && point[1] !== null) return to - point[0] <= stepSeconds * 3 ? point[1] : null;
  }
  return null;
}

/** The point of a series nearest to a time, within one step; null in a gap. */
export function valueAt(points: Point[], time: number, stepSeconds: number): number | null {
  let low = 0;
  let high = points.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((points[middle]?.[0] ?? 0) < time) low = middle + 1;
    else high = middle;
  }
  const candidates = [points[low - 1], points[low]].filter((point) => point !== undefined);
  const nearest = candidates.sort((a, b) => Math.abs(a[0] - time) - Math.abs(b[0] - time))[0];
  return nearest && Math.abs(nearest[0] - time) <= stepSeconds ? nearest[1] : null;
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
  return [...order.slice(0, most - 1), { name: `${rest.length} others`, points: sumOf(rest) }];
}

function sumOf(series: Series[]): Point[] {
  const sums = new Map<number, number | null>();
  for (const { points } of series) {
    for (const [time, value] of points) {
      const known = sums.get(time) ?? null;
      sums.set(time, value === null ? known : (known ?? 0) + value);
    }
  }
  return [...sums].sort((a, b) => a[0] - b[0]);
}

/** Each series raised by those before it, for stacked charts; a gap counts as nothing for those above. */
export function stackSeries(series: Series[]): { name: string; points: Point[]; floor: Map<number, number> }[] {
  const heights = new Map<number, number>();
  return series.map(({ name, points }) => {
    const floor = new Map<number, number>();
    const raised = points.map(([time, value]): Point => {
      const below = heights.get(time) ?? 0;
      floor.set(time, below);
      if (value === null) return [time, null];
      heights.set(time, below + value);
      return [time, below + value];
    });
    return { name, points: raised, floor };
  });
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
