import type { SeriesPoint } from "./schemas.ts";

/** What a client saw of one operation. Times are Unix time in milliseconds, by one clock. */
export type Outcome = { path: number; endedAt: number; tookMs: number; isOk: boolean };

/** One of the ways by which clients are served, and how often it is tried. */
export type Path = { name: string; intervalMs: number; isWrite: boolean };

export type Recovered = {
  /** The last success before clients were interrupted and the first of those that count as recovered, on the path that was away longest. */
  lastSuccessAt: number | null;
  recoveredAt: number | null;
  /** Null while a path is still away, or none was served before. */
  rtoMs: number | null;
  path: string | null;
  /** The time between two tries, and what the clocks may differ: the interruption may have been this much shorter at either end. */
  errorMs: number;
};

type Question = {
  outcomes: readonly Outcome[];
  paths: readonly Path[];
  faultAt: number;
  /** Up to when outcomes are known. */
  until: number;
  /** How many successes in a row count as recovered. */
  consecutive: number;
  clockErrorMs: number;
};

/**
 * How long the fault kept clients away: on each path from the last success before its first interruption after the fault to the first of so
 * many in a row after its last one; the longest counts, for each path is a user. A path without an interruption has its longest pause. It
 * contains the time until somebody noticed. Pure.
 */
export function measureRecovery({ outcomes, paths, clockErrorMs, ...rest }: Question): Recovered {
  const errorMs = Math.ceil(Math.max(0, ...paths.map(({ intervalMs }) => intervalMs)) + clockErrorMs);
  const byPath = Map.groupBy(outcomes, ({ path }) => path);
  const away = paths.flatMap((path, index) => {
    const own = (byPath.get(index) ?? []).toSorted((a, b) => a.endedAt - b.endedAt);
    const found = readPath(own, { ...rest, toleranceMs: toleranceOf(path) });
    return found ? [{ ...found, name: path.name }] : [];
  });
  const open = away.find(({ first }) => first === null);
  const worst = open ?? away.toSorted((a, b) => lengthOf(b) - lengthOf(a))[0];
  return {
    lastSuccessAt: worst?.last ?? null,
    recoveredAt: worst?.first ?? null,
    rtoMs: worst && worst.first !== null ? lengthOf(worst) : null,
    path: worst?.name ?? null,
    errorMs,
  };
}

type Away = { last: number; first: number | null };
const lengthOf = ({ last, first }: Away) => (first ?? Number.POSITIVE_INFINITY) - last;

/** A success may come so much later than the one before it until it is an interruption. */
export const toleranceOf = ({ intervalMs }: Pick<Path, "intervalMs">) => Math.max(3 * intervalMs, 1_000);

type Watched = Pick<Question, "faultAt" | "until" | "consecutive"> & { toleranceMs: number };

/** Null for a path that was not served before the fault: it tells nothing about it. */
function readPath(own: readonly Outcome[], { faultAt, until, consecutive, toleranceMs }: Watched): Away | null {
  const before = own.findLast(({ endedAt, isOk }) => isOk && endedAt <= faultAt)?.endedAt;
  if (before === undefined) return null;
  let pause: Away & { first: number } = { last: before, first: before };
  let interruption = null as Away | null;
  let newest = before;
  let count = 0;
  let hasFailed = false;
  for (const { endedAt, tookMs, isOk } of own) {
    if (endedAt <= faultAt) continue;
    if (!isOk) {
      hasFailed = true;
      continue;
    }
    if (hasFailed || endedAt - newest > toleranceMs) {
      interruption = { last: interruption?.last ?? newest, first: endedAt };
      count = 1;
      hasFailed = false;
    } else {
      if (endedAt - newest > lengthOf(pause)) pause = { last: newest, first: endedAt };
      // What waited during an outage succeeds all at once when it ends: that is one success.
      if (endedAt - tookMs >= newest - 1 || count === 0) count += 1;
    }
    newest = endedAt;
  }
  const isServed = !hasFailed && until - newest <= toleranceMs && count >= consecutive;
  if (!isServed) return { last: interruption?.last ?? newest, first: null };
  return interruption ?? pause;
}

/** An acknowledged write that is not there any more. */
export type Loss = { acknowledgedAt: number };

export type Lost = {
  lost: number;
  /** From the newest write before which all are there to the last that was acknowledged; 0 when none is missing. */
  rpoMs: number;
  lastAcknowledgedAt: number | null;
  newestSurvivingAt: number | null;
};

/** What the fault took along, by the writes that were acknowledged to clients. Pure. */
export function measureLoss({
  outcomes,
  paths,
  losses,
  faultAt,
}: Pick<Question, "outcomes" | "paths" | "faultAt"> & { losses: readonly Loss[] }): Lost {
  const times = losses.map(({ acknowledgedAt }) => acknowledgedAt);
  const [firstLost, lastLost] = [Math.min(...times), Math.max(...times)];
  const writes = outcomes.filter(({ path, isOk }) => isOk && paths[path]?.isWrite).map(({ endedAt }) => endedAt);
  const newest = (until: (at: number) => boolean) =>
    writes.reduce<number | null>((best, at) => (until(at) && (best === null || at > best) ? at : best), null);
  const before = newest((at) => at <= faultAt);
  if (losses.length === 0) return { lost: 0, rpoMs: 0, lastAcknowledgedAt: before, newestSurvivingAt: before };
  const last = Math.max(before ?? lastLost, lastLost);
  // What was acknowledged before anybody looked is only known by what is missing of it.
  const surviving = newest((at) => at < firstLost);
  return {
    lost: losses.length,
    rpoMs: last - (surviving ?? firstLost),
    lastAcknowledgedAt: last,
    newestSurvivingAt: surviving,
  };
}

/**
 * The client path, a point a second: how many operations ended well and how many did not. The second in which the last one ended is left
 * out: more of it may be on its way. Pure.
 */
export function seriesOf(outcomes: readonly Outcome[], from: number): SeriesPoint[] {
  const seconds = Map.groupBy(outcomes, ({ endedAt }) => Math.floor(endedAt / 1000));
  const last = Math.max(...seconds.keys());
  const points: SeriesPoint[] = [];
  for (let second = Math.floor(from / 1000); second < last; second += 1) {
    const ended = seconds.get(second) ?? [];
    const took = ended
      .filter(({ isOk }) => isOk)
      .map(({ tookMs }) => tookMs)
      .toSorted((a, b) => a - b);
    const p95 = took[Math.min(took.length - 1, Math.ceil(took.length * 0.95) - 1)];
    points.push({
      at: new Date(second * 1000).toISOString(),
      ok: took.length,
      failed: ended.length - took.length,
      p95Ms: p95 ?? null,
    });
  }
  return points;
}
