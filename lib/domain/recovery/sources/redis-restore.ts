import type { RedisAddress, RedisFacts } from "./redis.ts";

export type RestoreRedisOptions = {
  rdb: AsyncIterable<Uint8Array>;
  facts: RedisFacts;
  address: RedisAddress;
  workDir: string;
  /** Keys so far, and how many there are. */
  onProgress?: (keys: number, totalKeys: number) => void;
  signal?: AbortSignal;
};

/** `expired`: keys whose time had come since the backup, left out. */
export type RedisRestoration = { how: "swapped" | "replaced"; keys: number; expired: number; message: string };

/**
 * Replaces all databases of a Redis with what the RDB holds, expiries kept, with no access to its files. Where it has databases to
 * spare they are filled first and swapped in at once ("swapped"); otherwise it is emptied and filled, and `message` says so.
 * Repeatable: after a kill at any instant do it again. Throws DomainError precondition-failed, or what Redis said.
 */
export declare function restoreRedis(options: RestoreRedisOptions): Promise<RedisRestoration>;
