import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import type { Logger } from "#lib/runtime/logger.ts";
import { MemoryJobs } from "./memory-jobs.ts";
import { MemoryPeers, type PeerStore } from "./peers.ts";
import { type EdgeTotals, MemoryReadings, type ReadingStore } from "./readings.ts";
import type { JobStore } from "./state.ts";

/** What the hubs of a cluster share. */
export type HubState = { jobs: JobStore; readings: ReadingStore; peers: PeerStore; close: () => void };

/** Opens the state in Redis, or without a URL in this process. `onTotals` is told what was counted before, now or once Redis is there. */
export async function openState(
  { redisUrl, readingsKept: kept, waitMs = 3_000 }: { redisUrl: string | undefined; readingsKept: number; waitMs?: number },
  logger: Logger,
  onTotals: (totals: EdgeTotals) => void,
): Promise<HubState> {
  if (!redisUrl)
    return { jobs: new MemoryJobs(), readings: new MemoryReadings({ kept }), peers: new MemoryPeers(), close: () => {} };
  // Loaded only here: a hub by itself does without the library's memory.
  const { RedisJobs } = await import("./redis-jobs.ts");
  const { connectRedis } = await import("./redis-state.ts");
  const { RedisPeers } = await import("./redis-peers.ts");
  const { RedisReadings } = await import("./redis-readings.ts");
  const redis = connectRedis(redisUrl, logger);
  const [jobs, readings, peers] = [new RedisJobs(redis), new RedisReadings(redis, { kept }), new RedisPeers(redis)];
  redis.on("ready", () => void readings.totals().then(onTotals, () => {}));
  // With Redis there, the first request finds it; without, or while it loads its data, the hub starts all the same.
  await Promise.race([once(redis, "ready").catch(() => {}), sleep(waitMs, undefined, { ref: false })]);
  const close = () => {
    peers.close();
    redis.disconnect();
  };
  return { jobs, readings, peers, close };
}
