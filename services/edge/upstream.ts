import type { HubBatch } from "#lib/protocol/hub-batch.ts";
import type { HubClient } from "#lib/protocol/hub-client.ts";
import { CreditWindow, noTimeoutMs } from "#lib/protocol/hub-credit.ts";
import { type HubCredit, HubError } from "#lib/protocol/hub-messages.ts";
import type { Logger } from "#lib/runtime/logger.ts";
import type { OfflineBuffer } from "./offline-buffer.ts";

export type UpstreamOptions = {
  buffer: Pick<OfflineBuffer, "depth" | "next" | "rewind" | "acknowledge">;
  /** What happens to readings that are left when the process ends. */
  leftovers?: "lost" | "kept";
  client: Pick<HubClient, "request" | "drop">;
  /** After this long without any acknowledgement the connection is given up and everything sent again on the next one. */
  ackTimeoutMs: number;
  logger: Logger;
  onAcknowledged?: (seconds: number) => void;
  onFailed?: () => void;
};

/** Bytes on their way at most while it is not known how fast the link is. */
const firstPace = 32 * 1024;

/**
 * Empties the buffer into the hub: batch after batch, in order, as many on their way as the hub's credit allows and as the link
 * carries well within the time for an acknowledgement. A reading leaves the
 * buffer only when the hub has acknowledged it; when a batch is not acknowledged the connection is given up, and everything that
 * was on its way goes first on the next one. Readings that come within one turn of the event loop share a batch.
 */
export class Upstream {
  readonly #options: UpstreamOptions;
  /** What is on its way on the present connection. */
  #window: CreditWindow | undefined;
  /** Bytes on their way at most, whatever the credit: more while acknowledgements come soon, less when they do not. */
  #pace = firstPace;
  #isWoken = false;
  #stopped = false;
  #onIdle: (() => void) | undefined;

  constructor(options: UpstreamOptions) {
    this.#options = options;
  }

  /** There is a connection, with this credit to begin with. */
  connected(credit: HubCredit = { readings: 0, bytes: 0 }): void {
    this.#options.buffer.rewind();
    const { ackTimeoutMs: timeoutMs } = this.#options;
    const onStall = () => this.#giveUp(window, new Error(`no acknowledgement within ${timeoutMs} ms`));
    const window = new CreditWindow(credit, { timeoutMs, onStall });
    this.#window = window;
    this.#pace = firstPace;
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
    while (this.#window && !this.#stopped) {
      const batch = this.#next(this.#window);
      if (!batch) return;
      this.#window.take(batch);
      void this.#send(batch, this.#window);
    }
  }

  #next({ room, readings, bytes }: CreditWindow): HubBatch | undefined {
    const { buffer } = this.#options;
    const batch = buffer.next({ readings: room.readings, bytes: Math.min(room.bytes, this.#pace - bytes) });
    // A reading larger than the pace goes alone.
    return batch ?? (readings === 0 ? buffer.next({ readings: Math.min(1, room.readings), bytes: room.bytes }) : undefined);
  }

  async #send(batch: HubBatch, window: CreditWindow): Promise<void> {
    const { buffer, client, onAcknowledged } = this.#options;
    const { count, byteLength } = batch.readings;
    const startedAt = performance.now();
    try {
      const answer = await client.request({ name: "batch", body: batch }, { timeoutMs: noTimeoutMs });
      if (window !== this.#window) return;
      const isTaken = answer.name === "ack" && answer.body.sequence >= batch.first + count - 1;
      if (!isTaken) throw new HubError("bad_message", "the hub's answer to a batch does not acknowledge it");
      const tookMs = performance.now() - startedAt;
      this.#setPace(tookMs, byteLength, window);
      window.giveBack(count, byteLength);
      buffer.acknowledge(batch.stream, batch.first + count - 1);
      onAcknowledged?.(tookMs / 1000);
      if (buffer.depth === 0) this.#onIdle?.();
      this.#sendAll();
    } catch (error) {
      this.#giveUp(window, error);
    }
  }

  /** Doubles the pace with each round while it is used, and halves it when an acknowledgement took half of the time it may. */
  #setPace(tookMs: number, byteLength: number, window: CreditWindow): void {
    if (tookMs > this.#options.ackTimeoutMs / 2) this.#pace = Math.max(firstPace, this.#pace / 2);
    else if (window.bytes > this.#pace / 2) this.#pace += byteLength;
  }

  #giveUp(window: CreditWindow, reason: unknown): void {
    if (window !== this.#window) return;
    const { buffer, client, logger, onFailed } = this.#options;
    onFailed?.();
    logger.warn({ reason: String(reason), buffered: buffer.depth }, "a batch was not acknowledged; it stays buffered");
    this.disconnected();
    client.drop(new Error("a batch was not acknowledged"));
  }
}
