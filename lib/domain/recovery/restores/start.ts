import { type Backup, Prisma, type Restore } from "#lib/database/generated/client.ts";
import { toJson } from "#lib/database/storable.ts";
import { hashRequest } from "../../actions/ledger.ts";
import { writeAudit } from "../../audit.ts";
import {
  authorise,
  type Context,
  isUniqueViolation,
  type Transaction,
  transact,
  translateDatabaseErrors,
} from "../../context.ts";
import { DomainError } from "../../errors.ts";
import { serviceRefSchema } from "../../fleet/schemas.ts";
import { type Keyed, notKeyed, once } from "../../idempotency.ts";
import { refuseDuringRollout } from "../../rollouts/start/waits.ts";
import { parseId, parseInput } from "../../validation.ts";
import { manifestSchema } from "../archive/manifest.ts";
import { backupForRestore } from "../backups/archives.ts";
import { lockBackup } from "../backups/in-use.ts";
import { backupName, isRestorable } from "../backups/states.ts";
import { baseOf, type PointInTime, pointInTime, refuseInstant } from "../sources/postgres-point-in-time.ts";
import { postgresPlace } from "./places.ts";
import { viewAll } from "./queries.ts";
import { planRun } from "./run.ts";
import { type RestoreMode, type RestoreView, startRestoreSchema } from "./schemas.ts";
import { restoreName, restoreParts, viewRestore } from "./stored.ts";

/** What somebody asks for, as it comes. */
export type StartRequest = { backupId: string; body: unknown; key: unknown };

/**
 * Asks for a restore, which the controller carries out. Scratch and namespace: operators; in place: administrators who type the
 * subject's name. Once for its key, audited. Throws precondition-failed while another one of the subject is under way.
 */
export async function startRestore(context: Context, { backupId, body, key }: StartRequest): Promise<RestoreView> {
  authorise(context, "operator", "restore a backup");
  const { confirm, ...order } = parseInput(startRestoreSchema, body);
  if (order.mode === "in-place") authorise(context, "admin", "restore over the present");
  const backup = await translateDatabaseErrors(() => backupForRestore(context.db, parseId(backupId, "backup")));
  if (order.mode === "in-place" && confirm !== backup.subject) {
    refuseInput("confirm", `Type ${backup.subject} to restore over the present.`);
  }
  if (order.untilTime !== null) refuseInstant(order.untilTime, await askPointInTime(context, backup, order.mode));
  const hash = hashRequest("restore", { namespace: "", name: backup.id }, body);
  const row = await once(context, {
    key,
    hash,
    run: (keyed) =>
      translateTaken(() => transact(context, (transaction) => createRestore(transaction, context, { ...order, backup }, keyed))),
    recall: ({ id }) => context.db.restore.findUnique({ where: { auditEntryId: id } }),
  });
  const stored = await context.db.restore.findUniqueOrThrow({ where: { id: row.id }, include: restoreParts });
  return (await viewAll(context, [stored])).get(row.id) ?? viewRestore(stored, null);
}

export type NewRestore = {
  backup: Backup;
  mode: RestoreMode;
  parts: string[] | null;
  intoNamespace: string | null;
  isPresentLost: boolean;
  /** PostgreSQL to this instant; null or absent: to the backup's. Whether it can be reached is asked when it is carried out. */
  untilTime?: string | null;
  reason: string;
};

/** The same in a transaction of one's own: nobody's role is asked. Throws invalid-input and precondition-failed. */
export async function createRestore(
  transaction: Transaction,
  context: Pick<Context, "actor" | "clock" | "requestId">,
  { backup, mode, parts: chosen, intoNamespace, isPresentLost, untilTime: asked = null, reason }: NewRestore,
  keyed: Keyed = notKeyed,
): Promise<Restore> {
  const into = mode === "namespace" ? requireNamespace(backup, intoNamespace) : null;
  const untilTime = asked && new Date(asked).toISOString();
  const parts = chooseParts(backup, untilTime && mode === "scratch" ? (chosen ?? ["postgres"]) : chosen, mode);
  if (untilTime) refuseOtherParts(parts, mode);
  refuseOwn(backup, mode);
  if (!isRestorable(await lockBackup(transaction, backup.id))) {
    throw new DomainError(
      "precondition-failed",
      `${backupName(backup)} is being let go of, or was found to be damaged: choose another.`,
    );
  }
  await refuseSecond(transaction, backup);
  if (mode === "in-place" && backup.namespace !== null && backup.service !== null) {
    await refuseDuringRollout(transaction, { namespace: backup.namespace, name: backup.service });
  }
  const entry = await writeAudit(transaction, context, {
    ...keyed,
    verb: "restore",
    targetKind: "backup",
    targetNamespace: backup.namespace,
    targetName: backupName(backup),
    targetUid: backup.id,
    after: toJson({ subject: backup.subject, mode, parts, intoNamespace: into, untilTime, isPresentLost }),
    reason,
    outcome: "succeeded",
  });
  return transaction.restore.create({
    data: {
      auditEntryId: entry.id,
      backupId: backup.id,
      subject: backup.subject,
      namespace: backup.namespace,
      service: backup.service,
      mode,
      intoNamespace: into,
      parts,
      reason,
      requestedByName: context.actor.name,
      message: "It waits to be carried out.",
      run: toJson(planRun({ mode, parts, isPresentLost, untilTime })),
      checks: Prisma.DbNull,
      createdAt: context.clock(),
      activeKey: backup.subject,
    },
  });
}

/** Parts that can be put back; logs are for people to read. */
export const restorableParts = ["postgres", "redis", "objects"];

/** The parts that are restored: those asked for, else all that can be. Throws invalid-input for one that the backup does not have. */
export function chooseParts(
  backup: Pick<Backup, "number" | "manifest">,
  chosen: readonly string[] | null,
  mode: RestoreMode,
): string[] {
  const saved = manifestSchema
    .parse(backup.manifest)
    .parts.filter(({ error, name }) => error === null && restorableParts.includes(name))
    .map(({ name }) => name);
  const missing = chosen?.find((name) => !saved.includes(name));
  if (missing !== undefined) {
    refuseInput(
      "parts",
      `${backupName(backup)} has no part ${missing} that can be restored; it has ${saved.join(", ") || "none"}.`,
    );
  }
  const parts = restorableParts.filter((name) => (chosen ?? saved).includes(name));
  if (parts.length === 0) refuseInput("parts", `${backupName(backup)} has no part that can be restored.`);
  if (mode === "namespace" && !parts.includes("objects") && chosen === null) {
    refuseInput("parts", `${backupName(backup)} has no objects to restore into another namespace.`);
  }
  return parts;
}

/** Throws invalid-input when it is no other namespace. */
export function requireNamespace({ namespace }: Pick<Backup, "namespace">, into: string | null): string {
  const parsed = serviceRefSchema.shape.namespace.safeParse(into);
  if (!parsed.success) return refuseInput("intoNamespace", "Name the namespace that it goes into.");
  if (parsed.data === namespace) refuseInput("intoNamespace", "This is the namespace that it is from: restore it in place.");
  return parsed.data;
}

/** Switchyard does not restore over the database that it is running on. */
export function refuseOwn({ namespace }: Pick<Backup, "namespace">, mode: RestoreMode): void {
  if (namespace !== null || mode === "scratch") return;
  throw new DomainError(
    "precondition-failed",
    "Switchyard cannot restore itself while it runs: stop it, and run `npm run recover`, which says how. Scratch is possible.",
  );
}

async function refuseSecond(transaction: Pick<Transaction, "restore">, { subject }: Pick<Backup, "subject">): Promise<void> {
  const active = await transaction.restore.findUnique({ where: { activeKey: subject } });
  if (active) throw alreadyActive(subject, restoreName(active));
}

function alreadyActive(subject: string, name: string): DomainError {
  return new DomainError("precondition-failed", `${name} of ${subject} is under way: wait for its end, or cancel it.`);
}

async function translateTaken<T>(run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    if (!isUniqueViolation(error)) throw error;
    throw new DomainError("precondition-failed", "Another restore of it has just been asked for.", {}, { cause: error });
  }
}

/** To which instants a backup's database can be restored. Throws precondition-failed when nobody knows where it is. */
export async function askPointInTime(context: Context, backup: Backup, mode: RestoreMode): Promise<PointInTime> {
  const no = (message: string): PointInTime => ({ available: false, message, span: null });
  if (mode === "namespace") return no("A point in time is restored in place or into scratch only.");
  const manifest = manifestSchema.parse(backup.manifest);
  if (backup.namespace === null) return no("Switchyard itself is restored to a backup's instant only.");
  if (!manifest.parts.some(({ name }) => name === "postgres")) return no("The backup holds no PostgreSQL.");
  const server = await postgresPlace(context, { ...backup, mode, intoNamespace: null, backup });
  return pointInTime(server, baseOf(manifest));
}

/** Throws invalid-input for parts that an instant means nothing to. */
export function refuseOtherParts(parts: readonly string[], mode: RestoreMode): void {
  if (!parts.includes("postgres")) refuseInput("untilTime", "Only PostgreSQL is restored to an instant: choose that part.");
  if (mode === "scratch" && parts.length > 1) {
    refuseInput("parts", "In scratch only PostgreSQL is restored to an instant: choose that part alone.");
  }
}

function refuseInput(field: string, message: string): never {
  throw new DomainError("invalid-input", message, { fields: { [field]: [message] } });
}
