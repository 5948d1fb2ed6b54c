import type { Backup, Prisma } from "#lib/database/generated/client.ts";
import type { Transaction } from "../../context.ts";
import { DomainError } from "../../errors.ts";
import { isDead } from "./heartbeat.ts";
import { hasEnded } from "./states.ts";

/** Proofs that wait or are under way. */
export const openProofs = { state: { in: ["queued", "running"] } } satisfies Prisma.BackupProofRunWhereInput;

/** Restores that wait or are under way. */
export const openRestores = { state: { in: ["queued", "running"] } } satisfies Prisma.RestoreWhereInput;

/**
 * A backup as it is, which nobody else changes until the transaction ends. Taken by who is about to read its archive and by who moves or
 * lets go of that, so that each knows of the other. Throws not-found.
 */
export async function lockBackup(transaction: Transaction, id: string): Promise<Backup> {
  await transaction.$queryRaw`SELECT 1 FROM backups WHERE id = ${id}::uuid FOR UPDATE`;
  const backup = await transaction.backup.findUnique({ where: { id } });
  if (!backup) throw new DomainError("not-found", "There is no backup with this id.");
  return backup;
}

/** Whether a restore or a proof reads a backup's archive, or is about to. */
export async function isRead(transaction: Pick<Transaction, "restore" | "backupProofRun">, backupId: string): Promise<boolean> {
  const restores = await transaction.restore.count({
    where: { OR: [{ backupId }, { safetyBackupId: backupId }], ...openRestores },
  });
  return restores > 0 || (await transaction.backupProofRun.count({ where: { backupId, ...openProofs } })) > 0;
}

/** Whether a living process has claimed a backup that is made: it seals its archive anew (reseal.ts). */
export function isHeld(backup: Pick<Backup, "state" | "runner" | "heartbeatAt">, now: Date): boolean {
  return hasEnded(backup) && backup.runner !== null && !isDead(backup, now);
}
