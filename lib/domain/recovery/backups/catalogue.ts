import { Prisma } from "#lib/database/generated/client.ts";
import { toJson } from "#lib/database/storable.ts";
import { isUniqueViolation, type Transaction, transact } from "../../context.ts";
import { switchyard } from "../../incidents/switchyard.ts";
import { archiveOfCompanion, type Companion } from "../archive/manifest.ts";
import type { RecoveryContext } from "../context.ts";
import { subjectColumns, subjectSchema } from "../schemas.ts";
import { archivesPrefix, readCompanion } from "./archives.ts";
import { queueProof } from "./queue-proof.ts";
import { backupPurposes, contentsSchema } from "./schemas.ts";

/** What is being written is not missed; clocks of storage and process differ. */
const settleMs = 10 * 60_000;

/**
 * Holds the catalogue against the storage, which is the truth: archives that no row knows get one (their database was lost, or brought
 * back to an older state), rows whose archive is gone say so, and what killed writers left unfinished is cleared.
 */
export async function reconcileStorage(context: RecoveryContext): Promise<void> {
  const { db, storage, clock, logger } = context;
  const begun = clock();
  const keys = new Set<string>();
  for await (const { key } of storage.list(archivesPrefix)) keys.add(key);
  await findMissing(context, keys, begun);
  const known = await db.backup.findMany({ where: { storageKey: { not: null } }, select: { storageKey: true } });
  const isKnown = new Set(known.map(({ storageKey }) => storageKey));
  for (const key of keys) {
    const archive = archiveOfCompanion(key);
    if (archive === null || !keys.has(archive) || isKnown.has(archive)) continue;
    const companion = await readCompanion(context, archive);
    if (companion === null) logger.warn({ key }, "what lies beside an archive cannot be read");
    else await takeIn(context, archive, companion);
  }
  const cleared = await storage.removeUnfinished(await startOfOldest(context, begun));
  if (cleared > 0) logger.info({ cleared }, "what killed writers left in the storage is cleared");
}

/** A row that counts on an archive that is not there counts no more. */
async function findMissing({ db, storage, logger }: RecoveryContext, keys: ReadonlySet<string>, begun: Date): Promise<void> {
  const rows = await db.backup.findMany({
    where: {
      storage: storage.name,
      storageKey: { not: null },
      state: { in: ["completed", "partial"] },
      finishedAt: { lt: new Date(begun.getTime() - settleMs) },
    },
    select: { id: true, number: true, storageKey: true, proof: true },
  });
  for (const { id, number, storageKey, proof } of rows) {
    if (storageKey === null || keys.has(storageKey) || proof === "failed") continue;
    logger.error({ backup: number, key: storageKey }, "the archive of a backup is not in the storage any more");
    const message = `Its archive is not in ${storage.name} any more: somebody or something removed ${storageKey}.`;
    await db.backup.updateMany({ where: { id, proof: { not: "failed" } }, data: { proof: "failed", message } });
  }
}

/** An archive from before: what it says of itself becomes its row again, and it is read back before it counts. */
async function takeIn(context: RecoveryContext, storageKey: string, { archive, manifest }: Companion): Promise<void> {
  const subject = subjectSchema.safeParse(manifest.subject);
  const contents = contentsSchema.safeParse(manifest.contents);
  if (!subject.success || !contents.success) {
    context.logger.warn({ key: storageKey }, "an archive was found whose subject or contents cannot be read");
    return;
  }
  const { storage, clock, logger } = context;
  const { id, number, reason, startedAt, takenAt, requestedBy, parts } = manifest;
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
async function startOfOldest({ db }: RecoveryContext, begun: Date): Promise<Date> {
  const oldest = await db.backup.findFirst({
    where: { state: { in: ["running", "verifying"] }, startedAt: { not: null } },
    orderBy: { startedAt: "asc" },
  });
  return new Date(Math.min(begun.getTime() - settleMs, oldest?.startedAt?.getTime() ?? Number.POSITIVE_INFINITY));
}
