import { z } from "zod";

/** What the RDB itself holds, database by database. */
export const redisFactsSchema = z.object({
  serverVersion: z.string(),
  rdbVersion: z.int(),
  databases: z.array(z.object({ index: z.int(), keys: z.int(), expiring: z.int() })),
  /** The instant that it is as of, to the second. */
  snapshotAt: z.iso.datetime(),
  /** Size of the RDB. */
  rdbBytes: z.int(),
});
export type RedisFacts = z.output<typeof redisFactsSchema>;
