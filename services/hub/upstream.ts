import { type BatchOrigin, batchBytes, type HubBatch } from "#lib/protocol/hub-batch.ts";
import { HubClient, type HubTls } from "#lib/protocol/hub-client.ts";
import { CreditWindow, noTimeoutMs } from "#lib/protocol/hub-credit.ts";
import { type HubCredit, HubError, maxHubPayloadBytes } from "#lib/protocol/hub-messages.ts";
import type { BackoffOptions } from "#lib/runtime/backoff.ts";
import type { Logger } from "#lib/runtime/logger.ts";
import type { ReadingSink, Taken } from "./edge-ledger.ts";

export type HubUpstreamOptions = {
  hubs: { host: string; port: number }[];
  /** Asked anew for every connection, so that they may be renewed. */
  token: () => string;
  tls: () => HubTls;
  /** For connecting, and between acknowledgements while something is on its way. */
  timeoutMs: number;
  /** What this hub calls itself. */
  name: string;
  version: string;
  backoff?: BackoffOptions;
  logger: Logger;
};

type Waiting = { batch: HubBatch; isWanted: () => boolean; resolve: (taken: Taken) => void; reject: (error: unknown) => void };

/**
 * Passes what edges send on to a central hub, under the edges' own names, streams and numbers, and in the order in which it came. A
 * batch is taken over once the central hub has acknowledged it: this hub keeps nothing, so that it can be lost without a loss. When
 * one is not acknowledged, everything on its way is given up with the connection, and comes again from the edges.
 */
export class HubUpstream implements ReadingSink {
  readonly #client: HubClient;
  readonly #listeners: (() => void)[] = [];
  #window: CreditWindow | undefined;
  #credit: HubCredit | undefined;
  #waiting: Waiting[] = [];

  constructor({ hubs, token, tls, timeoutMs, name, version, backoff, logger }: HubUpstreamOptions) {
    this.#client = new HubClient({
      hubs,
      hello: { role: "hub", tenant: "hub", instance: name, version, token },
      tls,
      connectTimeoutMs: timeoutMs,
      ...(backoff ? { backoff } : {}),
      logger,
      onMessage: (message) => {
        if (message.name === "credit") this.#grant(message.body);
      },
      onConnect: ({ credit = { readings: 0, bytes: 0 } }) => {
        const onStall = () => this.#drop(window, `no acknowledgement within ${timeoutMs} ms`);
        const window = new CreditWindow(credit, { timeoutMs, onStall });
        this.#window = window;
        this.#grant(credit);
      },
      onDisconnect: (reason) => this.#giveUp(reason),
    });
  }

  /** True while the central hub cannot be reached, or takes nothing. */
  get isAway(): boolean {
    return !this.#client.isConnected || !this.#credit?.readings;
  }

  /** The central hub's. */
  get credit(): HubCredit | undefined {
    return this.#credit;
  }

  watch(listener: () => void): void {
    this.#listeners.push(listener);
  }

  start(): void {
    this.#client.start();
  }

  async stop(): Promise<void> {
    await this.#client.stop();
    this.#giveUp(new Error("this hub stops"));
  }

  /**
   * Waits for credit of the central hub; what waits here is within what this hub has granted to its own peers. Rejects with HubError:
   * `busy`, `cancelled`, and `bad_message` when the batch with its origin is longer than a frame may be.
   */
  take(origin: BatchOrigin, batch: HubBatch, isWanted = () => true): Promise<Taken> {
    if (!this.#client.isConnected) return Promise.reject(new HubError("busy", "the upstream hub is away"));
    const owned = { ...batch, origin };
    if (batchBytes(owned) > maxHubPayloadBytes) {
      return Promise.reject(new HubError("bad_message", "the batch is too long to be passed on with its origin"));
    }
    return new Promise((resolve, reject) => {
      this.#waiting.push({ batch: owned, isWanted, resolve, reject });
      this.#sendWaiting();
    });
  }

  #sendWaiting(): void {
    for (let next = this.#waiting[0]; next; next = this.#waiting[0]) {
      if (!next.isWanted()) next.reject(new HubError("cancelled", "its sender has left"));
      else if (this.#window?.take(next.batch)) void this.#send(next, this.#window);
      else if (this.#window?.readings === 0 && !this.isAway) next.reject(new HubError("busy", "more than the upstream's credit"));
      else return;
      this.#waiting.shift();
    }
  }

  async #send({ batch, resolve, reject }: Waiting, window: CreditWindow): Promise<void> {
    const { count, byteLength } = batch.readings;
    try {
      const answer = await this.#client.request({ name: "batch", body: batch }, { timeoutMs: noTimeoutMs });
      if (answer.name !== "ack") throw new HubError("bad_message", `the upstream hub answered a batch with ${answer.name}`);
      window.giveBack(count, byteLength);
      resolve(answer.body);
      this.#sendWaiting();
    } catch (error) {
      reject(error);
      this.#drop(window, "the upstream hub did not acknowledge a batch");
    }
  }

  #drop(window: CreditWindow, reason: string): void {
    if (window === this.#window) this.#client.drop(new Error(reason));
  }

  #grant(credit: HubCredit): void {
    if (this.#window) this.#window.credit = credit;
    this.#credit = credit;
    this.#tell();
    this.#sendWaiting();
  }

  /** Everything that waits is refused before anything can be sent on another connection. */
  #giveUp(reason: Error): void {
    this.#window = undefined;
    this.#credit = undefined;
    for (const { reject } of this.#waiting.splice(0)) reject(reason);
    this.#tell();
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }
}
