import type { ObjectStorage } from "#lib/storage/storage.ts";
import type { Context } from "../context.ts";
import type { Keyring } from "./archive/keyring.ts";

/** What a process gets that makes, verifies and restores backups: the controller, and tools beside it. */
export type RecoveryContext = Pick<Context, "db" | "kubernetes" | "clock" | "logger"> & {
  storage: ObjectStorage;
  keyring: Keyring;
  /** A folder of this process's machine for what is only needed for a while: dumps and scratch servers. */
  workDir: string;
  /** Switchyard's own database: what a backup of Switchyard itself holds. */
  ownDatabaseUrl: string;
};
