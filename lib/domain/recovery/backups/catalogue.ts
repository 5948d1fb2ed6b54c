import { randomUUID } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import { type Backup, Prisma } from "#lib/database/generated/client.ts";
import { toJson } from "#lib/database/storable.ts";
import type { StoredObject } from "#lib/storage/storage.ts";
import { isUniqueViolation, type Transaction, transact } from "../../context.ts";
import { switchyard } from "../../incidents/switchyard.ts";
import { type Companion, manifestSchema } from "../archive/manifest.ts";
import type { RecoveryContext } from "../context.ts";
import { subjectColumns, subjectSchema } from "../schemas.ts";
import { archivesPrefix, idInKey, isArchiveKey, readCompanion, removeArchive } from "./archives.ts";
import { isHeld, isRead, lockBackup } from "./in-use.ts";
import { queueProof } from "./queue-proof.ts";
import { backupPurposes, contentsSchema } from "./schemas.ts";
import { hasEnded } from "./states.ts";

/** What is being written is not missed; clocks of storage and process differ. */
const settleMs = 10 * 60_000;

export type CatalogueContext = Pick<RecoveryContext, "db" | "storage" | "clock" | "logger">;

/**
 * Holds the catalogue against the storage, which is the truth: archives that no row knows get one (their database was lost, or brought
 * back to an older state) or are cleared when a row has the same elsewhere, rows whose archive is gone say so, and what killed writers
 * left unfinished is cleared.
 */
export async function reconcileStorage(context: CatalogueContext): Promise<void> {
  const { db, storage, clock, logger } = context;
  const begun = clock();
  const objects = new Map<string, StoredObject>();
  for await (const object of storage.list(archivesPrefix)) objects.set(object.key, object);
  const known = await db.backup.findMany({ where: { storageKey: { not: null } }, select: { storageKey: true } });
  const isKnown = new Set(known.map(({ storageKey }) => storageKey));
  const before = new Date(begun.getTime() - settleMs);
  for (const key of objects.keys()) {
    if (!isArchiveKey(key) || isKnown.has(key)) continue;
    const companion = await readCompanion(context, key);
    const id = companion?.manifest.id ?? idInKey(key);
    const row = id && (await db.backup.findUnique({ where: { id } }));
    // Whoever writes an archive of a backup that has a row has claimed it: nobody has to wait and see.
    if (row) await settleCopy(context, row, { key, companion });
    else if (companion) await takeIn(context, key, companion);
    else logger.warn({ key }, "what lies beside an archive is not there, or cannot be read");
  }
  await findMissing(context, objects, before);
  if (await isSealingAnew(context)) return;
  const cleared = await storage.removeUnfinished(await startOfOldest(context, before));
  if (cleared > 0) logger.info({ cleared }, "what killed writers left in the storage is cleared");
}

/** Whether somebody writes of whose beginning the rows do not tell. */
async function isSealingAnew({ db, clock }: CatalogueContext): Promise<boolean> {
  const rows = await db.backup.findMany({ where: { runner: { not: null } } });
  return rows.some((row) => isHeld(row, clock()));
}

/** A row that counts on an archive that is not there counts no more. */
async function findMissing(
  { db, storage, logger }: CatalogueContext,
  objects: ReadonlyMap<string, StoredObject>,
  before: Date,
): Promise<void> {
  const rows = await db.backup.findMany({
    where: {
      storage: storage.name,
      storageKey: { not: null },
      state: { in: ["completed", "partial"] },
      finishedAt: { lt: before },
    },
    select: { id: true, number: true, storageKey: true, proof: true },
  });
  for (const { id, number, storageKey, proof } of rows) {
    if (storageKey === null || objects.has(storageKey) || proof === "failed") continue;
    // It may have come there since the storage was listed.
    if ((await storage.find(storageKey)) !== null) continue;
    logger.error({ backup: number, key: storageKey }, "the archive of a backup is not in the storage any more");
    const message = `Its archive is not in ${storage.name} any more: somebody or something removed ${storageKey}.`;
    await db.backup.updateMany({ where: { id, storageKey, proof: { not: "failed" } }, data: { proof: "failed", message } });
  }
}

type Copy = { key: string; companion: Companion | null };

/** An archive of a backup whose row names another one: killed writers leave such ones, and databases that were brought back. */
async function settleCopy(context: CatalogueContext, { id }: Backup, copy: Copy): Promise<void> {
  const { storage, logger } = context;
  const { key, companion } = copy;
  const verdict = await transact(context, (transaction) => judgeCopy(context, transaction, { id, ...copy }));
  if (verdict === "another" && companion !== null) return takeIn(context, key, companion, randomUUID());
  if (verdict !== "remove") return;
  // Nothing can come to name it any more: who had claimed its backup, and was thought dead, finds its claim gone.
  await removeArchive({ storage }, { storageKey: key });
  logger.info({ key, backup: id }, "a copy of an archive that somebody left is removed");
}

/** Under the lock of the row, as it is now: the storage was listed a while ago. */
async function judgeCopy(
  context: CatalogueContext,
  transaction: Transaction,
  { id, key, companion }: Copy & { id: string },
): Promise<"remove" | "another" | "leave"> {
  const { storage, clock } = context;
  const row = await lockBackup(transaction, id);
  if (row.storageKey === key || !hasEnded(row) || isHeld(row, clock()) || (await isRead(transaction, id))) return "leave";
  const known = manifestSchema.safeParse(row.manifest).data;
  if (companion !== null && !isDeepStrictEqual(known, companion.manifest)) return "another";
  const isLetGo = row.state === "expired" || row.state === "deleting" || row.state === "deleted";
  const isElsewhere = row.storage === storage.name && row.storageKey !== null && (await storage.find(row.storageKey)) !== null;
  // Where the row's own archive is damaged the copy may be all that there is: it is left to people.
  if (isLetGo || (isElsewhere && row.proof !== "failed")) {
    await transaction.backup.update({ where: { id }, data: { runner: null, heartbeatAt: null } });
    return "remove";
  }
  if (!isElsewhere && companion !== null) await pointTo(context, transaction, { row, key, companion });
  return "leave";
}

type NewPlace = { row: Backup; key: string; companion: Companion };

/** The row's archive lies elsewhere now, and is read back before it counts again. */
async function pointTo(context: CatalogueContext, transaction: Transaction, { row, key, companion }: NewPlace): Promise<void> {
  const { storage, logger } = context;
  const { id, number, state } = row;
  if ((await storage.find(key)) === null) return;
  const place = { ...companion.archive, storage: storage.name, storageKey: key };
  const message = "Its archive was found at another place of the storage.";
  const free = { runner: null, heartbeatAt: null };
  await transaction.backup.update({ where: { id }, data: { ...place, ...free, proof: "unverified", message } });
  logger.info({ key, backup: number }, "the archive of a backup was found at another place of the storage");
  if (state === "failed") return;
  await queueProof(transaction, context, { backupId: id, level: "checksums", byName: switchyard.name });
}

/** An archive from before: what it says of itself becomes its row again, and it is read back before it counts. */
async function takeIn(
  context: CatalogueContext,
  storageKey: string,
  { archive, manifest }: Companion,
  id = manifest.id,
): Promise<void> {
  const subject = subjectSchema.safeParse(manifest.subject);
  const contents = contentsSchema.safeParse(manifest.contents);
  if (!subject.success || !contents.success) {
    context.logger.warn({ key: storageKey }, "an archive was found whose subject or contents cannot be read");
    return;
  }
  const { storage, clock, logger } = context;
  const { number, reason, startedAt, takenAt, requestedBy, parts } = manifest;
  const purpose = backupPurposes.find((one) => one === manifest.purpose) ?? "requested";
  const { bytes, sha256, keyId } = archive;
  try {
    await transact(context, async (transaction) => {
      const row = await transaction.backup.create({
        data: {
          id,
          ...(await numberFor(transaction, number)),
          ...subjectColumns(subject.data),
          purpose,
          contents: toJson(contents.data),
          reason,
          requestedByKind: "system",
          requestedByName: requestedBy,
          state: parts.some(({ error }) => error !== null) ? "partial" : "completed",
          message: "Found in the storage.",
          createdAt: startedAt,
          startedAt,
          takenAt,
          finishedAt: clock(),
          storage: storage.name,
          storageKey,
          bytes,
          sha256,
          keyId,
          manifest: toJson(manifest),
        },
      });
      await queueProof(transaction, context, { backupId: row.id, level: "checksums", byName: switchyard.name });
    });
    logger.info({ key: storageKey }, "an archive was found in the storage and taken into the catalogue");
  } catch (error) {
    // Another controller was faster.
    if (!isUniqueViolation(error)) throw error;
  }
}

/** Its old number where that is free; later ones go on above it. */
async function numberFor(transaction: Transaction, number: number): Promise<{ number?: number }> {
  if (await transaction.backup.findUnique({ where: { number }, select: { id: true } })) return {};
  await transaction.$queryRaw(Prisma.sql`
    SELECT setval(pg_get_serial_sequence('backups', 'number'), greatest(${number}::bigint, (SELECT max(number) FROM backups)))`);
  return { number };
}

/** Nothing that somebody writes now was begun before it. */
async function startOfOldest({ db }: CatalogueContext, before: Date): Promise<Date> {
  const oldest = await db.backup.findFirst({
    where: { state: { in: ["running", "verifying"] }, startedAt: { not: null } },
    orderBy: { startedAt: "asc" },
  });
  return new Date(Math.min(before.getTime(), oldest?.startedAt?.getTime() ?? Number.POSITIVE_INFINITY));
}
