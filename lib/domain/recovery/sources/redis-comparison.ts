import type { RecoveryCheck } from "../schemas.ts";
import { type RedisAddress, readKeyspace, withRedis } from "./redis-connection.ts";
import type { RedisFacts } from "./redis-facts.ts";

type Counts = { keys: number; expiring: number };

/**
 * Holds a Redis against the facts. Keys without an expiry are to be there one for one; of the others, as many or fewer: time has
 * passed. To be asked before anything writes again.
 */
export async function compareRedis(address: RedisAddress, facts: RedisFacts): Promise<RecoveryCheck[]> {
  const present = await withRedis(address, readKeyspace);
  return compareKeyspaces(
    facts,
    present,
    (wanted, found) => wanted.keys - wanted.expiring === found.keys - found.expiring && found.expiring <= wanted.expiring,
  );
}

/** Every database that was saved or is there now. */
export function compareKeyspaces(
  facts: RedisFacts,
  present: RedisFacts["databases"],
  isSame: (wanted: Counts, found: Counts) => boolean,
): RecoveryCheck[] {
  const none = { keys: 0, expiring: 0 };
  const indexes = [...new Set([...facts.databases, ...present].map(({ index }) => index))].sort((a, b) => a - b);
  return indexes.map((index) => {
    const wanted = facts.databases.find((database) => database.index === index) ?? none;
    const found = present.find((database) => database.index === index) ?? none;
    return { name: `Database ${index}`, wanted: describeKeys(wanted), found: describeKeys(found), passed: isSame(wanted, found) };
  });
}

export function describeKeys({ keys, expiring }: Counts): string {
  const count = keys === 1 ? "1 key" : `${keys.toLocaleString("en")} keys`;
  return expiring === 0 ? count : `${count}, ${expiring.toLocaleString("en")} of them expire`;
}
