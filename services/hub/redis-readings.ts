import type { Redis } from "ioredis";
import { encodeBatch } from "#lib/protocol/hub-batch.ts";
import { decodeOwned, type EdgeTotals, type OwnedBatch, type ReadingStore } from "./readings.ts";

const streamTtlSeconds = 30 * 24 * 3600;

/** Batches that are read from Redis at a time. */
const pageSize = 20;

/** The id of an entry is how many readings were counted up to its end, so that old ones can be cut off by their number. */
const advanceScript = `
if (redis.call('GET', KEYS[1]) or '') ~= ARGV[1] then return false end
local accepted = redis.call('HINCRBY', KEYS[2], 'accepted', ARGV[3])
local missing = redis.call('HINCRBY', KEYS[2], 'missing', ARGV[4])
local kept = tonumber(ARGV[6])
if kept > 0 then
  local oldest = string.format('%.0f', math.max(0, accepted - kept))
  redis.call('XADD', KEYS[3], 'MINID', '~', oldest, string.format('%.0f-1', accepted), 'batch', ARGV[7])
end
redis.call('SET', KEYS[1], ARGV[2], 'EX', ARGV[5])
return { accepted, missing }`;

/** Last numbers, totals and the newest readings of all hubs that share a Redis. */
export class RedisReadings implements ReadingStore {
  readonly #redis: Redis;
  readonly #prefix: string;
  readonly #kept: number;

  constructor(redis: Redis, { prefix = "hub:", kept = 100_000 } = {}) {
    this.#redis = redis;
    this.#prefix = prefix;
    this.#kept = kept;
  }

  async last(stream: string): Promise<number | undefined> {
    const text = await this.#redis.get(this.#key(stream));
    return text === null ? undefined : Number(text);
  }

  async advance(stream: string, from: number | undefined, batch: OwnedBatch, missing: number): Promise<EdgeTotals | undefined> {
    const { count } = batch.readings;
    const to = batch.first + count - 1;
    const bytes = this.#kept > 0 ? encodeBatch(batch) : "";
    const values = [from ?? "", to, count, missing, streamTtlSeconds, this.#kept, bytes];
    const keys = [this.#key(stream), `${this.#prefix}edge-totals`, `${this.#prefix}readings`];
    const answer = (await this.#redis.eval(advanceScript, 3, ...keys, ...values)) as [number, number] | null;
    return answer ? { accepted: answer[0], missing: answer[1] } : undefined;
  }

  async totals(): Promise<EdgeTotals> {
    const { accepted, missing } = await this.#redis.hgetall(`${this.#prefix}edge-totals`);
    return { accepted: Number(accepted ?? 0), missing: Number(missing ?? 0) };
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
