import { formatSeconds, formatShare } from "../../rollouts/analysis/figure-texts.ts";
import type { ActionVerdict } from "../schemas.ts";
import { isBad } from "./indicators.ts";
import type { StoredRecovery, WatchedIndicator } from "./recovery.ts";
import { counted, decisiveFirst, standingOf } from "./standing.ts";

/** An action that may have ended an incident. */
export type Mitigation = {
  /** Of its audit entry. */
  id: string;
  /** What was done to what: "Rollback of relay". */
  what: string;
  /** Whether it mends by its nature; a new image or a scaling does only while something is bad. */
  isRepair: boolean;
  at: Date;
  /** When its rollout had ended; null while it goes on. */
  endedAt: Date | null;
};

export type Judged = Pick<ActionVerdict, "seconds" | "before" | "after" | "message"> & {
  verdict: Exclude<ActionVerdict["verdict"], "pending">;
  at: Date;
};

/** After its end an action has so long to show that it helped, and this long when it does not end. */
const patienceMs = 180_000;
const longestMs = 900_000;
/** How far before a click an indicator must have been bad, for one that swings about its limit. */
const windowsBefore = 2;

/**
 * What the data say of an action: that every indicator that was bad when it was done was good for a whole window that began after it,
 * that one was not in time, or that nobody can say. `next` is what was done after it to the same service. Null: it is too early.
 */
export function judgeMitigation(action: Mitigation, next: Mitigation | null, recovery: StoredRecovery): Judged | null {
  const { windowSeconds } = recovery;
  const all = counted(recovery);
  const lookedAt = Math.min(...all.map((indicator) => Date.parse(indicator.lookedAt)));
  const doneAt = action.at.getTime();
  if (all.length === 0 || lookedAt < doneAt) return null;
  const harmed = decisiveFirst(recovery).filter((indicator) => wasBadBefore(indicator, doneAt, windowSeconds));
  const [first] = harmed;
  if (!first) return withoutHarm(action, all, doneAt);
  const unknown = (why: string, at: number): Judged => ({
    before: badBefore(first, doneAt, windowSeconds),
    after: valueAt(first, at),
    verdict: "unknown",
    seconds: null,
    at: new Date(at),
    message: `${action.what}: whether it helped is not known. ${why}`,
  });
  const until = next ? next.at.getTime() : Number.POSITIVE_INFINITY;
  const proof = findProof(all, harmed, doneAt);
  if (proof && proof.goodSince < until) {
    if (proof.goodSince < doneAt) return unknown("It had begun to recover before.", proof.provenAt);
    return verified(action, first, { doneAt, provenAt: proof.provenAt, windowSeconds });
  }
  // What was good before the next one would be proven a window after that.
  if (next && lookedAt >= until + windowSeconds * 1000)
    return unknown(`${next.what} followed before the data could tell.`, until);
  const deadline = Math.min(
    action.endedAt ? action.endedAt.getTime() + patienceMs : Number.POSITIVE_INFINITY,
    doneAt + longestMs,
  );
  if (lookedAt < deadline) return null;
  const still = harmed.find(({ state }) => state === "bad") ?? first;
  const after = valueAt(still, deadline);
  if (after === null || still.state === "unknown") return unknown("Nothing was measured long enough after it.", deadline);
  const before = badBefore(still, doneAt, windowSeconds);
  const values = `${valueOver(still, after, windowSeconds)} (limit ${formatIndicator(still, still.limit)}), was ${formatIndicator(still, before)}`;
  const message = `${action.what} did not help: ${values}; ${secondsBetween(doneAt, deadline)} s after the click`;
  return { verdict: "not-recovered", seconds: null, before, after, at: new Date(deadline), message };
}

/** When all that was bad before the click, or became so until that was good again, had been good for a window. */
function findProof(
  all: readonly WatchedIndicator[],
  harmed: readonly WatchedIndicator[],
  doneAt: number,
): { goodSince: number; provenAt: number } | null {
  const recoveryOf = ({ turns }: WatchedIndicator) =>
    turns.find(({ kind, provenAt }) => kind === "recovered" && Date.parse(provenAt) > doneAt);
  const proven = harmed.flatMap((indicator) => recoveryOf(indicator) ?? []);
  if (proven.length < harmed.length) return null;
  const last = Math.max(...proven.map((turn) => Date.parse(turn.provenAt)));
  const others = all.filter((indicator) => !harmed.includes(indicator) && wasBadWithin(indicator, doneAt, last));
  const later = others.flatMap((indicator) => recoveryOf(indicator) ?? []);
  if (later.length < others.length) return null;
  return {
    goodSince: Math.max(...[...proven, ...later].map(({ at }) => Date.parse(at))),
    provenAt: Math.max(last, ...later.map((turn) => Date.parse(turn.provenAt))),
  };
}

/** How far the data are with an action that has no verdict yet. */
export function describePending({ what }: Pick<Mitigation, "what">, recovery: StoredRecovery): string {
  const { windowSeconds } = recovery;
  const [first] = decisiveFirst(recovery);
  const { state, goodSince, lookedAt } = standingOf(recovery);
  if (!first || state === "unknown") return `${what} is not verified yet: nothing is measured now.`;
  if (state === "bad") {
    return `${what} is not verified yet: ${valueOver(first, first.now, windowSeconds)} (limit ${formatIndicator(first, first.limit)}).`;
  }
  const good = goodSince && lookedAt ? Math.min(windowSeconds, secondsBetween(Date.parse(goodSince), Date.parse(lookedAt))) : 0;
  return `${what} is being verified: good for ${good} s of ${windowSeconds} s.`;
}

type Proof = { doneAt: number; provenAt: number; windowSeconds: number };

function verified({ what }: Mitigation, indicator: WatchedIndicator, { doneAt, provenAt, windowSeconds }: Proof): Judged {
  const seconds = secondsBetween(doneAt, provenAt);
  const before = badBefore(indicator, doneAt, windowSeconds);
  const after = valueAt(indicator, provenAt);
  const values = `${valueOver(indicator, after, windowSeconds)}, was ${formatIndicator(indicator, before)}`;
  const message = `${what} verified: ${values}; ${seconds} s after the click`;
  return { verdict: "recovered", seconds, before, after, at: new Date(provenAt), message };
}

function withoutHarm({ what }: Mitigation, all: readonly WatchedIndicator[], doneAt: number): Judged {
  const isKnown = all.some((indicator) => valueAt(indicator, doneAt) !== null);
  const why = isKnown ? "No indicator was bad when it was done." : "Nothing was measured when it was done.";
  const message = `${what}: whether it helped is not known. ${why}`;
  return { verdict: "unknown", seconds: null, before: null, after: null, at: new Date(doneAt), message };
}

/** Whether an action was done against the harm: a new version before anything was bad may have caused it instead. */
export function isMeantToHelp({ isRepair, at }: Mitigation, recovery: StoredRecovery): boolean {
  return isRepair || counted(recovery).some((indicator) => wasBadBefore(indicator, at.getTime(), recovery.windowSeconds));
}

function wasBadBefore(indicator: WatchedIndicator, doneAt: number, windowSeconds: number): boolean {
  return wasBadWithin(indicator, doneAt - windowsBefore * windowSeconds * 1000, doneAt);
}

function wasBadWithin(indicator: WatchedIndicator, from: number, to: number): boolean {
  return indicator.points.some(([at, value]) => at * 1000 >= from && at * 1000 <= to && isBad(indicator, value) === true);
}

/** The last known value at the click if it was bad, else the last bad one before it. */
function badBefore(indicator: WatchedIndicator, doneAt: number, windowSeconds: number): number | null {
  const from = doneAt - windowsBefore * windowSeconds * 1000;
  const bad = indicator.points.findLast(([at, value]) => at * 1000 >= from && at * 1000 <= doneAt && isBad(indicator, value));
  return bad?.[1] ?? valueAt(indicator, doneAt);
}

/** The last known value until then. */
function valueAt({ points }: WatchedIndicator, at: number): number | null {
  return points.findLast(([time, value]) => time * 1000 <= at && value !== null)?.[1] ?? null;
}

const secondsBetween = (from: number, to: number) => Math.round((to - from) / 1000);

function valueOver(indicator: WatchedIndicator, value: number | null, windowSeconds: number): string {
  const [be, words] = indicator.name.endsWith("latency-p95") ? ["is", "p95"] : ["are", indicator.short];
  return `${words} over ${windowSeconds} s ${be} ${formatIndicator(indicator, value)}`;
}

/** A value of the indicator as texts have it. */
export function formatIndicator({ unit }: Pick<WatchedIndicator, "unit">, value: number | null): string {
  if (value === null) return "unknown";
  return unit === "seconds" ? formatSeconds(value) : unit === "ratio" ? formatShare(value) : `${Math.round(value * 10) / 10}`;
}
