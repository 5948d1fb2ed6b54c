import { DomainError } from "../errors.ts";
import { rateWindow } from "./expression.ts";
import { comparisons, type PanelsQuery, panelLimits, type panelsQuerySchema, type Range, ranges } from "./schemas.ts";

const runningSteps: Record<Range, number> = { "15m": 5, "1h": 15, "6h": 60, "24h": 300, "7d": 1800 };
const fixedSteps = [1, 2, 5, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800];
const pointsWanted = 400;

/**
 * When a chart begins and ends and how far its points are apart, in seconds. Both ends lie on the same grid of steps, so that all
 * viewers ask for the same points. A point younger than `settleSeconds` may lack a scrape that was still under way.
 */
export type Window = { from: number; to: number; stepSeconds: number; rateSeconds: number; settleSeconds: number };

/** What a request asks to be charted. `shiftSeconds` is how far back the comparison lies. */
export type Span = { range: Range | null; window: Window; shiftSeconds: number | null; since: number | null };

/** The window of a running range, which ends at the last full step before now. */
export function windowOf(range: Range, now: Date, scrapeSeconds: number): Window {
  const stepSeconds = runningSteps[range];
  const to = floorTo(now.getTime() / 1000, stepSeconds);
  return makeWindow(to - ranges[range], to, stepSeconds, scrapeSeconds);
}

/** Reads what to chart; throws invalid-input with the limit that it goes beyond. */
export function readSpan(query: ReturnType<typeof panelsQuerySchema.parse>, now: Date, scrapeSeconds: number): Span {
  const { range, from, to, step, compare, since } = query;
  const shiftSeconds = compare ? comparisons[compare] : null;
  const common = { shiftSeconds, since: since ?? null };
  if (from === undefined || to === undefined) {
    const running = range ?? "1h";
    if (step === undefined) return { ...common, range: running, window: windowOf(running, now, scrapeSeconds) };
    refuseManyPoints(ranges[running], step);
    const end = floorTo(now.getTime() / 1000, step);
    return { ...common, range: running, window: makeWindow(end - floorTo(ranges[running], step), end, step, scrapeSeconds) };
  }
  const end = Math.min(to, Math.floor(now.getTime() / 1000));
  if (from >= end) throw refuse("from", "The time to chart has to begin before it ends, and before now.");
  if (end - from > panelLimits.spanSeconds) {
    const days = panelLimits.spanSeconds / 86_400;
    throw refuse("from", `At most ${days} days can be charted at once; this is ${Math.ceil((end - from) / 86_400)}.`);
  }
  const stepSeconds = step ?? stepFor(end - from, scrapeSeconds);
  refuseManyPoints(end - from, stepSeconds);
  const first = floorTo(from, stepSeconds);
  const last = Math.max(floorTo(end, stepSeconds), first + stepSeconds);
  return { ...common, range: null, window: makeWindow(first, last, stepSeconds, scrapeSeconds) };
}

/** The same window earlier; its points lie on the same grid when the shift is made of whole steps. */
export function shiftWindow(window: Window, seconds: number): Window {
  return { ...window, from: window.from - seconds, to: window.to - seconds };
}

/** How many points a series has in the window. */
export function pointsIn({ from, to, stepSeconds }: Window): number {
  return Math.floor((to - from) / stepSeconds) + 1;
}

/** The earliest time whose point has to be asked again because it may have lacked a scrape. */
export function firstUnsettled({ to, stepSeconds, settleSeconds }: Pick<Window, "to" | "stepSeconds" | "settleSeconds">): number {
  return to - Math.floor(Math.max(0, settleSeconds - 1) / stepSeconds) * stepSeconds;
}

function makeWindow(from: number, to: number, stepSeconds: number, scrapeSeconds: number): Window {
  return { from, to, stepSeconds, rateSeconds: rateWindow(stepSeconds, scrapeSeconds), settleSeconds: scrapeSeconds };
}

function stepFor(spanSeconds: number, scrapeSeconds: number): number {
  const fits = (step: number) => step >= Math.min(scrapeSeconds, spanSeconds / 2) && spanSeconds / step <= pointsWanted;
  return fixedSteps.find(fits) ?? fixedSteps.at(-1) ?? 1;
}

function refuseManyPoints(spanSeconds: number, stepSeconds: number): void {
  const points = Math.floor(spanSeconds / stepSeconds) + 1;
  if (points <= panelLimits.pointsPerSeries) return;
  const least = Math.ceil(spanSeconds / (panelLimits.pointsPerSeries - 1));
  throw refuse(
    "step",
    `This is ${points.toLocaleString("en-US")} points a series; at most ${panelLimits.pointsPerSeries.toLocaleString("en-US")} are answered. Take a step of ${least} s or more.`,
  );
}

function refuse(field: keyof PanelsQuery, message: string): DomainError {
  return new DomainError("invalid-input", message, { fields: { [field]: [message] } });
}

function floorTo(value: number, step: number): number {
  return Math.floor(value / step) * step;
}
