import { openProofs, openRestores } from "./backups/in-use.ts";
import { openStates } from "./backups/states.ts";
import type { RecoveryContext } from "./context.ts";

/** Whether a backup, a proof or a restore waits or is under way, whoever carries it out. */
export async function isAnythingOpen({ db }: Pick<RecoveryContext, "db">): Promise<boolean> {
  const open = await Promise.all([
    db.backup.findFirst({ where: { state: { in: [...openStates] } }, select: { id: true } }),
    db.backupProofRun.findFirst({ where: openProofs, select: { id: true } }),
    db.restore.findFirst({ where: openRestores, select: { id: true } }),
  ]);
  return open.some((row) => row !== null);
}
