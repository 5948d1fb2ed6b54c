import { isDeepStrictEqual } from "node:util";
import type { ServerAddress } from "#lib/database/server-connection.ts";
import type { ObjectStorage } from "#lib/storage/storage.ts";
import { DomainError } from "../../errors.ts";
import type { Keyring } from "../archive/keyring.ts";
import { archiveOfCompanion, type Companion, type ManifestPart } from "../archive/manifest.ts";
import { readArchive } from "../archive/open.ts";
import { archivesPrefix, readCompanion } from "../backups/archives.ts";
import type { RecoveryCheck } from "../schemas.ts";
import { comparePostgres } from "../sources/postgres-comparison.ts";
import { postgresFactsSchema } from "../sources/postgres-facts.ts";
import { gatherStatistics, type PostgresRestoration, restorePostgres } from "../sources/postgres-restore.ts";

/** An archive that the storage has. */
export type FoundArchive = Companion & { key: string };

/** What the storage has, the newest first: from what lies beside the archives, without keys and without Switchyard's database. */
export async function listArchives(storage: ObjectStorage): Promise<FoundArchive[]> {
  const keys: string[] = [];
  for await (const { key } of storage.list(archivesPrefix)) {
    const archive = archiveOfCompanion(key);
    if (archive !== null) keys.push(archive);
  }
  const found: (FoundArchive & { modifiedAt: Date })[] = [];
  for (const key of keys) {
    const [companion, stored] = await Promise.all([readCompanion({ storage }, key), storage.find(key)]);
    if (companion && stored) found.push({ key, ...companion, modifiedAt: stored.modifiedAt });
  }
  // One that was being sealed anew lies there twice: the later one is by the present key, and was read back.
  const isCopy = (one: (typeof found)[number]) =>
    found.some(
      (other) =>
        other.manifest.id === one.manifest.id &&
        other.modifiedAt > one.modifiedAt &&
        isDeepStrictEqual(other.manifest, one.manifest),
    );
  return found
    .filter((one) => !isCopy(one))
    .map(({ modifiedAt: _, ...one }) => one)
    .toSorted((a, b) => b.manifest.takenAt.localeCompare(a.manifest.takenAt));
}

/** The archive that a person means by an id, a number, the beginning of an id, or its key in the storage. Throws not-found, and invalid-input when it is several. */
export function chooseArchive(archives: readonly FoundArchive[], text: string): FoundArchive {
  const fits = archives.filter(
    ({ key, manifest }) => key === text || manifest.id === text || (text.length >= 6 && manifest.id.startsWith(text)),
  );
  const all = fits.length > 0 ? fits : archives.filter(({ manifest }) => String(manifest.number) === text);
  const [first, ...others] = all;
  if (!first) throw new DomainError("not-found", `The storage has no backup ${text}: look at the list.`);
  if (others.length > 0) {
    const keys = all.map(({ key }) => key).join(", ");
    throw new DomainError("invalid-input", `${all.length} backups are called ${text}: give the whole id, or one of ${keys}.`);
  }
  return first;
}

export type Recovery = {
  storage: ObjectStorage;
  keyring: Keyring;
  archive: FoundArchive;
  into: ServerAddress;
  signal: AbortSignal;
  onProgress?: (message: string) => void;
};

export type Recovered = { checks: RecoveryCheck[]; how: PostgresRestoration };

/**
 * Restores an archive's PostgreSQL over a database, and asks it what the archive says. The archive is read to its end before anything
 * is written, so that a damaged one changes nothing. The former database is kept. Throws ArchiveDamaged, StorageError, DomainError.
 */
export async function recoverDatabase(recovery: Recovery): Promise<Recovered> {
  const { storage, keyring, archive, into, signal, onProgress } = recovery;
  const facts = postgresFactsSchema.parse(requirePart(archive, "postgres").facts);
  const read = async (onFile?: Parameters<typeof readArchive>[0]["onFile"]) =>
    readArchive({ content: await storage.get(archive.key, signal), keyring, onFile, signal });
  onProgress?.("Reading the archive from beginning to end");
  await read();
  onProgress?.("Restoring the database");
  let how: PostgresRestoration | undefined;
  await read(async ({ part }, dump) => {
    if (part !== "postgres") return "skip";
    how = await restorePostgres({ dump, facts, address: into, tables: facts.chosenTables, tag: archive.manifest.id, signal });
    return how.how === "already" ? "skip" : "read";
  });
  if (!how) throw new DomainError("precondition-failed", `The archive ${archive.key} holds no dump.`);
  onProgress?.("Asking the database what it holds");
  const [checks] = await Promise.all([comparePostgres(into, facts), gatherStatistics(into)]);
  return { checks, how };
}

/** A part that was saved. Throws precondition-failed. */
export function requirePart({ manifest }: FoundArchive, name: string): ManifestPart {
  const part = manifest.parts.find((one) => one.name === name);
  if (part && part.error === null) return part;
  const why = part ? `: ${part.error}` : ".";
  throw new DomainError("precondition-failed", `Backup ${manifest.number} of ${manifest.subject} holds no part ${name}${why}`);
}
