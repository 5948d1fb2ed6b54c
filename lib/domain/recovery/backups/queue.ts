import type { Backup } from "#lib/database/generated/client.ts";
import { toJson } from "#lib/database/storable.ts";
import { hashRequest } from "../../actions/ledger.ts";
import { type AuditedActor, writeAudit } from "../../audit.ts";
import { authorise, type Context, type Transaction, transact } from "../../context.ts";
import { DomainError } from "../../errors.ts";
import { type Keyed, notKeyed, once } from "../../idempotency.ts";
import { parseInput } from "../../validation.ts";
import { type Subject, subjectColumns, subjectName } from "../schemas.ts";
import { planOf } from "./plans.ts";
import { type BackupPurpose, type BackupView, type Contents, startBackupSchema } from "./schemas.ts";
import { backupName, openStates } from "./states.ts";
import { viewBackup } from "./stored.ts";

export type BackupOrder = {
  subject: Subject;
  contents: Contents;
  purpose: BackupPurpose;
  reason: string;
  by: AuditedActor;
  keyed?: Keyed;
};

/**
 * Orders a backup, in the transaction of what needs it. The controller makes it as soon as no other one of the subject is made; wait
 * until its row `hasEnded`, then ask `isGood`.
 */
export async function queueBackup(
  transaction: Transaction,
  context: Pick<Context, "clock" | "requestId">,
  { subject, contents, purpose, reason, by, keyed = notKeyed }: BackupOrder,
): Promise<Backup> {
  const columns = subjectColumns(subject);
  const backup = await transaction.backup.create({
    data: {
      ...columns,
      purpose,
      contents: toJson(contents),
      reason,
      requestedByKind: by.kind,
      requestedByName: by.name,
      message: "It waits to be made.",
      createdAt: context.clock(),
    },
  });
  const entry = await writeAudit(
    transaction,
    { ...context, actor: by },
    {
      ...keyed,
      ...auditedAs(backup),
      verb: "back-up",
      after: toJson({ subject: columns.subject, purpose, contents }),
      reason,
      outcome: "succeeded",
    },
  );
  return transaction.backup.update({ where: { id: backup.id }, data: { auditEntryId: entry.id } });
}

/**
 * Orders a backup for somebody: once for its key. Operators. Without contents those of the plan. Throws invalid-input, and
 * precondition-failed when there is nothing to back up or somebody has just asked for one.
 */
export async function createBackup(context: Context, { body, key }: { body: unknown; key?: unknown }): Promise<BackupView> {
  authorise(context, "operator", "back up a service");
  const { subject, contents: chosen, reason } = parseInput(startBackupSchema, body);
  const contents = chosen ?? (await planOf(context, subject)).contents;
  refuseEmpty(subject, contents);
  const hash = hashRequest("back-up", { namespace: "", name: subjectName(subject) }, body);
  const row = await once(context, {
    key,
    hash,
    run: (keyed) =>
      transact(context, async (transaction) => {
        await refuseSecond(transaction, subject);
        return queueBackup(transaction, context, { subject, contents, purpose: "requested", reason, by: context.actor, keyed });
      }),
    recall: ({ id }) => context.db.backup.findUnique({ where: { auditEntryId: id } }),
  });
  return viewBackup(row);
}

/** Throws precondition-failed for contents without anything in them. */
export function refuseEmpty(subject: Subject, { postgres, redis, objects, logHours }: Contents): void {
  if (postgres || redis || objects || logHours !== null) return;
  throw new DomainError(
    "precondition-failed",
    `Nothing of ${subjectName(subject)} was chosen: a backup needs at least one part.`,
  );
}

/** Two requests at the same time wait for each other here. */
async function refuseSecond(transaction: Transaction, subject: Subject): Promise<void> {
  const name = subjectName(subject);
  await transaction.$executeRaw`SELECT pg_advisory_xact_lock(hashtextextended(${`backup/${name}`}, 0))`;
  const open = await transaction.backup.findFirst({
    where: { subject: name, purpose: "requested", state: { in: [...openStates] } },
    select: { number: true },
  });
  if (!open) return;
  throw new DomainError(
    "precondition-failed",
    `${backupName(open)} of ${name} is being made already: wait for it, or cancel it.`,
  );
}

/** How audit entries name a backup. */
export function auditedAs(backup: Pick<Backup, "id" | "number" | "namespace">) {
  return {
    targetKind: "backup",
    targetNamespace: backup.namespace,
    targetName: backupName(backup),
    targetUid: backup.id,
  };
}
