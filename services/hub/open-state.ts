import type { Logger } from "#lib/runtime/logger.ts";
import { MemoryJobs } from "./memory-jobs.ts";
import { MemoryStreams } from "./memory-state.ts";
import { MemoryPeers, type PeerStore } from "./peers.ts";
import type { EdgeTotals, JobStore, StreamStore } from "./state.ts";

/** What the hubs of a cluster share. */
export type HubState = { jobs: JobStore; streams: StreamStore; peers: PeerStore; close: () => void };

/** Opens the state in Redis, or without a URL in this process. `onTotals` is told what was counted before, now or once Redis is there. */
export async function openState(
  redisUrl: string | undefined,
  logger: Logger,
  onTotals: (totals: EdgeTotals) => void,
): Promise<HubState> {
  if (!redisUrl) return { jobs: new MemoryJobs(), streams: new MemoryStreams(), peers: new MemoryPeers(), close: () => {} };
  // Loaded only here: a hub by itself does without the library's memory.
  const { RedisJobs } = await import("./redis-jobs.ts");
  const { connectRedis, RedisStreams } = await import("./redis-state.ts");
  const { RedisPeers } = await import("./redis-peers.ts");
  const redis = connectRedis(redisUrl, logger);
  const [jobs, streams, peers] = [new RedisJobs(redis), new RedisStreams(redis), new RedisPeers(redis)];
  redis.on("ready", () => void streams.totals().then(onTotals, () => {}));
  const close = () => {
    peers.close();
    redis.disconnect();
  };
  return { jobs, streams, peers, close };
}
