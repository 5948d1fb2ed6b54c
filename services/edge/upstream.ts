import type { HubBatch } from "#lib/protocol/hub-batch.ts";
import type { HubClient } from "#lib/protocol/hub-client.ts";
import { CreditWindow } from "#lib/protocol/hub-credit.ts";
import { type HubCredit, HubError } from "#lib/protocol/hub-messages.ts";
import type { Logger } from "#lib/runtime/logger.ts";
import type { OfflineBuffer } from "./offline-buffer.ts";

export type UpstreamOptions = {
  buffer: Pick<OfflineBuffer, "depth" | "next" | "rewind" | "acknowledge">;
  /** What happens to readings that are left when the process ends. */
  leftovers?: "lost" | "kept";
  client: Pick<HubClient, "request" | "drop">;
  /** After this long without an acknowledgement the connection is given up and everything sent again on the next one. */
  ackTimeoutMs: number;
  logger: Logger;
  onAcknowledged?: (seconds: number) => void;
  onFailed?: () => void;
};

/**
 * Empties the buffer into the hub: batch after batch, as many on their way as the hub's credit allows, in order. A reading leaves the
 * buffer only when the hub has acknowledged it; when a batch is not acknowledged the connection is given up, and everything that
 * was on its way goes first on the next one. Readings that come within one turn of the event loop share a batch.
 */
export class Upstream {
  readonly #options: UpstreamOptions;
  /** What is on its way on the present connection. */
  #window: CreditWindow | undefined;
  #isWoken = false;
  #stopped = false;
  #onIdle: (() => void) | undefined;

  constructor(options: UpstreamOptions) {
    this.#options = options;
  }

  /** There is a connection, with this credit to begin with. */
  connected(credit: HubCredit = { readings: 0, bytes: 0 }): void {
    this.#options.buffer.rewind();
    this.#window = new CreditWindow(credit);
    this.wake();
  }

  disconnected(): void {
    this.#window = undefined;
    this.#options.buffer.rewind();
    this.#onIdle?.();
  }

  /** The hub has changed the credit. */
  grant(credit: HubCredit): void {
    if (this.#window) this.#window.credit = credit;
    this.wake();
  }

  /** Call when readings were buffered. */
  wake(): void {
    if (this.#isWoken) return;
    this.#isWoken = true;
    setImmediate(() => {
      this.#isWoken = false;
      this.#sendAll();
    });
  }

  /** Waits until everything is acknowledged, for at most `timeoutMs` and while there is a hub, then sends no more. */
  async flush(timeoutMs: number): Promise<void> {
    const { buffer, leftovers = "lost", logger } = this.#options;
    const idle = Promise.withResolvers<void>();
    this.#onIdle = idle.resolve;
    const timer = setTimeout(idle.resolve, timeoutMs);
    this.wake();
    if (buffer.depth > 0 && this.#window) await idle.promise;
    clearTimeout(timer);
    this.#stopped = true;
    if (buffer.depth > 0 && leftovers === "kept") logger.info({ kept: buffer.depth }, "these readings stay on disk");
    else if (buffer.depth > 0)
      logger.warn({ lost: buffer.depth }, "the hub has not acknowledged these readings; they end with this process");
  }

  #sendAll(): void {
    const { buffer } = this.#options;
    while (this.#window && !this.#stopped) {
      const batch = buffer.next(this.#window.room);
      if (!batch) return;
      this.#window.take(batch);
      void this.#send(batch, this.#window);
    }
  }

  async #send(batch: HubBatch, window: CreditWindow): Promise<void> {
    const { buffer, client, ackTimeoutMs, logger, onAcknowledged, onFailed } = this.#options;
    const { count, byteLength } = batch.readings;
    const startedAt = performance.now();
    try {
      const answer = await client.request({ name: "batch", body: batch }, { timeoutMs: ackTimeoutMs });
      if (window !== this.#window) return;
      const isTaken = answer.name === "ack" && answer.body.sequence >= batch.first + count - 1;
      if (!isTaken) throw new HubError("bad_message", "the hub's answer to a batch does not acknowledge it");
      window.giveBack(count, byteLength);
      buffer.acknowledge(batch.stream, batch.first + count - 1);
      onAcknowledged?.((performance.now() - startedAt) / 1000);
      if (buffer.depth === 0) this.#onIdle?.();
      this.#sendAll();
    } catch (error) {
      if (window !== this.#window) return;
      onFailed?.();
      logger.warn({ reason: String(error), buffered: buffer.depth }, "a batch was not acknowledged; it stays buffered");
      this.disconnected();
      client.drop(new Error("a batch was not acknowledged"));
    }
  }
}
