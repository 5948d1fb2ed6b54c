import type { AttemptOutcome } from "./schemas.ts";

/** From when a message is made until it is given up. */
export const giveUpAfterMs = 24 * 3_600_000;
/** At most one message a target in this time: what comes meanwhile goes into the next one. */
export const gatherMs = 10_000;
/** The same while a target does not take messages. */
export const gatherFailingMs = 60_000;
/** Events in one message at most; what is more goes into the next. */
export const maxEventsAMessage = { webhook: 500, slack: 10_000, email: 10_000 } as const;
/** Events that a message for people lists; it counts the rest. */
export const listedForPeople = 20;
/** Messages under way to one target at most, over all controllers. */
export const concurrencyATarget = 2;
/** A target may ask to be left alone for that long at most. */
export const maxHoldMs = 3_600_000;
/** A test that no controller took up in that time is not sent any more. */
export const testValidMs = 5 * 60_000;
/** How long the log is kept. */
export const logKeptMs = 30 * 86_400_000;

const maxRefusals = 5;
const troubleBackoff = { initialMs: 5_000, maxMs: 3_600_000 };
const refusalBackoff = { initialMs: 30_000, maxMs: 3_600_000 };

/** What a message's next state depends on: `attemptCount` includes the attempt that just ended. */
export type Attempted = { attemptCount: number; outcome: AttemptOutcome; isGone: boolean; giveUpAt: Date };

export type NextStep = { state: "delivered" | "failed"; nextAttemptAt: null } | { state: "pending"; nextAttemptAt: Date };

/**
 * What follows an attempt. Trouble on the way or over there (network, time-out, 5xx, 429, unreadable secrets) is tried again with
 * doubling waits up to an hour, half of each at random, until the message is given up. A refusal (4xx, SMTP 5xx) may be a receiver
 * that is being deployed: it is tried five times in about ten minutes. 410 Gone and a refused address end it at once.
 */
export function decideNext(attempted: Attempted, now: Date, random: () => number = Math.random): NextStep {
  const { attemptCount, outcome, isGone, giveUpAt } = attempted;
  if (outcome === "delivered") return { state: "delivered", nextAttemptAt: null };
  const isRefusal = outcome === "refused";
  const isHopeless = isGone || outcome === "blocked" || outcome === "cancelled" || (isRefusal && attemptCount >= maxRefusals);
  const { initialMs, maxMs } = isRefusal ? refusalBackoff : troubleBackoff;
  const fullMs = Math.min(maxMs, initialMs * 2 ** Math.min(attemptCount - 1, 30));
  const nextAttemptAt = new Date(now.getTime() + fullMs * (0.5 + 0.5 * random()));
  if (isHopeless || nextAttemptAt > giveUpAt) return { state: "failed", nextAttemptAt: null };
  return { state: "pending", nextAttemptAt };
}

/** The title of a message: that of its most urgent event, with how many more there are. */
export function titleOf(mostUrgent: string, count: number): string {
  return count === 1 ? mostUrgent : `${mostUrgent} and ${count - 1} more`;
}
