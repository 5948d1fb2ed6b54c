/** A chart's drawing in pixels: where its plot lies in a box of this width, and how times and values fall on it. */
export type Plot = {
  left: number;
  top: number;
  width: number;
  height: number;
  from: number;
  to: number;
  low: number;
  high: number;
};

export const chartHeight = 148;
export const chartMargin = { top: 18, right: 60, bottom: 0, left: 0 } as const;
export const axisWidth = 56;
export const axisHeight = 20;

/** The plot of a chart that is `width` pixels wide. */
export function plotOf(width: number, time: { from: number; to: number }, values: { low: number; high: number }): Plot {
  return {
    left: chartMargin.left + axisWidth,
    top: chartMargin.top,
    width: Math.max(0, width - chartMargin.left - axisWidth - chartMargin.right),
    height: chartHeight - chartMargin.top - chartMargin.bottom - axisHeight,
    ...time,
    ...values,
  };
}

export function xOf(plot: Plot, time: number): number {
  return plot.left + ((time - plot.from) / Math.max(1, plot.to - plot.from)) * plot.width;
}

export function yOf(plot: Plot, value: number): number {
  return plot.top + plot.height - ((value - plot.low) / (plot.high - plot.low || 1)) * plot.height;
}

/** The time below a pixel, kept inside the plot. */
export function timeAt(plot: Plot, x: number): number {
  const share = plot.width === 0 ? 0 : (x - plot.left) / plot.width;
  return plot.from + Math.min(1, Math.max(0, share)) * (plot.to - plot.from);
}

/** The index of the time nearest to another, of times in their order; -1 of none. */
export function nearestIndex(times: readonly number[], time: number): number {
  if (times.length === 0) return -1;
  let low = 0;
  let high = times.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((times[middle] ?? 0) < time) low = middle + 1;
    else high = middle;
  }
  const before = times[low - 1];
  return before !== undefined && time - before <= (times[low] ?? 0) - time ? low - 1 : low;
}

/** Where the keyboard goes from a moment; null for a key that does not move it. A moment that is none yet starts at the end. */
export function movedMoment(times: readonly number[], from: number | null, key: string): number | null {
  const last = times.length - 1;
  if (last < 0) return null;
  const current = from === null ? null : nearestIndex(times, from);
  const steps: Record<string, number> = { ArrowLeft: -1, ArrowRight: 1, PageDown: -10, PageUp: 10 };
  let next: number;
  if (key === "Home") next = 0;
  else if (key === "End") next = last;
  else if (key in steps) next = current === null ? last : current + (steps[key] ?? 0);
  else return null;
  return times[Math.min(last, Math.max(0, next))] ?? null;
}
