import type { SendResult } from "#lib/notify/message.ts";
import { type Context, type Transaction, transact } from "../context.ts";
import type { Claimed } from "./claim.ts";
import { decideNext, maxHoldMs } from "./policy.ts";
import type { AttemptOutcome } from "./schemas.ts";

/** How one attempt went. */
export type Attempt = Omit<SendResult, "outcome"> & { outcome: AttemptOutcome; at: Date; durationMs: number };

/**
 * Records an attempt and what follows from it. When the claim was lost meanwhile, a success still counts and anything else is only
 * kept in the log, for whoever holds the message now decides. Does nothing when the target was removed.
 */
export async function settleDelivery(
  context: Pick<Context, "db" | "clock"> & { random?: () => number },
  claimed: Pick<Claimed, "id" | "attemptCount" | "giveUpAt" | "claimedUntil"> & { target: { id: string } },
  attempt: Attempt,
): Promise<void> {
  const { outcome, isGone, retryAfterMs, at, durationMs, answer, excerpt, error } = attempt;
  const now = context.clock();
  const next = decideNext({ ...claimed, outcome, isGone }, now, context.random);
  await transact(context, async (transaction) => {
    const isKnown = await transaction.notificationDelivery.count({ where: { id: claimed.id } });
    if (isKnown === 0) return;
    await transaction.notificationAttempt.create({
      data: { deliveryId: claimed.id, at, durationMs: Math.round(durationMs), outcome, answer, excerpt, error },
    });
    await transaction.notificationDelivery.updateMany({
      where: { id: claimed.id, state: "pending", claimedUntil: outcome === "delivered" ? undefined : claimed.claimedUntil },
      data: { ...next, lastOutcome: outcome, claimedUntil: null, settledAt: next.state === "pending" ? null : now },
    });
    if (outcome === "delivered") await releaseNext(transaction, claimed.target.id, now);
    else if (retryAfterMs !== null)
      await hold(transaction, claimed.target.id, new Date(now.getTime() + Math.min(retryAfterMs, maxHoldMs)));
  });
}

/** A target that takes messages again gets the one that has waited longest at once; each success brings the next. */
async function releaseNext(transaction: Transaction, targetId: string, now: Date): Promise<void> {
  await transaction.$executeRaw`
    UPDATE notification_deliveries SET next_attempt_at = ${now}
    WHERE id = (
      SELECT id FROM notification_deliveries
      WHERE target_id = ${targetId}::uuid AND state = 'pending' AND claimed_until IS NULL AND next_attempt_at > ${now}
        AND last_outcome IS DISTINCT FROM 'refused'
      ORDER BY created_at, id LIMIT 1)`;
}

async function hold(transaction: Transaction, targetId: string, until: Date): Promise<void> {
  await transaction.$executeRaw`
    UPDATE notification_targets SET held_until = greatest(held_until, ${until}) WHERE id = ${targetId}::uuid`;
}
