import { type Plot, xOf } from "./chart-geometry.ts";

/** Marks that lie too close together to be told apart are drawn as one, where the newest of them is. */
export type MarkGroup<Mark> = { x: number; marks: Mark[] };

/** Marks (in any order) on a plot, those closer than `gap` pixels to their neighbour together. Outside the plot there are none. */
export function groupMarks<Mark extends { at: string }>(plot: Plot, marks: readonly Mark[], gap: number): MarkGroup<Mark>[] {
  const groups: MarkGroup<Mark>[] = [];
  const ordered = marks
    .map((mark) => ({ mark, time: Date.parse(mark.at) / 1000 }))
    .filter(({ time }) => time >= plot.from && time <= plot.to)
    .sort((a, b) => a.time - b.time);
  for (const { mark, time } of ordered) {
    const x = xOf(plot, time);
    const last = groups.at(-1);
    if (last && x - last.x < gap) {
      last.marks.push(mark);
      last.x = x;
    } else groups.push({ x, marks: [mark] });
  }
  return groups;
}

/** A span's part on the plot in pixels, never thinner than can be seen. */
export type Shade<Span> = { span: Span; x: number; width: number; row: number };

const thinnest = 3;

/** Spans on a plot, one that still runs up to its right edge; those that overlap in different rows, from 0. */
export function shadesOf<Span extends { startsAt: string; endsAt: string | null }>(
  plot: Plot,
  spans: readonly Span[],
): Shade<Span>[] {
  const rowEnds: number[] = [];
  return spans
    .map((span) => ({
      span,
      start: Date.parse(span.startsAt) / 1000,
      end: span.endsAt === null ? plot.to : Date.parse(span.endsAt) / 1000,
    }))
    .filter(({ start, end }) => end >= plot.from && start <= plot.to)
    .sort((a, b) => a.start - b.start)
    .map(({ span, start, end }) => {
      const x = xOf(plot, Math.max(start, plot.from));
      const right = xOf(plot, Math.min(end, plot.to));
      const free = rowEnds.findIndex((rowEnd) => rowEnd <= x);
      const row = free === -1 ? rowEnds.length : free;
      const width = Math.max(thinnest, right - x);
      rowEnds[row] = x + width;
      return { span, x: Math.min(x, plot.left + plot.width - width), width, row };
    });
}

/** Where any of the spans of one key holds, in pixels and with the first of them, so that shades do not darken each other. */
export function joinedShades<Span extends { startsAt: string; endsAt: string | null }>(
  plot: Plot,
  spans: readonly Span[],
  keyOf: (span: Span) => string,
): Omit<Shade<Span>, "row">[] {
  const joined: Omit<Shade<Span>, "row">[] = [];
  const open = new Map<string, Omit<Shade<Span>, "row">>();
  for (const { span, x, width } of shadesOf(plot, spans)) {
    const key = keyOf(span);
    const last = open.get(key);
    if (last && x <= last.x + last.width) {
      const left = Math.min(last.x, x);
      last.width = Math.max(last.x + last.width, x + width) - left;
      last.x = left;
    } else {
      const shade = { span, x, width };
      open.set(key, shade);
      joined.push(shade);
    }
  }
  return joined;
}

/** Those that hold at a moment (Unix seconds). */
export function spansAt<Span extends { startsAt: string; endsAt: string | null }>(spans: readonly Span[], time: number): Span[] {
  return spans.filter(
    ({ startsAt, endsAt }) => Date.parse(startsAt) / 1000 <= time && (endsAt === null || Date.parse(endsAt) / 1000 >= time),
  );
}

/** The change from one figure to another as text: "+12 %", "-3.4 %", "×12" beyond tenfold, "no change"; null where it says nothing. */
export function formatDelta(from: number | null | undefined, to: number | null | undefined): string | null {
  if (from == null || to == null || !Number.isFinite(from) || !Number.isFinite(to)) return null;
  if (from === to) return "no change";
  if (from === 0 || from < 0 !== to < 0) return null;
  const factor = to / from;
  if (factor >= 10) return `×${factor >= 100 ? Math.round(factor) : factor.toFixed(1)}`;
  const percent = (factor - 1) * 100;
  if (Math.abs(percent) < 0.05) return "no change";
  return `${percent > 0 ? "+" : "−"}${Math.abs(percent).toFixed(Math.abs(percent) < 10 ? 1 : 0)} %`;
}
