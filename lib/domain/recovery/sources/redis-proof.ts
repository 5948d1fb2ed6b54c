import type { RecoveryCheck } from "../schemas.ts";
import type { RedisAddress, RedisFacts } from "./redis.ts";

/** Whether redis-check-rdb reads the RDB to its end. Reads it whole, holds none of it in memory. */
export declare function checkRdb(
  rdb: AsyncIterable<Uint8Array>,
  facts: RedisFacts,
  scratch: { workDir: string; signal?: AbortSignal },
): Promise<RecoveryCheck[]>;

/** Loads the RDB into a scratch server, counts its keys, and removes the server. */
export declare function proveRedis(
  rdb: AsyncIterable<Uint8Array>,
  facts: RedisFacts,
  scratch: { workDir: string; signal?: AbortSignal },
): Promise<RecoveryCheck[]>;

/**
 * Holds a Redis against the facts. Keys without an expiry are to be there one for one; of the others, as many or fewer: time has
 * passed. To be asked before anything writes again.
 */
export declare function compareRedis(address: RedisAddress, facts: RedisFacts): Promise<RecoveryCheck[]>;
