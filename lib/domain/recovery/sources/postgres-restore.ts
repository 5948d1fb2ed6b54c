import type { ServerAddress } from "#lib/database/server-connection.ts";
import type { PostgresFacts } from "./postgres-facts.ts";

export type RestorePostgresOptions = {
  dump: AsyncIterable<Uint8Array>;
  facts: PostgresFacts;
  address: ServerAddress;
  /** "schema.table"; null for the whole. */
  tables: string[] | null;
  /** The restore's id: an earlier try with it is found again. */
  tag: string;
  /** Bytes of the dump so far. */
  onProgress?: (bytes: number) => void;
  signal?: AbortSignal;
};

/**
 * How it was done. swapped: restored into a fresh database that took the name of the present one, which is kept as `former`.
 * replaced: in one transaction inside the present database (chosen tables, or a role that may not create databases).
 * already: an earlier try with this tag had swapped; the dump was not read.
 */
export type PostgresRestoration = { how: "swapped" | "replaced" | "already"; former: string | null; message: string };

/**
 * Puts a database back to what the dump holds. Until the last moment the present is as it was: when this throws, nothing was
 * changed. Everybody's connections to the database are ended at that moment. Repeatable after a kill at any instant.
 * Throws DomainError precondition-failed with what to do, and ProgramError with what PostgreSQL said.
 */
export declare function restorePostgres(options: RestorePostgresOptions): Promise<PostgresRestoration>;

/** Whether a restore with this tag has swapped: the name of the former database, or null. */
export declare function findFormer(address: ServerAddress, tag: string): Promise<string | null>;

/** Lets the former database of a restore go, and what a killed try left half-written. Absent is fine. */
export declare function dropFormer(address: ServerAddress, tag: string): Promise<void>;

/** Gives the name back to the former database, and drops the restored one. False when there is no former one. */
export declare function undoSwap(address: ServerAddress, tag: string): Promise<boolean>;
