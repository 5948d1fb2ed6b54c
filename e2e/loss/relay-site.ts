import { setTimeout as sleep } from "node:timers/promises";
import { eventually, type RelayStack, startRelayStack, type TestRelay } from "#lib/protocol/testing/relay-stack.ts";
import { FaultProxy } from "./fault-proxy.ts";

/** How a site differs from the usual: settings of its issuer, and of each of its two relays. */
export type SiteSettings = { issuer?: Record<string, string>; relays?: [Record<string, string>, Record<string, string>] };

export const settleMs = 60_000;
const tokenSeconds = 3600;

/** PostgreSQL, Redis, an issuer and two relays behind one address, whose network can be made bad. */
export class RelaySite {
  readonly stack: RelayStack;
  readonly proxy: FaultProxy;
  /** The network between the relays and Redis. */
  readonly redisProxy: FaultProxy;
  readonly relays: TestRelay[] = [];
  /** Why upgrades were refused, the newest last. */
  readonly refusals: string[] = [];
  readonly #settings: SiteSettings;
  readonly #away = new Set<TestRelay>();
  #turn = 0;
  #port = 0;
  #redisUrl = "";
  #token = "";

  constructor(stack: RelayStack, settings: SiteSettings) {
    this.stack = stack;
    this.#settings = settings;
    this.proxy = new FaultProxy(() => this.#nextRelay());
    const { hostname: host, port } = new URL(stack.redisUrl);
    this.redisProxy = new FaultProxy(() => ({ host, port: Number(port) }));
  }

  static async start(settings: SiteSettings = {}): Promise<RelaySite> {
    const site = new RelaySite(await startRelayStack({ issuer: settings.issuer }), settings);
    site.#port = await site.proxy.listen();
    site.#redisUrl = `redis://127.0.0.1:${await site.redisProxy.listen()}`;
    site.relays.push(await site.#startRelay(0), await site.#startRelay(1));
    return site;
  }

  get url(): string {
    return `ws://127.0.0.1:${this.#port}`;
  }

  /** A new token; while the issuer is away, the one before it. */
  async token(): Promise<string> {
    try {
      this.#token = await this.stack.token(undefined, tokenSeconds);
    } catch (error) {
      if (this.#token === "") throw error;
    }
    return this.#token;
  }

  /** kill -9; another takes its place after `awayMs`. */
  async killRelay(index: number, awayMs = 1_000): Promise<void> {
    const relay = this.relays[index];
    if (!relay) return;
    this.#away.add(relay);
    await relay.process.end("SIGKILL");
    await sleep(awayMs);
    this.relays[index] = await this.#startRelay(index);
  }

  async killRedis(awayMs: number): Promise<void> {
    await this.stack.redis.end();
    await sleep(awayMs);
    await this.stack.redis.start();
  }

  /** kill -9 of the server and all of its processes. */
  async killPostgres(awayMs: number): Promise<void> {
    this.stack.postgres.signal("SIGKILL");
    await this.stack.postgres.stop("SIGKILL");
    await sleep(awayMs);
    await this.stack.postgres.start();
  }

  async untilReady(): Promise<void> {
    await eventually(async () => {
      const answers = await Promise.all(this.relays.map(({ httpUrl }) => fetch(`${httpUrl}/ready`)));
      return answers.every(({ ok }) => ok);
    }, settleMs);
  }

  async stop(): Promise<void> {
    await Promise.all([this.proxy.close(), this.redisProxy.close()]);
    await this.stack.stop();
  }

  #startRelay(index: number): Promise<TestRelay> {
    return this.stack.startRelay({ REDIS_URL: this.#redisUrl, ...this.#settings.relays?.[index] });
  }

  #nextRelay(): { host: string; port: number } | undefined {
    const there = this.relays.filter((relay) => !this.#away.has(relay));
    this.#turn += 1;
    const port = there[this.#turn % there.length]?.port;
    return port === undefined ? undefined : { host: "127.0.0.1", port };
  }
}
