import type { Redis } from "ioredis";
import { encodeBatch } from "#lib/protocol/hub-batch.ts";
import { decodeOwned, type EdgeTotals, type OwnedBatch, type ReadingStore } from "./readings.ts";

const streamTtlSeconds = 30 * 24 * 3600;

/** Batches that are read from Redis at a time. */
const pageSize = 20;

/** So many marks are kept, evenly over the bytes that may be kept. */
const marks = 16;

/**
 * The id of an entry is how many readings were counted up to its end, so that old ones can be cut off by their number. To cut them off
 * by their bytes too, a mark is made at every sixteenth of these: what lies before the oldest mark goes.
 */
const advanceScript = `
if (redis.call('GET', KEYS[1]) or '') ~= ARGV[1] then return false end
local accepted = redis.call('HINCRBY', KEYS[2], 'accepted', ARGV[3])
local missing = redis.call('HINCRBY', KEYS[2], 'missing', ARGV[4])
local kept = tonumber(ARGV[6])
if kept > 0 then
  if redis.call('HINCRBY', KEYS[2], 'unmarkedBytes', #ARGV[7]) > tonumber(ARGV[8]) / ${marks} then
    redis.call('HSET', KEYS[2], 'unmarkedBytes', 0)
    redis.call('RPUSH', KEYS[4], accepted)
    redis.call('LTRIM', KEYS[4], -${marks}, -1)
  end
  local marked = redis.call('LLEN', KEYS[4]) == ${marks} and tonumber(redis.call('LINDEX', KEYS[4], 0)) or 0
  local oldest = string.format('%.0f', math.max(marked, accepted - kept))
  redis.call('XADD', KEYS[3], 'MINID', '~', oldest, string.format('%.0f-1', accepted), 'batch', ARGV[7])
end
redis.call('SET', KEYS[1], ARGV[2], 'EX', ARGV[5])
return { accepted, missing }`;

/** Last numbers, totals and the newest readings of all hubs that share a Redis. */
export class RedisReadings implements ReadingStore {
  readonly #redis: Redis;
  readonly #prefix: string;
  readonly #kept: number;
  readonly #maxBytes: number;

  /** Keeps about `kept` readings, and not much more than `maxBytes` of them, 64 MiB by default. */
  constructor(redis: Redis, { prefix = "hub:", kept = 100_000, maxBytes = 64 * 1024 * 1024 } = {}) {
    this.#redis = redis;
    this.#prefix = prefix;
    this.#kept = kept;
    this.#maxBytes = maxBytes;
  }

  async last(stream: string): Promise<number | undefined> {
    const text = await this.#redis.get(this.#key(stream));
    return text === null ? undefined : Number(text);
  }

  async advance(stream: string, from: number | undefined, batch: OwnedBatch, missing: number): Promise<EdgeTotals | undefined> {
    const { count } = batch.readings;
    const to = batch.first + count - 1;
    const bytes = this.#kept > 0 ? encodeBatch(batch) : "";
    const values = [from ?? "", to, count, missing, streamTtlSeconds, this.#kept, bytes, this.#maxBytes];
    const keys = [this.#key(stream), ...["edge-totals", "readings", "reading-marks"].map((key) => this.#prefix + key)];
    const answer = (await this.#redis.eval(advanceScript, keys.length, ...keys, ...values)) as [number, number] | null;
    return answer ? { accepted: answer[0], missing: answer[1] } : undefined;
  }

  async totals(): Promise<EdgeTotals> {
    const { accepted, missing } = await this.#redis.hgetall(`${this.#prefix}edge-totals`);
    return { accepted: Number(accepted ?? 0), missing: Number(missing ?? 0) };
  }

  async probe(): Promise<void> {
    await this.#redis.set(`${this.#prefix}probe`, 1, "EX", 60);
  }

  async *newestFirst(): AsyncGenerator<OwnedBatch> {
    let before = "+";
    for (;;) {
      const page = await this.#redis.xrevrangeBuffer(`${this.#prefix}readings`, before, "-", "COUNT", pageSize);
      for (const [id, [, bytes]] of page) {
        before = `(${id.toString()}`;
        if (bytes) yield decodeOwned(bytes);
      }
      if (page.length < pageSize) return;
    }
  }

  #key(stream: string): string {
    return `${this.#prefix}stream:${stream}`;
  }
}
