import { randomBytes } from "node:crypto";
import type { Backup } from "#lib/database/generated/client.ts";
import { StorageError } from "#lib/storage/storage.ts";
import { DomainError } from "../../errors.ts";
import { type Companion, companionKey, companionSchema, type Manifest, manifestSchema } from "../archive/manifest.ts";
import { ArchiveDamaged, type ReadOptions, readArchive } from "../archive/open.ts";
import type { RecoveryContext } from "../context.ts";
import { backupName, isRestorable } from "./states.ts";

/** Every archive's key begins with it. */
export const archivesPrefix = "backups/";

type Stores = Pick<RecoveryContext, "storage" | "keyring">;
type Stored = Pick<Backup, "number" | "storage" | "storageKey">;

/**
 * Reads a backup's archive to its end, whatever its state. Throws precondition-failed when it lies in another storage than this
 * process's, ArchiveDamaged and StorageError.
 */
export async function openArchive(
  { storage, keyring }: Stores,
  backup: Stored,
  options: Omit<ReadOptions, "content" | "keyring"> = {},
): Promise<Manifest> {
  const key = requireKey({ storage }, backup);
  return readArchive({ ...options, keyring, content: await storage.get(key, options.signal) });
}

/** The key of a backup's archive in this process's storage. Throws precondition-failed. */
export function requireKey({ storage }: Pick<Stores, "storage">, backup: Stored): string {
  const name = backupName(backup);
  if (backup.storageKey === null || backup.storage === null) {
    throw new DomainError("precondition-failed", `${name} has no archive.`);
  }
  if (backup.storage === storage.name) return backup.storageKey;
  throw new DomainError(
    "precondition-failed",
    `${name} lies in ${backup.storage}, and Switchyard uses ${storage.name} now: move its archive, or set the storage back.`,
  );
}

/** What a backup holds as far as that is known without reading its archive: from its row, else from beside the archive. */
export async function findManifest(
  { storage }: Pick<Stores, "storage">,
  { manifest, storageKey }: Pick<Backup, "manifest" | "storageKey">,
): Promise<Manifest | null> {
  if (manifest !== null) return manifestSchema.parse(manifest);
  return storageKey === null ? null : ((await readCompanion({ storage }, storageKey))?.manifest ?? null);
}

/** What lies beside an archive; null when there is nothing, or nothing that can be read. */
export async function readCompanion({ storage }: Pick<Stores, "storage">, archiveKey: string): Promise<Companion | null> {
  const chunks: Uint8Array[] = [];
  try {
    for await (const chunk of await storage.get(companionKey(archiveKey))) chunks.push(chunk);
  } catch (error) {
    if (error instanceof StorageError && error.code === "not-found") return null;
    throw error;
  }
  try {
    return companionSchema.parse(JSON.parse(Buffer.concat(chunks).toString("utf8")));
  } catch {
    return null;
  }
}

/** Puts beside an archive what the catalogue can be found again by. It holds no secret. */
export async function writeCompanion(
  { storage }: Pick<Stores, "storage">,
  archiveKey: string,
  companion: Companion,
): Promise<void> {
  const text = Buffer.from(`${JSON.stringify(companion, null, 2)}\n`);
  await storage.put(companionKey(archiveKey), one(text));
}

/** Removes an archive, and then what lies beside it: nothing is found again that cannot be opened. It is fine when there is none. */
export async function removeArchive({ storage }: Pick<Stores, "storage">, { storageKey }: Pick<Backup, "storageKey">) {
  if (storageKey === null) return;
  await storage.remove(storageKey);
  await storage.remove(companionKey(storageKey));
}

async function* one(content: Uint8Array): AsyncGenerator<Uint8Array> {
  yield content;
}

/** The backup to restore from. Throws not-found, and precondition-failed for one that nothing can be restored from. */
export async function backupForRestore(db: RecoveryContext["db"], id: string): Promise<Backup> {
  const backup = await db.backup.findUnique({ where: { id } });
  if (!backup) throw new DomainError("not-found", "There is no backup with this id.");
  if (isRestorable(backup)) return backup;
  throw new DomainError(
    "precondition-failed",
    `Nothing can be restored from ${backupName(backup)}: ${backup.state === "completed" || backup.state === "partial" ? "its archive has not been verified, or is damaged" : `it is ${backup.state}`}.`,
  );
}

/** Whether an error says something of the archive itself: it is damaged, or gone. Anything else says only that it could not be read now. */
export function isAboutArchive(error: unknown): error is Error {
  return error instanceof ArchiveDamaged || (error instanceof StorageError && error.code === "not-found");
}

const ending = ".tar.age";
const taggedForm = /\.[0-9a-f]{8}\.tar\.age$/;
const idForm = /-([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})(?:\.[0-9a-f]{8})?\.tar\.age$/;

/** Where the archive of a backup goes. */
export function archiveKey({ id, subject }: Pick<Backup, "id" | "subject">, startedAt: Date): string {
  return `${archivesPrefix}${subject}/${startedAt.toISOString().slice(0, 19).replaceAll(":", "-")}Z-${id}${ending}`;
}

/** Another place for the archive of the same backup, where nobody else writes: "...-ID.1a2b3c4d.tar.age". */
export function otherKey(key: string): string {
  const stem = key.replace(taggedForm, ending).slice(0, -ending.length);
  return `${stem}.${randomBytes(4).toString("hex")}${ending}`;
}

/** Whether a key in the storage is that of an archive, not of what lies beside one. */
export function isArchiveKey(key: string): boolean {
  return key.endsWith(ending);
}

/** The backup that an archive is of, as its name says; null for one that Switchyard did not name. */
export function idInKey(key: string): string | null {
  return idForm.exec(key)?.[1] ?? null;
}
