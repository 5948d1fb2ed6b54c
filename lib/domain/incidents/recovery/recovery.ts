import { median } from "../median.ts";
import type { Indicator, IndicatorName } from "./indicators.ts";
import { isBad } from "./indicators.ts";

/** After this time without a look nothing is known any more. */
export const staleAfterMs = 60_000;
/** Longer than an alert takes to fire, so that most of what lies before the impact was good. */
export const lookBackSeconds = 1_800;
const mostPoints = 360;
const mostTurns = 20;

/** What is kept of one service of an incident between two looks: column `state` of incident_recoveries. */
export type StoredRecovery = {
  /** The impact's start as it was when the watch began: another one begins it anew. */
  impactStartedAt: string;
  windowSeconds: number;
  indicators: WatchedIndicator[];
  /** What the incident's alerts name: it counts also where it was never measured. */
  named: IndicatorName[];
  /** The time from which the first bad point was sought; null: not yet. */
  soughtFrom: string | null;
};

/** One indicator since before the impact. Times are ISO 8601 in UTC. */
export type WatchedIndicator = Indicator & {
  /** In the minutes before the impact, at its worst since, now, and since it has recovered. */
  before: number | null;
  during: number | null;
  now: number | null;
  after: number | null;
  state: "good" | "bad" | "unknown";
  /** Since when it has been good without a break; null while it is not. */
  goodSince: string | null;
  recoveredAt: string | null;
  /** The time of the newest point. */
  lookedAt: string;
  /** Whether it has been bad since the impact began, and whether anything was ever known of it. */
  wasBad: boolean;
  wasKnown: boolean;
  /** The last time of which nothing is known. */
  unknownAt: string | null;
  /** The newest last. */
  turns: Turn[];
  /** Unix seconds and values, the oldest thinned out. */
  points: [number, number | null][];
};

/** That it had recovered, with when that began and which point proved it; or that it was bad again. */
export type Turn = { kind: "recovered" | "relapsed"; at: string; provenAt: string; value: number | null };

/** A value of the indicator over the window that ends at `at`, in milliseconds; null where nobody could know. */
export type Point = { at: number; value: number | null };

/** What a point is judged by. */
export type Watch = Pick<StoredRecovery, "impactStartedAt" | "windowSeconds"> & {
  /** What is bad after the incident was resolved is not its harm. */
  resolvedAt?: Date | null;
};

/** The beginning of a watch: nothing has been looked at. */
export function beginIndicator(indicator: Indicator, impactStartedAt: Date): WatchedIndicator {
  return {
    ...indicator,
    before: null,
    during: null,
    now: null,
    after: null,
    state: "unknown",
    goodSince: null,
    recoveredAt: null,
    lookedAt: iso(impactStartedAt.getTime() - lookBackSeconds * 1000),
    wasBad: false,
    wasKnown: false,
    unknownAt: null,
    turns: [],
    points: [],
  };
}

/**
 * The indicator after more points, in order, with what turned. A point speaks for the whole window before it: one that is good after a
 * bad one says that it was good since that window began, so that it has then been so for `windowSeconds`. What follows a time of which
 * nothing is known has to be good for a whole window by itself.
 */
export function takePoints(
  stored: WatchedIndicator,
  watch: Watch,
  points: readonly Point[],
): { indicator: WatchedIndicator; news: Turn[] } {
  const news: Turn[] = [];
  let indicator = stored;
  for (const point of points) {
    if (point.at > Date.parse(indicator.lookedAt)) indicator = takePoint(indicator, watch, point, news);
  }
  const turns = [...stored.turns, ...news].slice(-mostTurns);
  return { indicator: summarise({ ...indicator, turns, points: thin(indicator.points) }, watch), news };
}

function takePoint(stored: WatchedIndicator, watch: Watch, { at, value }: Point, news: Turn[]): WatchedIndicator {
  const bad = isBad(stored, value);
  const impactAt = Date.parse(watch.impactStartedAt);
  const isHarm = bad === true && at >= impactAt && (!watch.resolvedAt || at <= watch.resolvedAt.getTime());
  const next: WatchedIndicator = {
    ...stored,
    lookedAt: iso(at),
    now: value,
    points: [...stored.points, [at / 1000, value]],
    state: bad === null ? "unknown" : bad ? "bad" : "good",
    wasBad: stored.wasBad || isHarm,
    wasKnown: stored.wasKnown || bad !== null,
    unknownAt: bad === null ? iso(at) : stored.unknownAt,
    during: isHarm ? worse(stored, value) : stored.during,
  };
  if (bad !== false) {
    if (bad && stored.recoveredAt !== null) news.push({ kind: "relapsed", at: iso(at), provenAt: iso(at), value });
    return { ...next, goodSince: null, recoveredAt: bad ? null : stored.recoveredAt };
  }
  const windowMs = watch.windowSeconds * 1000;
  const goodSince = stored.goodSince ?? iso(Math.max(at - windowMs, Date.parse(stored.unknownAt ?? iso(0))));
  const isProven = at - Date.parse(goodSince) >= windowMs;
  if (!next.wasBad || !isProven || stored.recoveredAt !== null) return { ...next, goodSince };
  const recoveredAt = iso(Math.max(Date.parse(goodSince), impactAt));
  news.push({ kind: "recovered", at: recoveredAt, provenAt: iso(at), value });
  return { ...next, goodSince, recoveredAt };
}

function worse({ bad, during }: WatchedIndicator, value: number | null): number | null {
  if (during === null || value === null) return value ?? during;
  return bad === "above" ? Math.max(during, value) : Math.min(during, value);
}

/** Medians, for the minutes before an alert may hold the first bad ones already. */
function summarise(indicator: WatchedIndicator, { impactStartedAt, windowSeconds }: Watch): WatchedIndicator {
  const { points, recoveredAt } = indicator;
  const valuesOf = (isMeant: (at: number) => boolean) =>
    points.flatMap(([at, value]) => (value !== null && isMeant(at * 1000) ? [value] : []));
  const before = indicator.before ?? median(valuesOf((at) => at <= Date.parse(impactStartedAt)));
  if (recoveredAt === null) return { ...indicator, before, after: null };
  const from = Date.parse(recoveredAt) + windowSeconds * 1000;
  return { ...indicator, before, after: median(valuesOf((at) => at >= from)) ?? indicator.after };
}

/** Every second one of the older half goes, so that a long incident keeps its shape. */
function thin(points: WatchedIndicator["points"]): WatchedIndicator["points"] {
  if (points.length <= mostPoints) return points;
  const half = points.length - mostPoints / 2;
  return thin([...points.slice(0, half).filter((_, index) => index % 2 === 0), ...points.slice(half)]);
}

const iso = (at: number) => new Date(at).toISOString();
