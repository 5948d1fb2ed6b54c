import { ProgramError } from "#lib/programs/program.ts";
import { RdbRefused, startScratchRedis } from "#lib/programs/scratch-redis.ts";
import type { RecoveryCheck } from "../schemas.ts";
import { compareKeyspaces, describeKeys } from "./redis-comparison.ts";
import { readKeyspace, withRedis } from "./redis-connection.ts";
import type { RedisFacts } from "./redis-facts.ts";
import { checkRdbStream } from "./redis-rdb.ts";

/** Whether redis-check-rdb reads the RDB to its end and counts what was saved. Reads it whole, holds none of it. */
export async function checkRdb(
  rdb: AsyncIterable<Uint8Array>,
  facts: RedisFacts,
  { signal }: { signal?: AbortSignal } = {},
): Promise<RecoveryCheck[]> {
  const name = "redis-check-rdb reads the RDB";
  const wanted = describeKeys({
    keys: facts.databases.reduce((sum, { keys }) => sum + keys, 0),
    expiring: facts.databases.reduce((sum, { expiring }) => sum + expiring, 0),
  });
  try {
    const found = describeKeys(await checkRdbStream(rdb, signal));
    return [{ name, wanted, found, passed: wanted === found }];
  } catch (error) {
    if (error instanceof ProgramError) return [{ name, wanted, found: error.message, passed: false }];
    throw error;
  }
}

/** Loads the RDB into a scratch server, counts its keys, and removes the server. */
export async function proveRedis(
  rdb: AsyncIterable<Uint8Array>,
  facts: RedisFacts,
  scratch: { workDir: string; signal?: AbortSignal },
): Promise<RecoveryCheck[]> {
  const name = "Loads into a scratch Redis";
  try {
    const server = await startScratchRedis({ ...scratch, rdb });
    try {
      const present = await withRedis(server, readKeyspace);
      const checks = compareKeyspaces(facts, present, (wanted, found) => describeKeys(wanted) === describeKeys(found));
      return [{ name, wanted: "no error", found: "no error", passed: true }, ...checks];
    } finally {
      await server.stop();
    }
  } catch (error) {
    if (error instanceof RdbRefused) return [{ name, wanted: "no error", found: error.message, passed: false }];
    throw error;
  }
}
