import { z } from "zod";

/** What a database answered in the snapshot that was saved. */
export const postgresFactsSchema = z.object({
  serverVersion: z.string(),
  majorVersion: z.int(),
  /** Version of the pg_dump that wrote it. */
  dumpVersion: z.string(),
  database: z.string(),
  /** Null: all of the database. Otherwise only these, "schema.table". */
  chosenTables: z.array(z.string()).nullable(),
  tables: z.array(
    z.object({
      /** "schema.table". */
      name: z.string(),
      rows: z.int(),
      /** Of its number that grows; null where it has none, or no row. */
      highest: z.object({ column: z.string(), value: z.string() }).nullable(),
      /** Its rows are in no WAL: it is empty wherever the database is brought to an instant. */
      isUnlogged: z.literal(true).optional(),
    }),
  ),
  walPosition: z.string(),
  /** The instant that it is as of. */
  snapshotAt: z.iso.datetime(),
  /** Size on disk. */
  databaseBytes: z.int(),
});
export type PostgresFacts = z.output<typeof postgresFactsSchema>;
