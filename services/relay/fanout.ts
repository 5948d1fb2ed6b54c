import { setTimeout as sleep } from "node:timers/promises";
import { Redis } from "ioredis";
import { decode, type ReplicaMessage, replicaMessageSchema } from "#lib/protocol/relay-messages.ts";
import type { Logger } from "#lib/runtime/logger.ts";

const channelPrefix = "relay:document:";
const redisTimeoutMs = 2000;
const heartbeatMs = 1000;
/** While more characters than these wait for Redis to take them, messages are dropped. */
const maxUnansweredCharacters = 8 * 1024 * 1024;

/**
 * What replicas tell each other, over Redis publish/subscribe. It is a hint, never the truth: a message that is lost is made up
 * for by reading PostgreSQL. Uses two connections, one to publish and one that is subscribed.
 */
export class Fanout {
  readonly #replica: string;
  readonly #logger: Logger;
  readonly #publisher: Redis;
  readonly #subscriber: Redis;
  readonly #onMessage: (documentId: string, message: ReplicaMessage) => void;
  #unansweredCharacters = 0;
  #heartbeat: NodeJS.Timeout | undefined;

  constructor(options: {
    url: string;
    replica: string;
    logger: Logger;
    onMessage: (documentId: string, message: ReplicaMessage) => void;
  }) {
    this.#replica = options.replica;
    this.#logger = options.logger;
    this.#onMessage = options.onMessage;
    const retryStrategy = (attempt: number) => Math.min(1000, 100 * 2 ** Math.min(attempt - 1, 5));
    const timeouts = { connectTimeout: redisTimeoutMs, socketTimeout: redisTimeoutMs };
    const common = { ...timeouts, retryStrategy, lazyConnect: true };
    // What is published within a tick goes out as one write.
    const publishing = { enableOfflineQueue: false, maxRetriesPerRequest: 0, enableAutoPipelining: true };
    this.#publisher = new Redis(options.url, { ...common, ...publishing });
    this.#subscriber = new Redis(options.url, { ...common, maxRetriesPerRequest: null });
    this.#subscriber.on("message", (channel, text) => this.#receive(channel, text));
    for (const connection of [this.#publisher, this.#subscriber]) this.#logState(connection);
  }

  start(): void {
    for (const connection of [this.#publisher, this.#subscriber]) connection.connect().catch(() => {});
    // A connection whose other end is gone without a word is noticed by what it does not answer.
    this.#heartbeat = setInterval(() => void this.ping().catch(() => {}), heartbeatMs);
  }

  stop(): void {
    clearInterval(this.#heartbeat);
    this.#publisher.disconnect();
    this.#subscriber.disconnect();
  }

  async ping(): Promise<void> {
    if (this.#subscriber.status !== "ready") throw new Error("the subscribed connection to Redis is not up");
    await Promise.all([this.#publisher.ping(), this.#subscriber.ping()]);
  }

  /** Whether messages can be published; waits at most `waitMs` to become true. */
  async opens(waitMs: number): Promise<boolean> {
    if (this.#canPublish()) return true;
    const ready = new AbortController();
    const onReady = () => ready.abort();
    this.#publisher.once("ready", onReady);
    await sleep(waitMs, undefined, { signal: ready.signal }).catch(() => {});
    this.#publisher.off("ready", onReady);
    return this.#canPublish();
  }

  publish(documentId: string, message: Omit<ReplicaMessage, "replica">): void {
    if (!this.#canPublish() || this.#unansweredCharacters > maxUnansweredCharacters) return;
    const text = JSON.stringify({ replica: this.#replica, ...message });
    this.#unansweredCharacters += text.length;
    this.#publisher
      .publish(channelPrefix + documentId, text)
      .catch((error: unknown) => this.#logger.debug({ err: error }, "a message to the other replicas was not sent"))
      .finally(() => {
        this.#unansweredCharacters -= text.length;
      });
  }

  subscribe(documentId: string): void {
    this.#subscriber.subscribe(channelPrefix + documentId).catch(() => {});
  }

  unsubscribe(documentId: string): void {
    this.#subscriber.unsubscribe(channelPrefix + documentId).catch(() => {});
  }

  #canPublish(): boolean {
    return this.#publisher.status === "ready";
  }

  #receive(channel: string, text: string): void {
    // Redis gives a replica its own messages back.
    if (text.startsWith(`{"replica":"${this.#replica}"`)) return;
    const decoded = decode(replicaMessageSchema, text);
    if ("problem" in decoded) {
      this.#logger.warn({ problem: decoded.problem }, "a message of another replica is not understood");
    } else {
      this.#onMessage(channel.slice(channelPrefix.length), decoded.value);
    }
  }

  #logState(connection: Redis): void {
    let isUp: boolean | undefined;
    connection.on("ready", () => {
      if (isUp === false) this.#logger.info("Redis is back");
      isUp = true;
    });
    connection.on("error", (error) => {
      if (isUp !== false) this.#logger.warn({ err: error }, "Redis is away");
      isUp = false;
    });
  }
}
