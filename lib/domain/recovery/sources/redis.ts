import { z } from "zod";
import type { PartSource } from "../archive/pack.ts";

/** A Redis with credentials (redis:// or rediss://, database number ignored: all are saved), and where to dial when its name means nothing here. */
export type RedisAddress = { url: string; host?: string };

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

/** The part "redis": one file dump.rdb, as BGSAVE writes it, and RedisFacts. Opening it takes the RDB, checked by redis-check-rdb. */
export declare function redisPart(address: RedisAddress, workDir: string): PartSource;
