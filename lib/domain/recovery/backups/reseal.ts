import { createHash, randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import type { Backup, Prisma } from "#lib/database/generated/client.ts";
import type { Written } from "#lib/storage/storage.ts";
import { writeAudit } from "../../audit.ts";
import { transact } from "../../context.ts";
import { switchyard } from "../../incidents/switchyard.ts";
import { type Manifest, manifestSchema } from "../archive/manifest.ts";
import { ArchiveDamaged, findSealingKey, readArchive, reseal } from "../archive/open.ts";
import type { RecoveryContext } from "../context.ts";
import { archivesPrefix, isAboutArchive, isArchiveKey, otherKey, removeArchive, writeCompanion } from "./archives.ts";
import { type CatalogueContext, reconcileStorage } from "./catalogue.ts";
import { ClaimLost, isDead, underHeartbeat } from "./heartbeat.ts";
import { isRead, lockBackup } from "./in-use.ts";
import { auditedAs } from "./queue.ts";
import { haveProven } from "./queue-proof.ts";
import { releaseRunnerName, takeRunnerName } from "./runner-name.ts";
import { backupName } from "./states.ts";

/** What is needed to seal archives anew: the catalogue and the storage, no cluster. */
export type ResealContext = CatalogueContext & Pick<RecoveryContext, "keyring">;

/** What became of one archive. `left` needs somebody: the old keys have to stay until nothing is left. */
export type Resealed = {
  backup: Pick<Backup, "number" | "subject"> | null;
  key: string;
  outcome: "sealed-before" | "resealed" | "due" | "gone" | "left";
  message: string;
};

export type ResealOptions = {
  signal: AbortSignal;
  /** Only says what would be done. */
  isDryRun?: boolean;
  /** How long to wait for a restore or a proof that reads the archive; by default ten minutes. */
  waitMs?: number;
  onResult?: (result: Resealed) => void | Promise<void>;
};

const isThere = {
  storageKey: { not: null },
  state: { in: ["completed", "partial", "failed"] },
} satisfies Prisma.BackupWhereInput;
const defaultWaitMs = 10 * 60_000;
const pollMs = 1_000;

/**
 * Brings every archive of the storage that the first key does not open to that key. The new archive is written beside the old one and
 * read back; then the backup's row names it, and the old one goes. It can be ended at any instant and done again: the catalogue always
 * names a whole archive, and what is left over is cleared by the next try or by the controller. Rejects when the storage or the
 * database does not answer at the start, or with the signal's reason.
 */
export async function resealArchives(context: ResealContext, options: ResealOptions): Promise<Resealed[]> {
  const { db, storage } = context;
  const { signal, isDryRun = false, onResult } = options;
  if (!isDryRun) await reconcileStorage(context);
  const results: Resealed[] = [];
  const tell = async (result: Resealed) => {
    results.push(result);
    await onResult?.(result);
  };
  const runner = takeRunnerName();
  try {
    for (const row of await db.backup.findMany({ where: isThere, orderBy: { createdAt: "asc" } })) {
      signal.throwIfAborted();
      const result = await resealOne(context, row, { ...options, runner });
      await tell({ backup: row, key: row.storageKey ?? "", ...result });
    }
  } finally {
    releaseRunnerName(runner);
  }
  const rows = await db.backup.findMany({ where: { storageKey: { not: null } }, select: { storageKey: true } });
  const known = new Set(rows.map(({ storageKey }) => storageKey));
  for await (const { key } of storage.list(archivesPrefix)) {
    if (!isArchiveKey(key) || known.has(key)) continue;
    await tell({ backup: null, key, outcome: "left", message: "The catalogue does not know it, so that it was not touched." });
  }
  return results;
}

type Result = Pick<Resealed, "outcome" | "message">;
type Settings = ResealOptions & { runner: string };

async function resealOne(context: ResealContext, row: Backup, settings: Settings): Promise<Result> {
  const { storage, keyring, logger } = context;
  const left = (message: string): Result => ({ outcome: "left", message });
  try {
    if (row.storageKey === null) return left("It has no archive.");
    if (row.storage !== storage.name) return left(`It lies in ${row.storage}, and this is ${storage.name}.`);
    const keyId = await findSealingKey(await storage.get(row.storageKey, settings.signal), keyring);
    if (keyId === null) return left(`None of the keys opens it. It was sealed by ${row.keyId ?? "a key that nobody has noted"}.`);
    if (keyId === keyring.keyId) {
      await noteKey(context, row);
      return { outcome: "sealed-before", message: "The present key opens it." };
    }
    if (settings.isDryRun) return { outcome: "due", message: `It is sealed by ${keyId}.` };
    return await underClaim(context, row, settings);
  } catch (error) {
    settings.signal.throwIfAborted();
    if (!(await isStillThere(context, row))) return { outcome: "gone", message: "It was let go of meanwhile." };
    if (!isAboutArchive(error)) logger.warn({ err: error, backup: row.number }, "an archive could not be sealed anew");
    else if (!settings.isDryRun) await haveProven(context, row);
    return left((error as Error).message);
  }
}

async function isStillThere({ db }: ResealContext, { id }: Backup): Promise<boolean> {
  return (await db.backup.count({ where: { id, ...isThere } })) === 1;
}

/** A row that names another key than the one that has sealed its archive is set right. */
async function noteKey({ db, keyring }: ResealContext, { id, storageKey, keyId }: Backup): Promise<void> {
  if (keyId !== keyring.keyId) await db.backup.updateMany({ where: { id, storageKey }, data: { keyId: keyring.keyId } });
}

/** Retention and commands leave a backup alone while a living process has claimed it. */
async function underClaim(context: ResealContext, row: Backup, settings: Settings): Promise<Result> {
  const { db, clock } = context;
  const { id, state, storageKey, runner: last, heartbeatAt } = row;
  const { runner, signal } = settings;
  const busy = "Another process works on it: do this again later.";
  if (last !== null && !isDead(row, clock())) throw new ClaimLost(busy);
  const [claimed] = await db.backup.updateManyAndReturn({
    where: { id, state, storageKey, runner: last, heartbeatAt },
    data: { runner, heartbeatAt: clock() },
  });
  if (!claimed) throw new ClaimLost(busy);
  const beat = async () => {
    const { count } = await db.backup.updateMany({ where: { id, runner }, data: { heartbeatAt: clock() } });
    if (count === 0) throw new ClaimLost("Another process has taken it over.");
  };
  try {
    return await underHeartbeat({ beat, signal }, (until) => replace(context, claimed, { ...settings, signal: until }));
  } finally {
    await db.backup.updateMany({ where: { id, runner }, data: { runner: null, heartbeatAt: null } });
  }
}

async function replace(context: ResealContext, row: Backup, settings: Settings): Promise<Result> {
  const { storage, keyring } = context;
  const former = row.storageKey ?? "";
  const key = otherKey(former);
  try {
    const written = await copy(context, row, { key, signal: settings.signal });
    const manifest = await readBack(context, row, { key, written, signal: settings.signal });
    await writeCompanion({ storage }, key, { archive: { ...written, keyId: keyring.keyId }, manifest });
    const isMoved = await untilUnread(context, row, settings, () => moveTo(context, row, { key, written }));
    if (!isMoved) {
      await removeArchive({ storage }, { storageKey: key });
      return { outcome: "left", message: "It is being restored or proven: do this again later." };
    }
  } catch (error) {
    // Where the row could not be asked the controller finds out which of the two it names.
    const named = await context.db.backup.count({ where: { storageKey: key } }).catch(() => 1);
    if (named === 0) await removeArchive({ storage }, { storageKey: key }).catch(() => undefined);
    throw error;
  }
  // A proof that has begun in the same instant may have been told of the old place; then the controller removes it later.
  await untilUnread(context, row, settings, async () => {
    if (!(await isAt(context, row, key))) return true;
    await removeArchive({ storage }, { storageKey: former }).catch((error: unknown) => {
      context.logger.warn({ err: error, key: former }, "the old archive could not be removed: the controller does it later");
    });
    return true;
  });
  return { outcome: "resealed", message: `It lies at ${key} now.` };
}

/** Whether the row names the new archive, and it is there. */
async function isAt({ db, storage }: ResealContext, { id }: Backup, key: string): Promise<boolean> {
  return (await db.backup.count({ where: { id, storageKey: key } })) === 1 && (await storage.find(key)) !== null;
}

type Place = { key: string; signal: AbortSignal };

/** Writes the archive with the present key. Throws ArchiveDamaged when the old one is not what the row says. */
async function copy({ storage, keyring }: ResealContext, row: Backup, { key, signal }: Place): Promise<Written> {
  const tap = new Tap();
  async function* checked() {
    yield* reseal(tap.through(await storage.get(row.storageKey ?? "", signal)), keyring, signal);
    tap.compare(row.sha256 === null ? null : { bytes: Number(row.bytes), sha256: row.sha256 });
  }
  return storage.put(key, checked(), signal);
}

/** Reads the new archive to its end with the present key alone. Throws ArchiveDamaged. */
async function readBack(
  { storage, keyring }: ResealContext,
  row: Backup,
  { key, written, signal }: Place & { written: Written },
): Promise<Manifest> {
  const tap = new Tap();
  const content = tap.through(await storage.get(key, signal));
  const manifest = await readArchive({ content, keyring: keyring.withoutOlder(), signal });
  tap.compare(written);
  const known = manifestSchema.safeParse(row.manifest).data;
  if (known && !isDeepStrictEqual(known, manifest)) throw new ArchiveDamaged("Its manifest is not that of the catalogue.");
  return manifest;
}

/** Counts what goes through. */
class Tap {
  readonly #hash = createHash("sha256");
  #bytes = 0;

  async *through(content: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const chunk of content) {
      this.#hash.update(chunk);
      this.#bytes += chunk.byteLength;
      yield chunk;
    }
  }

  /** Throws ArchiveDamaged when it was something else; null: nobody knows what it should have been. */
  compare(wanted: Written | null): void {
    const sha256 = this.#hash.digest("hex");
    if (wanted === null || (wanted.bytes === this.#bytes && wanted.sha256 === sha256)) return;
    throw new ArchiveDamaged(
      `It has ${this.#bytes} bytes with the SHA-256 ${sha256}, and ${wanted.bytes} with ${wanted.sha256} were written.`,
    );
  }
}

/** Does it as soon as nobody reads the backup's archive; false when that takes too long. */
async function untilUnread(
  { db }: ResealContext,
  { id }: Backup,
  { waitMs = defaultWaitMs, signal }: Settings,
  act: () => Promise<boolean>,
): Promise<boolean> {
  const giveUpAt = performance.now() + waitMs;
  for (;;) {
    if (!(await isRead(db, id)) && (await act())) return true;
    if (performance.now() >= giveUpAt) return false;
    await sleep(pollMs, undefined, { signal });
  }
}

/** The row names the new archive; false when somebody has begun to read the old one. Throws ClaimLost. */
function moveTo(context: ResealContext, row: Backup, { key, written }: { key: string; written: Written }): Promise<boolean> {
  const { keyId } = context.keyring;
  const { id, runner, storageKey, state, sha256 } = row;
  return transact(context, async (transaction) => {
    await lockBackup(transaction, id);
    if (await isRead(transaction, id)) return false;
    if ((await context.storage.find(key)) === null) throw new ClaimLost("What was written is not in the storage any more.");
    const { count } = await transaction.backup.updateMany({
      where: { id, runner, storageKey, state },
      data: { storageKey: key, ...written, keyId },
    });
    if (count === 0) throw new ClaimLost(`${backupName(row)} was changed by somebody else meanwhile.`);
    const seal = { ...auditedAs(row), verb: "re-seal", outcome: "succeeded" as const };
    const before = { storageKey, sha256, keyId: row.keyId };
    const after = { storageKey: key, sha256: written.sha256, keyId };
    await writeAudit(
      transaction,
      { clock: context.clock, requestId: randomUUID(), actor: switchyard },
      { ...seal, before, after },
    );
    return true;
  });
}
