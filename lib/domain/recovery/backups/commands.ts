import type { AuditEntry, Backup } from "#lib/database/generated/client.ts";
import { toJson } from "#lib/database/storable.ts";
import { hashRequest } from "../../actions/ledger.ts";
import { writeAudit } from "../../audit.ts";
import { authorise, type Context, type Transaction, transact } from "../../context.ts";
import { DomainError } from "../../errors.ts";
import { once } from "../../idempotency.ts";
import type { Role } from "../../users/schemas.ts";
import { parseId, parseInput } from "../../validation.ts";
import { isHeld, isRead, lockBackup } from "./in-use.ts";
import { auditedAs } from "./queue.ts";
import { queueProof } from "./queue-proof.ts";
import { type BackupChange, type BackupCommand, backupCommandSchema, backupCommands } from "./schemas.ts";
import { backupName, goodBackups } from "./states.ts";
import { viewBackup } from "./stored.ts";

/** A command as it comes: nothing of it has been checked. */
export type CommandRequest = { id: string; command: string; body: unknown; key?: unknown };

type Order = { now: Date; reason: string; by: string };
type Rule = {
  role: Role;
  /** Completes "You may not ...". */
  what: string;
  /** Does it and says so. Throws precondition-failed. */
  run: (transaction: Transaction, backup: Backup, order: Order) => Promise<string>;
};

const rules: Record<BackupCommand, Rule> = {
  verify: { role: "operator", what: "verify backups", run: (...all) => prove("checksums", ...all) },
  prove: { role: "operator", what: "restore backups into scratch", run: (...all) => prove("restored", ...all) },
  pin: { role: "operator", what: "pin backups", run: pin },
  unpin: { role: "operator", what: "unpin backups", run: unpin },
  cancel: { role: "operator", what: "cancel backups", run: cancel },
  delete: { role: "admin", what: "delete backups", run: remove },
};

/**
 * Verifies, proves, pins, unpins, cancels or deletes a backup: once for its key, audited. Throws not-found, and precondition-failed
 * where its state does not allow it.
 */
export async function commandBackup(context: Context, { id, command, body, key }: CommandRequest): Promise<BackupChange> {
  const known = backupCommands.find((one) => one === command);
  if (!known) throw new DomainError("not-found", `There is no command ${command} for a backup.`);
  const { role, what, run } = rules[known];
  authorise(context, role, what);
  const { reason } = parseInput(backupCommandSchema, body ?? {});
  const backupId = parseId(id, "backup");
  const hash = hashRequest(`${known} backup`, { namespace: "", name: backupId }, body);
  return once(context, {
    key,
    hash,
    run: (keyed) =>
      transact(context, async (transaction) => {
        const before = await lockBackup(transaction, backupId);
        const message = await run(transaction, before, { now: context.clock(), reason, by: context.actor.name });
        const after = await transaction.backup.findUniqueOrThrow({ where: { id: backupId } });
        await writeAudit(transaction, context, {
          ...keyed,
          ...auditedAs(before),
          verb: known,
          before: toJson(standing(before)),
          after: toJson({ ...standing(after), message }),
          reason,
          outcome: "succeeded",
        });
        return { backup: viewBackup(after), message };
      }),
    recall: (entry) => recall(context, entry),
  });
}

async function recall({ db }: Context, { targetUid, after }: AuditEntry): Promise<BackupChange | null> {
  const row = targetUid && (await db.backup.findUnique({ where: { id: targetUid } }));
  return row ? { backup: viewBackup(row), message: (after as { message: string }).message } : null;
}

function standing({ state, proof, pinnedAt }: Backup) {
  return { state, proof, isPinned: pinnedAt !== null };
}

async function prove(
  level: "checksums" | "restored",
  transaction: Transaction,
  backup: Backup,
  { now, by }: Order,
): Promise<string> {
  await queueProof(transaction, { clock: () => now }, { backupId: backup.id, level, byName: by });
  return level === "checksums"
    ? `${backupName(backup)} is read back as soon as it is its turn.`
    : `${backupName(backup)} is restored into scratch as soon as it is its turn.`;
}

async function pin(transaction: Transaction, backup: Backup, { now, reason, by }: Order): Promise<string> {
  if (backup.state !== "completed" && backup.state !== "partial") refuse(backup, "is not there to be kept");
  const data = { pinnedAt: now, pinnedByName: by, pinReason: reason };
  await transaction.backup.update({ where: { id: backup.id }, data });
  return `${backupName(backup)} stays until somebody unpins it.`;
}

async function unpin(transaction: Transaction, backup: Backup): Promise<string> {
  if (backup.pinnedAt === null) refuse(backup, "is not pinned");
  const data = { pinnedAt: null, pinnedByName: null, pinReason: null };
  await transaction.backup.update({ where: { id: backup.id }, data });
  return `${backupName(backup)} stays as long as retention wants it.`;
}

async function cancel(transaction: Transaction, backup: Backup, { now, by }: Order): Promise<string> {
  const { id, state } = backup;
  if (state === "queued") {
    const message = `Cancelled by ${by}.`;
    const data = { state: "failed" as const, message, finishedAt: now, cancelledByName: by };
    await transaction.backup.update({ where: { id }, data });
    return `${backupName(backup)} is not made.`;
  }
  if (state !== "running" && state !== "verifying") refuse(backup, "is not being made");
  await transaction.backup.update({ where: { id }, data: { cancelledByName: by } });
  return `${backupName(backup)} ends within seconds, and what was written of it is removed.`;
}

async function remove(transaction: Transaction, backup: Backup, { now, by }: Order): Promise<string> {
  const { id, state, subject } = backup;
  if (state !== "completed" && state !== "partial" && state !== "failed") refuse(backup, `is ${state}`);
  if (backup.pinnedAt) refuse(backup, "is pinned: unpin it first");
  if (isHeld(backup, now)) refuse(backup, "is being sealed with another key now");
  if (await isRead(transaction, id)) refuse(backup, "is being restored or proven now");
  const newest = await transaction.backup.findFirst({ where: { subject, ...goodBackups }, orderBy: { takenAt: "desc" } });
  if (newest?.id === id) refuse(backup, `is the newest verified one of ${subject}: make another one first`);
  const message = `Deleted by ${by}; its archive is being removed.`;
  await transaction.backup.update({ where: { id }, data: { state: "deleting", message } });
  return `${backupName(backup)} is removed within a minute.`;
}

function refuse(backup: Backup, why: string): never {
  throw new DomainError("precondition-failed", `${backupName(backup)} ${why}.`);
}
