import type { ServerAddress } from "#lib/database/server-connection.ts";
import type { PartSource } from "../archive/pack.ts";

export type PostgresSelection = {
  /** "table" (of the schema public) or "schema.table"; null for all of the database. */
  tables: string[] | null;
};

/**
 * The part "postgres": one file DATABASE.dump, pg_dump's custom format, and PostgresFacts of the very same snapshot. Opening it
 * throws precondition-failed where the machine has no pg_dump that fits, or a chosen table is not there.
 */
export declare function postgresPart(address: ServerAddress, selection: PostgresSelection): PartSource;
