import { transact } from "../../context.ts";
import type { RecoveryContext } from "../context.ts";
import { removeArchive, requireKey } from "./archives.ts";
import { isHeld, isRead, lockBackup } from "./in-use.ts";
import { judgeSubject } from "./queries.ts";
import { goodBackups } from "./states.ts";

const dayMs = 86_400_000;
/** What is not good helps nobody to restore; for a week it helps to find out why. */
const badKeptMs = 7 * dayMs;
const mostAtOnce = 50;

/** Lets go of what retention wants no more, and removes the archives of what was let go of or deleted. Each pass may be repeated. */
export async function applyRetention(context: RecoveryContext): Promise<void> {
  const subjects = await context.db.backup.findMany({ where: goodBackups, distinct: ["subject"], select: { subject: true } });
  for (const { subject } of subjects) {
    await expireUnwanted(context, subject);
    await expireBad(context, subject);
  }
  await removeExpired(context);
}

async function expireUnwanted(context: RecoveryContext, subject: string): Promise<void> {
  const reasons = await judgeSubject(context.db, subject);
  for (const [id, why] of reasons) {
    if (why.length === 0) await expire(context, id, "No rule of its retention wants it any more.");
  }
}

/** Those that failed or lack a part go a week after they were made, when a good one came after them. */
async function expireBad(context: RecoveryContext, subject: string): Promise<void> {
  const { db, clock } = context;
  const newest = await db.backup.findFirst({ where: { subject, ...goodBackups }, orderBy: { createdAt: "desc" } });
  if (!newest) return;
  const before = new Date(Math.min(clock().getTime() - badKeptMs, newest.createdAt.getTime()));
  const rows = await db.backup.findMany({
    where: {
      subject,
      pinnedAt: null,
      createdAt: { lt: before },
      OR: [
        { state: "partial" },
        { state: "completed", proof: { in: ["unverified", "failed"] } },
        { state: "failed", storageKey: { not: null } },
      ],
    },
    select: { id: true },
    take: mostAtOnce,
  });
  for (const { id } of rows) await expire(context, id, "A good one came after it.");
}

/** Only what nobody reads, and what nobody pinned since it was judged. */
async function expire(context: RecoveryContext, id: string, message: string): Promise<void> {
  await transact(context, async (transaction) => {
    const backup = await lockBackup(transaction, id);
    if (isHeld(backup, context.clock()) || (await isRead(transaction, id))) return;
    const where = { id, pinnedAt: null, state: { in: ["completed" as const, "partial" as const, "failed" as const] } };
    await transaction.backup.updateMany({ where, data: { state: "expired", message } });
  });
}

async function removeExpired(context: RecoveryContext): Promise<void> {
  const { db, storage, logger } = context;
  const rows = await db.backup.findMany({ where: { state: { in: ["expired", "deleting"] } }, take: mostAtOnce });
  for (const row of rows) {
    const { id, number, storageKey } = row;
    try {
      if (storageKey !== null) requireKey({ storage }, row);
      await db.backup.updateMany({ where: { id, state: "expired" }, data: { state: "deleting" } });
      await removeArchive({ storage }, row);
      const message = `${row.message} Its archive is removed.`;
      await db.backup.updateMany({ where: { id, state: "deleting" }, data: { state: "deleted", message } });
    } catch (error) {
      logger.warn({ err: error, backup: number }, "an archive cannot be removed now");
    }
  }
}
