import type { Recovery } from "../schemas.ts";
import { type Indicator, isBad } from "./indicators.ts";

/** After this time without a look nothing is known any more. */
export const staleAfterMs = 60_000;
/** Longer than an alert takes to fire, so that most of what lies before the impact was good. */
export const lookBackSeconds = 1_800;
const mostPoints = 360;

/** What is kept of a recovery between two looks, beside what pages see. */
export type StoredRecovery = Recovery & {
  /** The time of the newest point. */
  lookedAt: string;
  /** The impact's start as it was when the watch began: another one begins it anew. */
  impactStartedAt: string;
  expr: string;
  /** Whether it has been bad since the impact began. */
  wasBad: boolean;
  /** The last time of which nothing is known. */
  unknownAt: string | null;
};

/** A value of the indicator over the window that ends at `at`, in milliseconds; null where nobody could know. */
export type Point = { at: number; value: number | null };

/** What a look found that people want to know: a recovery with when it began, or that it was over again. */
export type RecoveryNews = { kind: "recovered" | "relapsed"; at: string };

/** The beginning of a watch: nothing has been looked at. */
export function beginRecovery(
  service: string,
  indicator: Indicator,
  impactStartedAt: Date,
  windowSeconds: number,
): StoredRecovery {
  const { expr, ...shown } = indicator;
  return {
    service,
    indicator: shown,
    windowSeconds,
    before: null,
    during: null,
    now: null,
    after: null,
    state: "unknown",
    goodSince: null,
    recoveredAt: null,
    points: [],
    lookedAt: iso(impactStartedAt.getTime() - lookBackSeconds * 1000),
    impactStartedAt: impactStartedAt.toISOString(),
    expr,
    wasBad: false,
    unknownAt: null,
  };
}

/**
 * The recovery after more points, in order. A point speaks for the whole window before it: one that is good after a bad one says that
 * it was good since that window began, so that it has then been so for `windowSeconds`. What follows a time of which nothing is known
 * has to be good for a whole window by itself.
 */
export function takePoints(stored: StoredRecovery, points: readonly Point[]): { recovery: StoredRecovery; news: RecoveryNews[] } {
  const news: RecoveryNews[] = [];
  let recovery = stored;
  for (const point of points.filter(({ at }) => at > Date.parse(recovery.lookedAt))) {
    recovery = takePoint(recovery, point, news);
  }
  return { recovery: summarise({ ...recovery, points: thin(recovery.points) }), news };
}

function takePoint(stored: StoredRecovery, { at, value }: Point, news: RecoveryNews[]): StoredRecovery {
  const bad = isBad(stored.indicator, value);
  const impactAt = Date.parse(stored.impactStartedAt);
  const isHarm = bad === true && at >= impactAt;
  const next: StoredRecovery = {
    ...stored,
    lookedAt: iso(at),
    now: value,
    points: [...stored.points, { at: iso(at), value }],
    state: bad === null ? "unknown" : bad ? "bad" : "good",
    wasBad: stored.wasBad || isHarm,
    unknownAt: bad === null ? iso(at) : stored.unknownAt,
    during: isHarm ? worse(stored, value) : stored.during,
  };
  if (bad !== false) {
    if (bad && stored.recoveredAt !== null) news.push({ kind: "relapsed", at: iso(at) });
    return { ...next, goodSince: null, recoveredAt: bad ? null : stored.recoveredAt };
  }
  const windowMs = stored.windowSeconds * 1000;
  const goodSince = stored.goodSince ?? iso(Math.max(at - windowMs, Date.parse(stored.unknownAt ?? iso(0))));
  const isProven = at - Date.parse(goodSince) >= windowMs;
  if (!next.wasBad || !isProven || stored.recoveredAt !== null) return { ...next, goodSince };
  const recoveredAt = iso(Math.max(Date.parse(goodSince), impactAt));
  news.push({ kind: "recovered", at: recoveredAt });
  return { ...next, goodSince, recoveredAt };
}

function worse({ indicator, during }: StoredRecovery, value: number | null): number | null {
  if (during === null || value === null) return value ?? during;
  return indicator.bad === "above" ? Math.max(during, value) : Math.min(during, value);
}

/** Medians, for the minutes before an alert may hold the first bad ones already. */
function summarise(recovery: StoredRecovery): StoredRecovery {
  const { points, impactStartedAt, recoveredAt, windowSeconds } = recovery;
  const valuesOf = (isMeant: (at: number) => boolean) =>
    points.flatMap(({ at, value }) => (value !== null && isMeant(Date.parse(at)) ? [value] : []));
  const before = recovery.before ?? median(valuesOf((at) => at <= Date.parse(impactStartedAt)));
  if (recoveredAt === null) return { ...recovery, before, after: null };
  const from = Date.parse(recoveredAt) + windowSeconds * 1000;
  return { ...recovery, before, after: median(valuesOf((at) => at >= from)) ?? recovery.after };
}

function median(values: readonly number[]): number | null {
  const sorted = values.toSorted((a, b) => a - b);
  const [low, high] = [sorted[Math.ceil(sorted.length / 2) - 1], sorted[Math.floor(sorted.length / 2)]];
  return low === undefined || high === undefined ? null : (low + high) / 2;
}

/** Every second one of the older half goes, so that a long incident keeps its shape. */
function thin(points: Recovery["points"]): Recovery["points"] {
  if (points.length <= mostPoints) return points;
  const half = points.length - mostPoints / 2;
  return thin([...points.slice(0, half).filter((_, index) => index % 2 === 0), ...points.slice(half)]);
}

const iso = (at: number) => new Date(at).toISOString();
