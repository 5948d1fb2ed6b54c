import { formatDuration } from "#lib/domain/duration.ts";
import { type Comparison, panelLimits, type Range, ranges } from "#lib/domain/metrics/schemas.ts";
import { formatAbsolute } from "./time.ts";

/** What a page's charts and lists look at: the time up to now, or a span that stays. Fixed ends are Unix seconds. */
export type TimeRange = { kind: "live"; range: Range } | { kind: "fixed"; from: number; to: number };

export type Span = { from: number; to: number };

export const defaultRange: Range = "1h";
export const comparisonNames: Record<Comparison, string> = { day: "yesterday", week: "last week" };

const longestSpanSeconds = panelLimits.spanSeconds;
/** Shorter than this a chart has no more to show than the scrapes give. */
export const shortestSpanSeconds = 60;

const isRange = (text: string): text is Range => Object.hasOwn(ranges, text);

/** The range that an address asks for; what cannot be read falls back to the last hour, live. */
export function readTimeRange(search: Pick<URLSearchParams, "get">): TimeRange {
  const from = unixSeconds(search.get("from"));
  const to = unixSeconds(search.get("to"));
  if (from !== null && to !== null && to - from >= shortestSpanSeconds && to - from <= longestSpanSeconds) {
    return { kind: "fixed", from, to };
  }
  const range = search.get("range") ?? "";
  return { kind: "live", range: isRange(range) ? range : defaultRange };
}

export function readComparison(search: Pick<URLSearchParams, "get">): Comparison | null {
  const compare = search.get("compare");
  return compare === "day" || compare === "week" ? compare : null;
}

function unixSeconds(text: string | null): number | null {
  return text !== null && /^\d{1,11}$/.test(text) ? Number(text) : null;
}

/** The address's parameters that say this range; null takes one away. The default range leaves the address short. */
export function rangeParameters(range: TimeRange): { range: string | null; from: string | null; to: string | null } {
  if (range.kind === "fixed") return { range: null, from: String(range.from), to: String(range.to) };
  return { range: range.range === defaultRange ? null : range.range, from: null, to: null };
}

/** The same as query of the API, where the default is said too. */
export function rangeQuery(range: TimeRange): Record<string, string | number> {
  return range.kind === "fixed" ? { from: range.from, to: range.to } : { range: range.range };
}

export function lengthOf(range: TimeRange): number {
  return range.kind === "fixed" ? range.to - range.from : ranges[range.range];
}

/** The ends of a range at a time, all in Unix seconds. */
export function spanOf(range: TimeRange, now: number): Span {
  return range.kind === "fixed" ? { from: range.from, to: range.to } : { from: now - ranges[range.range], to: now };
}

/** Room before and after what a chart is about, so that it is seen against what was before. */
const marginSeconds = 120;

/** A range that holds what began at a time and ended at another (Unix seconds), or goes on (null): then up to now, live. */
export function rangeAround(from: number, to: number | null, now: number): TimeRange {
  const fitting = (Object.keys(ranges) as Range[]).find((range) => ranges[range] >= now - from + marginSeconds);
  if (to === null && fitting) return { kind: "live", range: fitting };
  const end = Math.min(Math.ceil(to ?? now) + marginSeconds, Math.floor(now));
  return { kind: "fixed", from: Math.max(Math.floor(from) - marginSeconds, end - longestSpanSeconds), to: end };
}

/** Whether something that lasted from `firstAt` to `lastAt` (ISO) happened in the range; `now` in Unix seconds. */
export function isWithin(range: TimeRange, now: number, { firstAt, lastAt }: { firstAt: string; lastAt: string }): boolean {
  const { from, to } = spanOf(range, now);
  return Date.parse(lastAt) / 1000 >= from && (range.kind === "live" || Date.parse(firstAt) / 1000 <= to);
}

/** A fixed range of what was marked on a chart: in order, not too short, and not beyond now. */
export function zoomedTo(a: number, b: number, now: number): TimeRange {
  const from = Math.floor(Math.min(a, b));
  const to = Math.min(Math.ceil(Math.max(a, b)), Math.floor(now));
  return withLength(from, Math.max(to - from, shortestSpanSeconds), now);
}

/** Twice as much around the same middle; of a live range the next longer one. */
export function zoomedOut(range: TimeRange, now: number): TimeRange {
  if (range.kind === "live") {
    const names = Object.keys(ranges) as Range[];
    return { kind: "live", range: names[names.indexOf(range.range) + 1] ?? range.range };
  }
  const length = Math.min((range.to - range.from) * 2, longestSpanSeconds);
  return withLength(Math.floor((range.from + range.to) / 2 - length / 2), length, now);
}

/** Half its length earlier or later; going later than now gives the live range of that length where there is one. */
export function shifted(range: TimeRange, direction: -1 | 1, now: number): TimeRange {
  const length = lengthOf(range);
  const { from } = spanOf(range, Math.floor(now));
  const next = Math.floor(from + (direction * length) / 2);
  if (next + length < now) return withLength(next, length, now);
  const preset = presetOfLength(length);
  return preset ? { kind: "live", range: preset } : withLength(next, length, now);
}

/** The live range that is as long, if there is one. */
export function presetOfLength(seconds: number): Range | null {
  return (Object.keys(ranges) as Range[]).find((each) => ranges[each] === seconds) ?? null;
}

function withLength(from: number, length: number, now: number): TimeRange {
  const start = Math.max(0, Math.min(from, Math.floor(now) - length));
  return { kind: "fixed", from: start, to: start + length };
}

export function sameRange(a: TimeRange, b: TimeRange): boolean {
  return rangeKey(a) === rangeKey(b);
}

/** A short text that is the same for the same range: for keys of a cache. */
export function rangeKey(range: TimeRange): string {
  return range.kind === "fixed" ? `${range.from}-${range.to}` : range.range;
}

/** The range in words: "last 1 h", or both ends with the zone said once. */
export function describeRange(range: TimeRange, timeZone?: string): string {
  if (range.kind === "live") return `last ${formatDuration(ranges[range.range] * 1000)}`;
  const [fromDay = "", fromClock = ""] = formatAbsolute(range.from * 1000, timeZone).split(" ");
  const [toDay = "", toClock = "", ...zone] = formatAbsolute(range.to * 1000, timeZone).split(" ");
  const end = fromDay === toDay ? toClock : `${toDay} ${toClock}`;
  return `${fromDay} ${fromClock} – ${end} ${zone.join(" ")}`;
}

/** Why a person's own two ends cannot be shown; null when they can. Ends are Unix seconds, null for what could not be read. */
export function refuseSpan(from: number | null, to: number | null, now: number): string | null {
  if (from === null || to === null) return "Give both ends as a date and a time.";
  if (from >= to) return "The end must be after the beginning.";
  if (from >= now) return "The beginning lies in the future: nothing has been measured yet.";
  if (to - from < shortestSpanSeconds) return `Give at least ${formatDuration(shortestSpanSeconds * 1000)}.`;
  if (to - from > longestSpanSeconds) return `At most ${longestSpanSeconds / 86_400} days at once: ask for less.`;
  return null;
}

/** What a field of type datetime-local holds for a moment, in the viewer's zone: "2026-11-21T02:14:05". */
export function toLocalField(seconds: number): string {
  const date = new Date((seconds - new Date(seconds * 1000).getTimezoneOffset() * 60) * 1000);
  return date.toISOString().slice(0, 19);
}

/** The moment that such a field holds; null for what is no moment. */
export function fromLocalField(text: string): number | null {
  const at = Date.parse(text);
  return Number.isNaN(at) ? null : Math.floor(at / 1000);
}
