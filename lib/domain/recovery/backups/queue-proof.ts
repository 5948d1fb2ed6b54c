import type { Backup, BackupProofRun } from "#lib/database/generated/client.ts";
import { type Transaction, transact } from "../../context.ts";
import { DomainError } from "../../errors.ts";
import { switchyard } from "../../incidents/switchyard.ts";
import type { RecoveryContext } from "../context.ts";
import { lockBackup, openProofs } from "./in-use.ts";
import type { ProofLevel } from "./schemas.ts";
import { backupName } from "./states.ts";

type ProofOrder = { backupId: string; level: ProofLevel; byName: string };

/**
 * Orders that a backup is read back, or restored into scratch. The controller does it; its run ends as passed or failed. One that waits
 * or is under way already is answered again. Throws precondition-failed for a backup without an archive.
 */
export async function queueProof(
  transaction: Transaction,
  { clock }: Pick<RecoveryContext, "clock">,
  { backupId, level, byName }: ProofOrder,
): Promise<BackupProofRun> {
  const backup = await lockBackup(transaction, backupId);
  if (backup.state !== "completed" && backup.state !== "partial") {
    throw new DomainError("precondition-failed", `${backupName(backup)} is ${backup.state}: there is nothing to prove.`);
  }
  const open = await transaction.backupProofRun.findFirst({ where: { backupId, level, ...openProofs } });
  if (open) return open;
  const message = "It waits for its turn.";
  const data = { backupId, level, state: "queued", message, requestedByName: byName, createdAt: clock() };
  return transaction.backupProofRun.create({ data });
}

/** What has been read as damaged may be so: it is read back before it counts again, or for nothing. */
export async function haveProven(
  context: Pick<RecoveryContext, "db" | "clock">,
  { id: backupId, state }: Pick<Backup, "id" | "state">,
): Promise<void> {
  if (state === "failed") return;
  const order = { backupId, level: "checksums" as const, byName: switchyard.name };
  await transact(context, (transaction) => queueProof(transaction, context, order)).catch((error: unknown) => {
    // Retention was faster.
    if (!(error instanceof DomainError) || error.code !== "precondition-failed") throw error;
  });
}
