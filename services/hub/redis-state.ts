import { Redis } from "ioredis";
import type { Logger } from "#lib/runtime/logger.ts";
import type { EdgeTotals, StreamStore } from "./state.ts";

const streamTtlSeconds = 30 * 24 * 3600;

const advanceScript = `
if (redis.call('GET', KEYS[1]) or '') ~= ARGV[1] then return false end
redis.call('SET', KEYS[1], ARGV[2], 'EX', ARGV[5])
return { redis.call('HINCRBY', KEYS[2], 'accepted', ARGV[3]), redis.call('HINCRBY', KEYS[2], 'missing', ARGV[4]) }`;

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

export class RedisStreams implements StreamStore {
  readonly #redis: Redis;
  readonly #prefix: string;

  constructor(redis: Redis, prefix = "hub:") {
    this.#redis = redis;
    this.#prefix = prefix;
  }

  async last(stream: string): Promise<number | undefined> {
    const text = await this.#redis.get(this.#key(stream));
    return text === null ? undefined : Number(text);
  }

  async advance(stream: string, from: number | undefined, to: number, counted: EdgeTotals): Promise<EdgeTotals | undefined> {
    const values = [from ?? "", to, counted.accepted, counted.missing, streamTtlSeconds];
    const keys = [this.#key(stream), `${this.#prefix}edge-totals`];
    const answer = (await this.#redis.eval(advanceScript, 2, ...keys, ...values)) as [number, number] | null;
    return answer ? { accepted: answer[0], missing: answer[1] } : undefined;
  }

  async totals(): Promise<EdgeTotals> {
    const { accepted, missing } = await this.#redis.hgetall(`${this.#prefix}edge-totals`);
    return { accepted: Number(accepted ?? 0), missing: Number(missing ?? 0) };
  }

  #key(stream: string): string {
    return `${this.#prefix}stream:${stream}`;
  }
}
