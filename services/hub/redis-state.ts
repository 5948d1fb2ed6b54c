import { Redis } from "ioredis";
import type { HubBody } from "#lib/protocol/hub-messages.ts";
import type { Logger } from "#lib/runtime/logger.ts";
import type { EdgeTotals, JobOutcome, JobState, JobStore, Lease, StreamStore } from "./state.ts";

const resultTtlSeconds = 24 * 3600;
const streamTtlSeconds = 30 * 24 * 3600;

/** Scores are microseconds of Redis's own clock: all hubs share it. */
const clock = `
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local function score(at) return string.format('%.0f', at) end
`;

const putScript = `${clock}
local outcome = redis.call('HGET', KEYS[1], 'outcome')
if outcome then return outcome end
if redis.call('EXISTS', KEYS[1]) == 1 then return 'known' end
if redis.call('ZCARD', KEYS[2]) >= tonumber(ARGV[1]) then return 'full' end
redis.call('HSET', KEYS[1], 'id', ARGV[2], 'scan', ARGV[3], 'token', 0, 'at', score(now))
redis.call('ZADD', KEYS[2], score(now), KEYS[1])
return 'added'`;

const claimScript = `${clock}
local key = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', score(now), 'LIMIT', 0, 1)[1]
if not key then return false end
redis.call('ZADD', KEYS[1], score(now + ARGV[1] * 1000), key)
local token = redis.call('HINCRBY', key, 'token', 1)
return { redis.call('HGET', key, 'id'), token, redis.call('HGET', key, 'scan') }`;

const renewScript = `${clock}
if redis.call('HGET', KEYS[1], 'token') ~= ARGV[1] or redis.call('HEXISTS', KEYS[1], 'outcome') == 1 then return 0 end
redis.call('ZADD', KEYS[2], score(now + ARGV[2] * 1000), KEYS[1])
return 1`;

const releaseScript = `
if redis.call('HGET', KEYS[1], 'token') ~= ARGV[1] or redis.call('HEXISTS', KEYS[1], 'outcome') == 1 then return 0 end
redis.call('ZADD', KEYS[2], redis.call('HGET', KEYS[1], 'at'), KEYS[1])
return 1`;

const finishScript = `
local token = redis.call('HGET', KEYS[1], 'token')
if not token or (ARGV[1] ~= '' and token ~= ARGV[1]) then return 0 end
if redis.call('HSETNX', KEYS[1], 'outcome', ARGV[2]) == 0 then return 0 end
redis.call('ZREM', KEYS[2], KEYS[1])
redis.call('EXPIRE', KEYS[1], ARGV[3])
return 1`;

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

export class RedisJobs implements JobStore {
  readonly #redis: Redis;
  readonly #prefix: string;

  constructor(redis: Redis, prefix = "hub:") {
    this.#redis = redis;
    this.#prefix = prefix;
  }

  async put(tenant: string, id: string, scan: HubBody<"scan">, limit: number): Promise<JobState> {
    const answer = await this.#redis.eval(putScript, 2, ...this.#keys(tenant, id), limit, id, JSON.stringify(scan));
    if (answer === "added" || answer === "known" || answer === "full") return answer;
    return JSON.parse(String(answer));
  }

  async claim(tenant: string, leaseMs: number): Promise<Lease | undefined> {
    const answer = (await this.#redis.eval(claimScript, 1, this.#queue(tenant), leaseMs)) as [string, number, string] | null;
    return answer ? { tenant, id: answer[0], token: answer[1], scan: JSON.parse(answer[2]) } : undefined;
  }

  async renew({ tenant, id, token }: Lease, leaseMs: number): Promise<boolean> {
    return (await this.#redis.eval(renewScript, 2, ...this.#keys(tenant, id), token, leaseMs)) === 1;
  }

  async release({ tenant, id, token }: Lease): Promise<void> {
    await this.#redis.eval(releaseScript, 2, ...this.#keys(tenant, id), token);
  }

  async finish({ tenant, id, token }: { tenant: string; id: string; token?: number }, outcome: JobOutcome): Promise<boolean> {
    const values = [token ?? "", JSON.stringify(outcome), resultTtlSeconds];
    return (await this.#redis.eval(finishScript, 2, ...this.#keys(tenant, id), ...values)) === 1;
  }

  async outcome(tenant: string, id: string): Promise<JobOutcome | undefined> {
    const text = await this.#redis.hget(this.#keys(tenant, id)[0], "outcome");
    return text === null ? undefined : JSON.parse(text);
  }

  #keys(tenant: string, id: string): [string, string] {
    return [`${this.#prefix}job:${JSON.stringify([tenant, id])}`, this.#queue(tenant)];
  }

  #queue(tenant: string): string {
    return `${this.#prefix}jobs:${tenant}`;
  }
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
