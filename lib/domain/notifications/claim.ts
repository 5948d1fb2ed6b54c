import { randomUUID } from "node:crypto";
import { Prisma } from "#lib/database/client.ts";
import type { NotificationTarget } from "#lib/database/generated/client.ts";
import { type Context, type Transaction, transact, translateDatabaseErrors } from "../context.ts";
import {
  concurrencyATarget,
  gatherFailingMs,
  gatherMs,
  giveUpAfterMs,
  maxEventsAMessage,
  testValidMs,
  titleOf,
} from "./policy.ts";
import type { TargetKind } from "./schemas.ts";

type ClaimContext = Pick<Context, "db" | "clock">;

/** A message that this process holds until `claimedUntil` and is to send now. */
export type Claimed = {
  id: string;
  title: string;
  isTest: boolean;
  eventCount: number;
  createdAt: Date;
  giveUpAt: Date;
  attemptCount: number;
  claimedUntil: Date;
  target: NotificationTarget;
};

/**
 * Puts what waits into messages and claims those that are due, target by target. Everything of one target is decided under a lock
 * on its row, which another controller passes over: no message is held by two, and the bounds hold over all controllers. A claim
 * ends by itself after `leaseMs`, so that a controller that dies loses nothing. What fails for one target is thrown after all others
 * had their turn.
 */
export async function* claimDeliveries(context: ClaimContext, leaseMs: number): AsyncGenerator<Claimed> {
  const failures: unknown[] = [];
  for (const targetId of await findBusyTargets(context)) {
    try {
      yield* await transact(context, (transaction) => claimOf(transaction, targetId, context.clock(), leaseMs));
    } catch (error) {
      failures.push(error);
    }
  }
  if (failures.length > 0) throw failures[0];
}

/** The targets for which events wait or messages are due. */
async function findBusyTargets({ db, clock }: ClaimContext): Promise<string[]> {
  const now = clock();
  const rows = await translateDatabaseErrors(
    () => db.$queryRaw<{ id: string }[]>`
      SELECT target_id AS id FROM notifications WHERE delivery_id IS NULL GROUP BY target_id
      UNION
      SELECT target_id FROM notification_deliveries
      WHERE state = 'pending' AND next_attempt_at <= ${now} AND (claimed_until IS NULL OR claimed_until <= ${now})`,
  );
  return rows.map(({ id }) => id);
}

async function claimOf(transaction: Transaction, targetId: string, now: Date, leaseMs: number): Promise<Claimed[]> {
  // NO KEY: whoever announces an event for this target at this moment need not wait.
  const locked = await transaction.$queryRaw<unknown[]>`
    SELECT 1 FROM notification_targets WHERE id = ${targetId}::uuid FOR NO KEY UPDATE SKIP LOCKED`;
  if (locked.length === 0) return [];
  const target = await transaction.notificationTarget.findUniqueOrThrow({ where: { id: targetId } });
  await cancelOldTests(transaction, targetId, now);
  const isHeld = target.heldUntil !== null && target.heldUntil > now;
  if (target.disabledAt) {
    await gather(transaction, target, now);
    await cancelWaiting(transaction, targetId, now);
  } else if (!isHeld && (await mayGather(transaction, targetId, now))) {
    await gather(transaction, target, now);
  }
  const claimedUntil = new Date(now.getTime() + leaseMs);
  const rows = await transaction.$queryRaw<Omit<Claimed, "target" | "claimedUntil">[]>`
    UPDATE notification_deliveries SET claimed_until = ${claimedUntil}, attempt_count = attempt_count + 1
    WHERE id IN (
      SELECT id FROM notification_deliveries
      WHERE target_id = ${targetId}::uuid AND state = 'pending' AND next_attempt_at <= ${now}
        AND (claimed_until IS NULL OR claimed_until <= ${now}) AND (is_test OR NOT ${isHeld})
      ORDER BY is_test DESC, created_at, id
      LIMIT greatest(0, ${concurrencyATarget} - (
        SELECT count(*) FROM notification_deliveries
        WHERE target_id = ${targetId}::uuid AND state = 'pending' AND claimed_until > ${now})))
    RETURNING id, title, is_test AS "isTest", event_count AS "eventCount", created_at AS "createdAt", give_up_at AS "giveUpAt",
      attempt_count AS "attemptCount"`;
  return rows.map((row) => ({ ...row, claimedUntil, target }));
}

/** One message a target in ten seconds, one a minute while it does not take them. */
async function mayGather(transaction: Transaction, targetId: string, now: Date): Promise<boolean> {
  const [found] = await transaction.$queryRaw<{ last: Date | null; isFailing: boolean }[]>`
    SELECT
      (SELECT max(created_at) FROM notification_deliveries WHERE target_id = ${targetId}::uuid AND NOT is_test) AS last,
      EXISTS (
        SELECT 1 FROM notification_deliveries
        WHERE target_id = ${targetId}::uuid AND state = 'pending' AND NOT is_test
          AND (attempt_count > 1 OR (attempt_count = 1 AND claimed_until IS NULL))) AS "isFailing"`;
  const wait = found?.isFailing ? gatherFailingMs : gatherMs;
  return !found?.last || now.getTime() - found.last.getTime() >= wait;
}

/** Puts the events that wait for a target into one message. */
async function gather(transaction: Transaction, target: NotificationTarget, now: Date): Promise<void> {
  const waiting = await transaction.$queryRaw<{ id: string; title: string; rank: number }[]>`
    SELECT id, title, rank FROM notifications
    WHERE target_id = ${target.id}::uuid AND delivery_id IS NULL
    ORDER BY created_at, id LIMIT ${maxEventsAMessage[target.kind as TargetKind]}`;
  if (waiting.length === 0) return;
  const mostUrgent = waiting.reduce((first, row) => (row.rank < first.rank ? row : first));
  const id = randomUUID();
  await transaction.notificationDelivery.create({
    data: {
      id,
      targetId: target.id,
      title: titleOf(mostUrgent.title, waiting.length),
      eventCount: waiting.length,
      state: "pending",
      createdAt: now,
      nextAttemptAt: now,
      giveUpAt: new Date(now.getTime() + giveUpAfterMs),
    },
  });
  const ids = Prisma.sql`${waiting.map((row) => row.id)}::uuid[]`;
  await transaction.$executeRaw`UPDATE notifications SET delivery_id = ${id}::uuid WHERE id = ANY(${ids})`;
}

async function cancelWaiting(transaction: Transaction, targetId: string, now: Date): Promise<void> {
  await transaction.notificationDelivery.updateMany({
    where: { targetId, isTest: false, state: "pending", OR: [{ claimedUntil: null }, { claimedUntil: { lte: now } }] },
    data: { state: "failed", lastOutcome: "cancelled", nextAttemptAt: null, claimedUntil: null, settledAt: now },
  });
}

async function cancelOldTests(transaction: Transaction, targetId: string, now: Date): Promise<void> {
  await transaction.notificationDelivery.updateMany({
    where: {
      targetId,
      isTest: true,
      state: "pending",
      createdAt: { lt: new Date(now.getTime() - testValidMs) },
      OR: [{ claimedUntil: null }, { claimedUntil: { lte: now } }],
    },
    data: { state: "failed", lastOutcome: "cancelled", nextAttemptAt: null, claimedUntil: null, settledAt: now },
  });
}
