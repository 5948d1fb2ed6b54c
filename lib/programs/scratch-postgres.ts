import type { ServerAddress } from "#lib/database/replica.ts";

/** A PostgreSQL of one's own on loopback, with nothing in it. */
export type ScratchPostgres = {
  /** Its superuser's address, of the database `postgres`. */
  address: ServerAddress;
  /** The major version that runs. */
  majorVersion: number;
  /** Makes an empty database and gives its address. */
  makeDatabase(name: string): Promise<ServerAddress>;
  /** Stops it and removes all of it. */
  stop(): Promise<void>;
};

export type ScratchPostgresOptions = {
  workDir: string;
  /** The server's major version that is wanted; a newer one is taken when the machine has no such one. */
  majorVersion: number;
  signal?: AbortSignal;
};

/** Starts a PostgreSQL in a temporary folder. Throws an Error that says what to install when there is none that fits. */
export declare function startScratchPostgres(options: ScratchPostgresOptions): Promise<ScratchPostgres>;
