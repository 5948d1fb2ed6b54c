import type { ServerAddress } from "#lib/database/server-connection.ts";
import type { ObjectStorage } from "#lib/storage/storage.ts";
import type { Keyring } from "../archive/keyring.ts";
import type { Companion } from "../archive/manifest.ts";
import type { RecoveryCheck } from "../schemas.ts";

/** An archive that the storage has. */
export type FoundArchive = Companion & { key: string };

/** What the storage has, the newest first: from what lies beside the archives, without keys and without Switchyard's database. */
export declare function listArchives(storage: ObjectStorage): Promise<FoundArchive[]>;

export type Recovery = {
  storage: ObjectStorage;
  keyring: Keyring;
  /** For temporary files. */
  workDir: string;
  /** The archive's key in the storage. */
  key: string;
  into: ServerAddress;
  signal: AbortSignal;
  onProgress?: (message: string) => void;
};

/** Restores an archive's PostgreSQL over a database, and asks it what the archive says. Throws ArchiveDamaged, StorageError. */
export declare function recoverDatabase(recovery: Recovery): Promise<RecoveryCheck[]>;
