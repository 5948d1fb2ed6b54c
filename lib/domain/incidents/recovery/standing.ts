import type { Recovery } from "../schemas.ts";
import { isBad } from "./indicators.ts";
import { type StoredRecovery, staleAfterMs, type WatchedIndicator } from "./recovery.ts";

/** How a service stands by all of its indicators that count. */
export type Standing = {
  state: Recovery["state"];
  /** Since when all have been good without a break. */
  goodSince: string | null;
  /** When the last of those that were bad was good; null while one is not, and where none was bad. */
  recoveredAt: string | null;
  wasBad: boolean;
  lookedAt: string | null;
};

const worstFirst = ["bad", "unknown", "good"] as const;

/**
 * The indicators that count: what was measured at some time since before the impact, and what an alert names. What a service never had
 * cannot keep it from being good; where nothing was ever measured nothing is known.
 */
export function counted({ indicators, named }: StoredRecovery): WatchedIndicator[] {
  const known = indicators.filter(({ wasKnown }) => wasKnown);
  const has = (wanted: string) => known.some(({ name, standsInFor }) => name === wanted || standsInFor === wanted);
  const missing = indicators.filter(({ name, wasKnown }) => !wasKnown && named.includes(name) && !has(name));
  return known.length > 0 ? [...known, ...missing] : indicators;
}

/** How the service stands: by the worst of what counts. */
export function standingOf(recovery: StoredRecovery): Standing {
  const all = counted(recovery);
  const [worst] = decisiveFirst(recovery);
  const bad = all.filter(({ wasBad }) => wasBad);
  return {
    state: worst?.state ?? "unknown",
    goodSince: latest(all.map(({ goodSince }) => goodSince)),
    recoveredAt: latest(bad.map(({ recoveredAt }) => recoveredAt)),
    wasBad: bad.length > 0,
    lookedAt: all.map(({ lookedAt }) => lookedAt).toSorted()[0] ?? null,
  };
}

/** Whether nobody has looked for so long that nothing is known of now. */
export function isStale(recovery: StoredRecovery, now: Date): boolean {
  const { lookedAt } = standingOf(recovery);
  return lookedAt === null || now.getTime() - Date.parse(lookedAt) > staleAfterMs;
}

/** Those that count: bad now, then unknown, then good ones; among them the one that recovered last, then what the alerts name. */
export function decisiveFirst(recovery: StoredRecovery): WatchedIndicator[] {
  const rank = (indicator: WatchedIndicator) => worstFirst.indexOf(indicator.state);
  const harm = ({ wasBad, recoveredAt }: WatchedIndicator) => (wasBad ? (recoveredAt ?? "9") : "");
  const place = ({ name }: WatchedIndicator) => (recovery.named.includes(name) ? recovery.named.indexOf(name) : 99);
  return counted(recovery).toSorted((a, b) => rank(a) - rank(b) || compare(harm(b), harm(a)) || place(a) - place(b));
}

/** As pages see it: the decisive indicator of the service, and how the others stand. */
export function viewRecovery(service: string, recovery: StoredRecovery): Recovery | null {
  const [first, ...others] = decisiveFirst(recovery);
  if (!first) return null;
  const { state, goodSince, recoveredAt } = standingOf(recovery);
  const { before, during, now, after, points } = first;
  return {
    service,
    indicator: describe(first),
    windowSeconds: recovery.windowSeconds,
    before,
    during,
    now,
    after,
    state,
    goodSince,
    recoveredAt,
    points: points.map(([at, value]) => ({ at: new Date(at * 1000).toISOString(), value })),
    others: others.map((one) => ({ indicator: describe(one), now: one.now, state: one.state })),
  };
}

/** When the last of an incident's services was good; null while one that was bad is not, and where none was bad. */
export function recoveredAt(standings: readonly Pick<Standing, "wasBad" | "recoveredAt">[]): string | null {
  return latest(standings.filter(({ wasBad }) => wasBad).map((standing) => standing.recoveredAt));
}

/**
 * How a service stood when its incident was resolved, as far as the recovery goes: what went bad only afterwards has nothing to do with
 * it, and what had not recovered by then recovered when it first did.
 */
export function standingBy(recovery: StoredRecovery, resolvedAt: string): Pick<Standing, "wasBad" | "recoveredAt"> {
  const began = Date.parse(recovery.impactStartedAt) / 1000;
  const end = Date.parse(resolvedAt) / 1000;
  const bad = counted(recovery).filter(
    (indicator) =>
      indicator.wasBad && indicator.points.some(([at, value]) => at >= began && at <= end && isBad(indicator, value)),
  );
  return { wasBad: bad.length > 0, recoveredAt: latest(bad.map((indicator) => recoveryBy(indicator, resolvedAt))) };
}

function recoveryBy({ recoveredAt, turns }: WatchedIndicator, resolvedAt: string): string | null {
  if (recoveredAt !== null && recoveredAt <= resolvedAt) return recoveredAt;
  const last = turns.filter(({ at }) => at <= resolvedAt).at(-1);
  return last?.kind === "recovered"
    ? last.at
    : (turns.find(({ kind, at }) => kind === "recovered" && at > resolvedAt)?.at ?? null);
}

function describe({ name, title, short, unit, limit, bad }: WatchedIndicator): Recovery["indicator"] {
  return { name, title, short, unit, limit, bad };
}

/** The latest of all; null when one is, or there is none. */
function latest(times: readonly (string | null)[]): string | null {
  if (times.length === 0 || times.includes(null)) return null;
  return times.toSorted((a, b) => compare(a ?? "", b ?? "")).at(-1) ?? null;
}

const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);
