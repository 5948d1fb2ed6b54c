import type { Pipeline } from "#lib/database/pipeline.ts";
import type { Logger } from "#lib/runtime/logger.ts";
import { DomainError } from "../errors.ts";
import { bodyKey, countRepeats, type Delivery, readDelivery, refreshAfterMs, storeDeliveries } from "./ingest.ts";
import { findSourceBySecret } from "./sources.ts";

export type AlertIngestOptions = {
  /** Connections of its own: pages that keep others busy must not keep alerts out. */
  pipeline: Pipeline;
  clock: () => Date;
  logger: Logger;
  /** Called after a commit that changed episodes. */
  onChange?: () => void;
  /** How many transactions are under way at once at most; 1 by default, because few large ones cost less than many small ones. */
  maxBatches?: number;
  /** How many alerts one transaction takes at most, unless a single webhook has more; 500 by default. */
  maxBatchAlerts?: number;
  /** How many bytes may wait for a transaction; 64 MiB by default. */
  maxWaitingBytes?: number;
  /** How long a webhook waits for its commit before it is told to come again, in milliseconds; 10,000 by default. */
  answerWithinMs?: number;
};

/** What a webhook is told: how many alerts it had, and how many of them could not be read. */
export type Receipt = { alerts: number; unreadable: number };

type Waiting = { delivery: Delivery; isGivenUp: boolean; resolve: () => void; reject: (error: unknown) => void };

const attempts = 4;
const maxRemembered = 20_000;

/**
 * Takes webhooks in. What comes while transactions are under way is stored together by the next one, so that the number of commits
 * does not grow with the load; a webhook is answered only after the commit that holds it. Whatever is not certain to be stored is
 * refused with database-unavailable (HTTP 503): Alertmanager then sends it again, and storing it twice changes nothing.
 */
export class AlertIngest {
  readonly #options: Required<AlertIngestOptions>;
  readonly #lookUps = new Map<string, Promise<{ id: string; name: string } | null>>();
  /** When this process last stored a body: for a while it only needs counting. */
  readonly #storedAt = new Map<string, number>();
  #waiting: Waiting[] = [];
  #waitingBytes = 0;
  #batches = 0;

  constructor(options: AlertIngestOptions) {
    const defaults = { maxBatches: 1, maxBatchAlerts: 500, maxWaitingBytes: 64 * 2 ** 20, answerWithinMs: 10_000 };
    this.#options = { ...defaults, onChange: () => {}, ...options };
  }

  /** The source that a secret is of; throws not-authenticated. */
  async authenticate(name: string, secret: string | null): Promise<{ id: string; name: string }> {
    const source = secret === null ? null : await within(this.#options.answerWithinMs, this.#lookUp(name, secret));
    if (source) return source;
    throw new DomainError("not-authenticated", "This source of alerts is not known, is disabled, or has another secret.");
  }

  /** One query under way for all webhooks that wait for the same answer. */
  #lookUp(name: string, secret: string): Promise<{ id: string; name: string } | null> {
    const key = JSON.stringify([name, secret]);
    const known = this.#lookUps.get(key);
    if (known) return known;
    const lookUp = findSourceBySecret(this.#options.pipeline.run, name, secret).finally(() => this.#lookUps.delete(key));
    this.#lookUps.set(key, lookUp);
    return lookUp;
  }

  /** Resolves when the webhook's alerts are committed. Throws invalid-input when nothing of the body can be read. */
  async receive(source: { id: string; name: string }, bytes: Uint8Array): Promise<Receipt> {
    const { clock, logger, answerWithinMs, maxWaitingBytes } = this.#options;
    const delivery = readDelivery(source.id, bytes, clock());
    if (delivery.unreadable > 0) {
      logger.warn({ source: source.name, unreadable: delivery.unreadable }, "alerts of a webhook cannot be read");
    }
    if (this.#waitingBytes > 0 && this.#waitingBytes + delivery.body.length > maxWaitingBytes) throw tooSlow();
    await this.#store(delivery, answerWithinMs);
    return { alerts: delivery.notices.length + (delivery.hasWatchdog ? 1 : 0), unreadable: delivery.unreadable };
  }

  async #store(delivery: Delivery, answerWithinMs: number): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const waiting = { delivery, isGivenUp: false, resolve, reject };
    this.#waiting.push(waiting);
    this.#waitingBytes += delivery.body.length;
    this.#start();
    try {
      await within(answerWithinMs, promise);
    } finally {
      waiting.isGivenUp = true;
    }
  }

  #start(): void {
    if (this.#batches >= this.#options.maxBatches || this.#waiting.length === 0) return;
    this.#batches += 1;
    void this.#run(this.#take()).finally(() => {
      this.#batches -= 1;
      this.#start();
    });
  }

  async #run(batch: Waiting[]): Promise<void> {
    try {
      await this.#commit(batch.map(({ delivery }) => delivery));
      for (const { resolve } of batch) resolve();
    } catch (error) {
      await this.#commitApart(batch, error);
    }
  }

  /** What nobody waits for any more is left out: it comes again. */
  #take(): Waiting[] {
    const { maxBatchAlerts } = this.#options;
    const batch: Waiting[] = [];
    let alerts = 0;
    let count = 0;
    for (const waiting of this.#waiting) {
      if (!waiting.isGivenUp) {
        alerts += waiting.delivery.notices.length;
        if (batch.length > 0 && alerts > maxBatchAlerts) break;
        batch.push(waiting);
      }
      this.#waitingBytes -= waiting.delivery.body.length;
      count += 1;
    }
    this.#waiting.splice(0, count);
    return batch;
  }

  /** One webhook that cannot be stored must not keep the others of its batch out. */
  async #commitApart(batch: Waiting[], error: unknown): Promise<void> {
    const isAway = error instanceof DomainError && error.code === "database-unavailable";
    if (batch.length === 1 || isAway) {
      for (const { reject } of batch) reject(error);
      return;
    }
    for (const { delivery, resolve, reject } of batch) await this.#commit([delivery]).then(resolve, reject);
  }

  async #commit(deliveries: Delivery[]): Promise<void> {
    const { pipeline, clock, logger, onChange } = this.#options;
    const now = clock();
    const isRepeat = (delivery: Delivery) => this.#storedAt.has(bodyKey(delivery));
    this.#forget(now.getTime() - refreshAfterMs);
    const repeats = deliveries.filter(isRepeat);
    const fresh = deliveries.filter((delivery) => !isRepeat(delivery));
    if (repeats.length > 0) fresh.push(...(await countRepeats(pipeline, repeats, now)));
    if (fresh.length === 0) return;
    for (let attempt = 1; ; attempt += 1) {
      try {
        if ((await storeDeliveries(pipeline, fresh, now)) > 0) onChange();
        for (const delivery of fresh) this.#storedAt.set(bodyKey(delivery), now.getTime());
        return;
      } catch (error) {
        if (attempt === attempts || !isConflict(error)) throw error;
        logger.info({ attempt, reason: String(error).slice(0, 200) }, "alerts are stored again after a conflict");
      }
    }
  }

  #forget(before: number): void {
    for (const [key, at] of this.#storedAt) {
      if (at > before && this.#storedAt.size <= maxRemembered) break;
      this.#storedAt.delete(key);
    }
  }
}

/** Whether PostgreSQL undid a transaction for another one's sake (deadlock, serialization): the same may succeed when repeated. */
function isConflict(error: unknown): boolean {
  return error instanceof Error && "code" in error && (error.code === "40P01" || error.code === "40001");
}

function within<T>(ms: number, promise: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(tooSlow()), ms);
    promise.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

function tooSlow(): DomainError {
  return new DomainError("database-unavailable", "Switchyard's database is too slow now to take alerts in; send them again.", {
    retryAfterSeconds: 5,
  });
}
