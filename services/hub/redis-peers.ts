import type { Redis } from "ioredis";
import { type PeerNotice, type PeerPage, type PeerQuery, type PeerRecord, type PeerStore, placeOf } from "./peers.ts";

const put = `
redis.call('HSET', KEYS[1], 'connection', ARGV[1], 'record', ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
redis.call('ZADD', KEYS[2], 0, ARGV[4])`;

const claimScript = `
local before = redis.call('HGET', KEYS[1], 'connection')
${put}
if before and before ~= ARGV[1] then
  redis.call('PUBLISH', ARGV[5], cjson.encode({ connection = before, cause = 'replaced' }))
end`;

const renewScript = `
local holder = redis.call('HGET', KEYS[1], 'connection')
if holder and holder ~= ARGV[1] then return 0 end
${put}
return 1`;

const removeScript = `
if redis.call('HGET', KEYS[1], 'connection') ~= ARGV[1] then return 0 end
redis.call('ZREM', KEYS[2], ARGV[2])
return redis.call('DEL', KEYS[1])`;

const pageOfIndex = 500;

/**
 * The peers of all hubs of a cluster: a hash for each, which expires, and an index of their places in the list, from which those
 * that expired are taken out when somebody reads it. Notices are published; one that is missed is made up for by the next renewal.
 */
export class RedisPeers implements PeerStore {
  readonly #redis: Redis;
  readonly #subscriber: Redis;
  readonly #prefix: string;
  onNotice: (notice: PeerNotice) => void = () => {};

  constructor(redis: Redis, prefix = "hub:") {
    this.#redis = redis;
    this.#prefix = prefix;
    this.#subscriber = redis.duplicate();
    this.#subscriber.on("error", () => {});
    this.#subscriber.on("ready", () => void this.#subscriber.subscribe(this.#channel).catch(() => {}));
    this.#subscriber.on("message", (_channel, text) => this.onNotice(JSON.parse(text)));
  }

  async claim(record: PeerRecord, ttlMs: number): Promise<void> {
    await this.#redis.eval(claimScript, 2, ...this.#putArguments(record, ttlMs), this.#channel);
  }

  async renew(records: PeerRecord[], ttlMs: number): Promise<string[]> {
    const pipeline = this.#redis.pipeline();
    for (const record of records) pipeline.eval(renewScript, 2, ...this.#putArguments(record, ttlMs));
    const answers = (await pipeline.exec()) ?? [];
    const failed = answers.find(([error]) => error)?.[0];
    if (failed) throw failed;
    return records.filter((_record, index) => answers[index]?.[1] === 0).map(({ connection }) => connection);
  }

  async remove(record: PeerRecord): Promise<void> {
    await this.#redis.eval(removeScript, 2, this.#key(record.id), this.#index, record.connection, placeOf(record));
  }

  async list({ role, tenant, after, limit }: PeerQuery): Promise<PeerPage> {
    const prefix = role ? `${role} ${tenant ? `${encodeURIComponent(tenant)} ` : ""}` : "";
    const max = prefix ? `(${prefix}\u{10ffff}` : "+";
    const peers: PeerRecord[] = [];
    let min = after ? `(${after}` : prefix ? `[${prefix}` : "-";
    for (;;) {
      const places = await this.#redis.zrangebylex(this.#index, min, max, "LIMIT", 0, pageOfIndex);
      const records = await this.#read(places);
      for (const [index, record] of records.entries()) {
        if (!record || (tenant && record.tenant !== tenant)) continue;
        if (peers.length === limit) return { peers, next: placeOf(peers[limit - 1] ?? record) };
        peers.push(record);
        min = `(${places[index]}`;
      }
      if (places.length < pageOfIndex) return { peers };
      min = `(${places.at(-1)}`;
    }
  }

  async find(id: string): Promise<PeerRecord | undefined> {
    const text = await this.#redis.hget(this.#key(id), "record");
    return text === null ? undefined : JSON.parse(text);
  }

  async notify(notice: PeerNotice): Promise<void> {
    await this.#redis.publish(this.#channel, JSON.stringify(notice));
  }

  close(): void {
    this.#subscriber.disconnect();
  }

  async #read(places: string[]): Promise<(PeerRecord | undefined)[]> {
    if (places.length === 0) return [];
    const pipeline = this.#redis.pipeline();
    for (const place of places) pipeline.hget(this.#key(place.slice(place.lastIndexOf(" ") + 1)), "record");
    const texts = ((await pipeline.exec()) ?? []).map(([error, text]) => {
      if (error) throw error;
      return text as string | null;
    });
    const gone = places.filter((_place, index) => texts[index] === null);
    if (gone.length > 0) await this.#redis.zrem(this.#index, ...gone);
    return texts.map((text) => (text === null ? undefined : JSON.parse(text)));
  }

  #putArguments(record: PeerRecord, ttlMs: number): [string, string, string, string, number, string] {
    return [this.#key(record.id), this.#index, record.connection, JSON.stringify(record), ttlMs, placeOf(record)];
  }

  get #index(): string {
    return `${this.#prefix}peers`;
  }

  get #channel(): string {
    return `${this.#prefix}peer-notices`;
  }

  #key(id: string): string {
    return `${this.#prefix}peer:${id}`;
  }
}
