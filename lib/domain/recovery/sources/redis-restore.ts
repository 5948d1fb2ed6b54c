import type { Redis } from "ioredis";
import { startScratchRedis } from "#lib/programs/scratch-redis.ts";
import { DomainError } from "../../errors.ts";
import { type RedisAddress, readInfo, readKeyspace, redisName, withRedis } from "./redis-connection.ts";
import { copyDatabase } from "./redis-copy.ts";
import type { RedisFacts } from "./redis-facts.ts";

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

/** Where each database is filled: in a spare one, or where it belongs. */
type Plan = { places: Map<number, number>; leftovers: number[]; present: number[] } | { reason: string };

/** Stands in a spare database while it is one: what a killed try left is known by it. */
const marker = "switchyard:restore";
/** The rest of the machine's memory is not Redis's. */
const memoryShare = 0.8;

/**
 * Replaces all databases of a Redis with what the RDB holds, expiries kept, with no access to its files. Where it has databases to
 * spare they are filled first and swapped in at once ("swapped"); otherwise it is emptied and filled, and `message` says so.
 * Repeatable: after a kill at any instant do it again. Throws DomainError precondition-failed, or what Redis said.
 */
export async function restoreRedis(options: RestoreRedisOptions): Promise<RedisRestoration> {
  const { rdb, address, workDir, signal } = options;
  await withRedis(address, (redis) => refuseUnfit(redis, address));
  const scratch = await startScratchRedis({ workDir, rdb, signal });
  try {
    return await withRedis(scratch, (from) => withRedis(address, (to) => restoreFrom(from, to, options)));
  } finally {
    await scratch.stop();
  }
}

async function refuseUnfit(redis: Redis, address: RedisAddress): Promise<void> {
  const replication = await readInfo(redis, "replication");
  const cluster = await readInfo(redis, "cluster");
  const problem =
    replication("role") !== "master"
      ? "is a replica. Restore into its master"
      : cluster("cluster_enabled") === "1"
        ? "is part of a Redis Cluster, whose slots Switchyard does not restore. Load the dump.rdb of the backup with the cluster's own tools"
        : null;
  if (problem) throw new DomainError("precondition-failed", `Redis ${redisName(address)} ${problem}.`);
}

async function restoreFrom(from: Redis, to: Redis, options: RestoreRedisOptions): Promise<RedisRestoration> {
  const { facts, address, onProgress = () => {}, signal } = options;
  const databases = await readKeyspace(from);
  const totalKeys = databases.reduce((sum, { keys }) => sum + keys, 0);
  const plan = await planPlaces(from, to, databases);
  const places = "places" in plan ? plan.places : new Map(databases.map(({ index }) => [index, index]));
  if ("places" in plan) for (const index of plan.leftovers) await empty(to, index);
  else await to.flushall("ASYNC");

  let done = 0;
  let keys = 0;
  const onKeys = (count: number) => {
    // A scan may tell a key twice.
    done = Math.min(done + count, totalKeys);
    onProgress(done, totalKeys);
  };
  for (const [index, place] of places) {
    await from.select(index);
    await to.select(place);
    if (place !== index) await to.set(marker, facts.snapshotAt);
    await copyDatabase(from, to, { onKeys, signal });
    keys += (await to.dbsize()) - (place !== index ? 1 : 0);
  }
  onProgress(totalKeys, totalKeys);
  await copyFunctions(from, to);
  if ("places" in plan) await swap(to, plan);
  const name = redisName(address);
  const how = "places" in plan ? "swapped" : "replaced";
  const reason = "places" in plan ? "at once" : `key by key after it had been emptied: ${plan.reason}`;
  return { how, keys, expired: Math.max(0, totalKeys - keys), message: `What ${name} held was replaced ${reason}.` };
}

async function planPlaces(from: Redis, to: Redis, databases: { index: number }[]): Promise<Plan> {
  const present = await readKeyspace(to);
  const leftovers: number[] = [];
  for (const { index } of present) {
    await to.select(index);
    if ((await to.exists(marker)) === 1) leftovers.push(index);
  }
  const setting = await to.config("GET", "databases").catch(() => null);
  const count = Array.isArray(setting) ? Number(setting[1]) : Number.NaN;
  if (Number.isNaN(count)) return { reason: "it does not tell how many databases it has" };
  const beyond = databases.find(({ index }) => index >= count);
  if (beyond) {
    throw new DomainError(
      "precondition-failed",
      `The backup has keys in database ${beyond.index}, and the server has ${count} databases. Give it more (databases in redis.conf).`,
    );
  }
  if (!(await hasMemory(from, to))) return { reason: "its memory does not hold both at once" };
  const own = present.map(({ index }) => index).filter((index) => !leftovers.includes(index));
  const taken = new Set([...own, ...databases.map(({ index }) => index)]);
  const spare = Array.from({ length: count }, (_, index) => count - 1 - index).filter((index) => !taken.has(index));
  if (spare.length < databases.length) return { reason: "it has no databases to spare" };
  return { places: new Map(databases.map(({ index }, nth) => [index, spare[nth] ?? 0])), leftovers, present: own };
}

async function hasMemory(from: Redis, to: Redis): Promise<boolean> {
  const needed = Number((await readInfo(from, "memory"))("used_memory_dataset"));
  const memory = await readInfo(to, "memory");
  const limit = Number(memory("maxmemory")) || Number(memory("total_system_memory")) * memoryShare;
  return Number(memory("used_memory")) + needed <= limit;
}

/** All databases change in one transaction; what they held goes afterwards, out of the spare ones. */
async function swap(to: Redis, { places, present }: Extract<Plan, { places: unknown }>): Promise<void> {
  const transaction = to.multi();
  for (const [index, place] of places) {
    transaction.select(place).del(marker).swapdb(index, place).set(marker, "former");
  }
  for (const index of present.filter((each) => !places.has(each))) transaction.select(index).flushdb("ASYNC");
  const answers = await transaction.exec();
  const failure = answers?.find(([error]) => error)?.[0];
  if (failure) throw failure;
  for (const place of places.values()) await empty(to, place);
}

async function empty(to: Redis, index: number): Promise<void> {
  await to.select(index);
  await to.flushdb("ASYNC");
}

/** Libraries of functions are the server's, of no database. Servers before 7.0 have none. */
async function copyFunctions(from: Redis, to: Redis): Promise<void> {
  const dump: unknown = await from.callBuffer("FUNCTION", "DUMP");
  const present = await to.call("FUNCTION", "LIST").catch(() => null);
  if (Buffer.isBuffer(dump) && Array.isArray(present)) await to.call("FUNCTION", "RESTORE", dump, "FLUSH");
}
