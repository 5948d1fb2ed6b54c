import { Redis } from "ioredis";
import type { Logger } from "#lib/runtime/logger.ts";

/** A connection whose commands fail at once while Redis is away; it comes back by itself. */
export function connectRedis(url: string, logger: Logger): Redis {
  const redis = new Redis(url, {
    connectTimeout: 2_000,
    commandTimeout: 2_000,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    retryStrategy: (attempt) => Math.min(2_000, 50 * 2 ** Math.min(attempt, 6)),
  });
  let isUp: boolean | undefined;
  redis.on("ready", () => {
    if (isUp === false) logger.info("Redis is back");
    isUp = true;
  });
  redis.on("error", (error) => {
    if (isUp !== false) logger.warn({ err: error }, "Redis is away");
    isUp = false;
  });
  return redis;
}
