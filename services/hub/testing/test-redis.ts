import { once } from "node:events";
import type { Redis } from "ioredis";
import { startRedis } from "#lib/protocol/testing/relay-stack.ts";
import { createLogger } from "#lib/runtime/logger.ts";
import { freePort } from "#lib/runtime/testing/free-port.ts";
import { connectRedis } from "../redis-state.ts";

/** A Redis of its own, and the hub's connection to it. */
export async function startTestRedis(): Promise<{ redis: Redis; stop: () => Promise<void> }> {
  const port = await freePort();
  const server = await startRedis(port);
  const redis = connectRedis(`redis://127.0.0.1:${port}`, createLogger("hub", "silent"));
  await once(redis, "ready");
  return {
    redis,
    async stop() {
      redis.disconnect();
      await server.end("SIGKILL");
    },
  };
}
