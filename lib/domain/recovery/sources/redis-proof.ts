import { ProgramError } from "#lib/programs/program.ts";
import { RdbRefused, startScratchRedis } from "#lib/programs/scratch-redis.ts";
import type { RecoveryCheck } from "../schemas.ts";
import type { RedisAddress } from "./redis.ts";
import { readKeyspace, withRedis } from "./redis-connection.ts";
import type { RedisFacts } from "./redis-facts.ts";
import { checkRdbStream } from "./redis-rdb.ts";

type Counts = { keys: number; expiring: number };

/** Whether redis-check-rdb reads the RDB to its end and counts what was saved. Reads it whole, holds none of it. */
export async function checkRdb(
  rdb: AsyncIterable<Uint8Array>,
  facts: RedisFacts,
  { signal }: { signal?: AbortSignal } = {},
): Promise<RecoveryCheck[]> {
  const name = "redis-check-rdb reads the RDB";
  const wanted = describe({
    keys: facts.databases.reduce((sum, { keys }) => sum + keys, 0),
    expiring: facts.databases.reduce((sum, { expiring }) => sum + expiring, 0),
  });
  try {
    const found = describe(await checkRdbStream(rdb, signal));
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
      const checks = compare(facts, present, (wanted, found) => describe(wanted) === describe(found));
      return [{ name, wanted: "no error", found: "no error", passed: true }, ...checks];
    } finally {
      await server.stop();
    }
  } catch (error) {
    if (error instanceof RdbRefused) return [{ name, wanted: "no error", found: error.message, passed: false }];
    throw error;
  }
}

/**
 * Holds a Redis against the facts. Keys without an expiry are to be there one for one; of the others, as many or fewer: time has
 * passed. To be asked before anything writes again.
 */
export async function compareRedis(address: RedisAddress, facts: RedisFacts): Promise<RecoveryCheck[]> {
  const present = await withRedis(address, readKeyspace);
  return compare(
    facts,
    present,
    (wanted, found) => wanted.keys - wanted.expiring === found.keys - found.expiring && found.expiring <= wanted.expiring,
  );
}

/** Every database that was saved or is there now. */
function compare(
  facts: RedisFacts,
  present: RedisFacts["databases"],
  isSame: (wanted: Counts, found: Counts) => boolean,
): RecoveryCheck[] {
  const none = { keys: 0, expiring: 0 };
  const indexes = [...new Set([...facts.databases, ...present].map(({ index }) => index))].sort((a, b) => a - b);
  return indexes.map((index) => {
    const wanted = facts.databases.find((database) => database.index === index) ?? none;
    const found = present.find((database) => database.index === index) ?? none;
    return { name: `Database ${index}`, wanted: describe(wanted), found: describe(found), passed: isSame(wanted, found) };
  });
}

function describe({ keys, expiring }: Counts): string {
  const count = keys === 1 ? "1 key" : `${keys.toLocaleString("en")} keys`;
  return expiring === 0 ? count : `${count}, ${expiring.toLocaleString("en")} of them expire`;
}
