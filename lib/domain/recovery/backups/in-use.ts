import type { Backup } from "#lib/database/generated/client.ts";
import type { Transaction } from "../../context.ts";
import { isDead } from "./heartbeat.ts";
import { openProofs } from "./queue-proof.ts";
import { hasEnded } from "./states.ts";

/** Whether a restore or a proof reads a backup's archive, or is about to. */
export async function isRead(transaction: Pick<Transaction, "restore" | "backupProofRun">, backupId: string): Promise<boolean> {
  const restores = await transaction.restore.count({
    where: { OR: [{ backupId }, { safetyBackupId: backupId }], state: { in: ["queued", "running"] } },
  });
  return restores > 0 || (await transaction.backupProofRun.count({ where: { backupId, ...openProofs } })) > 0;
}

/** Whether a living process has claimed a backup that is made: it seals its archive anew (reseal.ts). */
export function isHeld(backup: Pick<Backup, "state" | "runner" | "heartbeatAt">, now: Date): boolean {
  return hasEnded(backup) && backup.runner !== null && !isDead(backup, now);
}
