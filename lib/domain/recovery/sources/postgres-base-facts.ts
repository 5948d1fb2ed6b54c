import { z } from "zod";

/** The name of the part of a backup that is a base backup. */
export const basePart = "postgres-base";

const lsnSchema = z.string().regex(/^[0-9A-F]{1,8}\/[0-9A-F]{1,8}$/);

/** What a server said of the base backup that was taken of it. */
export const postgresBaseFactsSchema = z.object({
  serverVersion: z.string(),
  majorVersion: z.int(),
  /** Tells servers apart: WAL of another one does not fit. */
  systemIdentifier: z.string(),
  timeline: z.int(),
  walSegmentBytes: z.int(),
  startLsn: lsnSchema,
  stopLsn: lsnSchema,
  startedAt: z.iso.datetime(),
  /** From this instant on it can be recovered to any. */
  finishedAt: z.iso.datetime(),
  /** Where its WAL goes: a place as lib/storage names them. */
  walArchive: z.string(),
  /** What a copy of it has to be started with at least. */
  settings: z.record(z.string(), z.string()),
});
export type PostgresBaseFacts = z.output<typeof postgresBaseFactsSchema>;
