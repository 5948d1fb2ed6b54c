import type { HubClient } from "#lib/protocol/hub-client.ts";
import { HubError } from "#lib/protocol/hub-messages.ts";
import type { Logger } from "#lib/runtime/logger.ts";
import type { OfflineBuffer } from "./offline-buffer.ts";

/** A number may grow fivefold when it is written anew, which still fits the hub's limit. */
const maxBatchBytes = 512 * 1024;

export type UpstreamOptions = {
  buffer: Pick<OfflineBuffer, "depth" | "stream" | "oldest" | "acknowledge">;
  /** What happens to readings that are left when the process ends. */
  leftovers?: "lost" | "kept";
  client: Pick<HubClient, "isConnected" | "request" | "drop">;
  /** After this long without an acknowledgement the connection is given up and the batch sent again on the next one. */
  ackTimeoutMs: number;
  maxBatch?: number;
  logger: Logger;
  onAcknowledged?: (seconds: number) => void;
  onFailed?: () => void;
};

/**
 * Empties the buffer into the hub: one batch at a time, so that the order holds, and a message leaves the buffer only when the
 * hub has acknowledged it. Readings that come while a batch is on its way go together in the next one.
 */
export class Upstream {
  readonly #options: UpstreamOptions;
  #sending: Promise<void> | undefined;
  #stopped = false;

  constructor(options: UpstreamOptions) {
    this.#options = options;
  }

  /** Call when a message was buffered or the hub is there again. */
  wake(): void {
    if (this.#stopped || this.#sending) return;
    this.#sending = this.#sendAll().finally(() => {
      this.#sending = undefined;
    });
  }

  /** Sends what is buffered, if the hub is there, for at most `timeoutMs`. */
  async flush(timeoutMs: number): Promise<void> {
    this.wake();
    const late = Promise.withResolvers<void>();
    const timer = setTimeout(late.resolve, timeoutMs);
    await Promise.race([this.#sending, late.promise]);
    clearTimeout(timer);
    this.#stopped = true;
    const { buffer, leftovers = "lost", logger } = this.#options;
    if (buffer.depth > 0 && leftovers === "kept") logger.info({ kept: buffer.depth }, "these readings stay on disk");
    else if (buffer.depth > 0)
      logger.warn({ lost: buffer.depth }, "the hub has not acknowledged these readings; they end with this process");
  }

  async #sendAll(): Promise<void> {
    const { buffer, client, maxBatch = 500, ackTimeoutMs, logger, onAcknowledged, onFailed } = this.#options;
    // A turn of the event loop lets the readings of one chunk share a batch.
    await new Promise((resolve) => setImmediate(resolve));
    while (buffer.depth > 0 && client.isConnected && !this.#stopped) {
      const startedAt = performance.now();
      const body = { stream: buffer.stream, messages: buffer.oldest(maxBatch, maxBatchBytes) };
      try {
        const answer = await client.request({ name: "batch", body }, { timeoutMs: ackTimeoutMs });
        if (answer.name !== "ack") throw new HubError("bad_message", `the hub answered a batch with ${answer.name}`);
        buffer.acknowledge(answer.body.sequence);
        onAcknowledged?.((performance.now() - startedAt) / 1000);
      } catch (error) {
        onFailed?.();
        logger.warn({ reason: String(error), buffered: buffer.depth }, "a batch was not acknowledged; it stays buffered");
        client.drop(new Error("a batch was not acknowledged"));
        return;
      }
    }
  }
}
