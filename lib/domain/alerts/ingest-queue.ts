import type { Pipeline } from "#lib/database/pipeline.ts";
import type { Logger } from "#lib/runtime/logger.ts";
import { DomainError } from "../errors.ts";
import { type Delivery, readDelivery, refreshAfterMs, storeDeliveries } from "./ingest.ts";
import { findSourceSecret, isSecretOf, type SourceSecret } from "./sources.ts";
import { ToldLately } from "./told-lately.ts";

export type AlertIngestOptions = {
  /** Connections of its own: pages that keep others busy must not keep alerts out. */
  pipeline: Pipeline;
  clock: () => Date;
  logger: Logger;
  /** Called after a commit that changed episodes. */
  onChange?: () => void;
  /** How many transactions are under way at once at most; 2 by default: one is prepared while the database works on the other. */
  maxBatches?: number;
  /** How many alerts that are news one transaction takes at most, unless a single webhook has more; 500 by default. */
  maxBatchAlerts?: number;
  /** How many bytes of bodies may wait for a commit, read they take several times that; 16 MiB by default, or one body alone. */
  maxWaitingBytes?: number;
  /** How long a webhook waits for its commit before it is told to come again, in milliseconds; 5,000 by default. */
  answerWithinMs?: number;
  /** When the database has kept something waiting for so long, who comes new is told at once to come again; 1,500 ms by default. */
  stalledAfterMs?: number;
};

/** What a webhook is told: how many alerts it had, and how many of them could not be read. */
export type Receipt = { alerts: number; unreadable: number };

type Waiting = { delivery: Delivery; isGivenUp: boolean; resolve: () => void; reject: (error: unknown) => void };

const attempts = 4;
/** From so many webhooks on a further transaction is begun beside one under way: few large ones cost less than many small ones. */
const manyWaiting = 6;
/** How many bytes of bodies one transaction takes at most, unless a single one is longer: they are compressed while all else waits. */
const maxBatchBytes = 2 ** 20;
/** For how long a database that did not answer is taken to be away, when nobody asked it since, in milliseconds. */
const believeAwayMs = 10_000;
const maxNameLength = 100;
const maxLookUps = 100;
const keepSecretMs = 1_000;

/**
 * Takes webhooks in. What comes while transactions are under way is stored together by the next one, so that the number of commits
 * does not grow with the load; a webhook is answered only after the commit that holds it. Whatever is not certain to be stored is
 * refused with database-unavailable (HTTP 503): Alertmanager then sends it again, and storing it twice changes nothing.
 */
export class AlertIngest {
  readonly #options: Required<AlertIngestOptions>;
  readonly #lookUps = new Map<string, Promise<SourceSecret | null>>();
  /** Secrets that opened lately, by their source's name. */
  readonly #secrets = new Map<string, { secret: SourceSecret; at: number }>();
  readonly #told = new ToldLately({ forMs: refreshAfterMs, maxKeys: 100_000 });
  /** What the database was asked and has not answered, the oldest first. */
  readonly #underWay = new Set<{ at: number }>();
  /** Keys of the alerts that transactions under way store. */
  readonly #storing = new Set<string>();
  #waiting: Waiting[] = [];
  #heldBytes = 0;
  /** When the database did not take something, and took nothing since; -Infinity when it did. */
  #awayAt = Number.NEGATIVE_INFINITY;
  #batches = 0;

  constructor(options: AlertIngestOptions) {
    const defaults = {
      maxBatches: 2,
      maxBatchAlerts: 500,
      maxWaitingBytes: 16 * 2 ** 20,
      answerWithinMs: 5_000,
      stalledAfterMs: 1_500,
    };
    this.#options = { ...defaults, onChange: () => {}, ...options };
  }

  /** The source that a secret is of; throws not-authenticated. A secret that was changed opens for another second. */
  async authenticate(name: string, secret: string | null): Promise<{ id: string; name: string }> {
    this.#refuseWhenAway();
    if (secret !== null && name.length <= maxNameLength) {
      const kept = this.#secrets.get(name);
      if (kept && performance.now() - kept.at < keepSecretMs && isSecretOf(kept.secret, secret))
        return { id: kept.secret.id, name };
      const at = performance.now();
      const known = await within(this.#options.answerWithinMs, this.#lookUp(name));
      if (known && isSecretOf(known, secret)) {
        this.#secrets.set(name, { secret: known, at });
        return { id: known.id, name };
      }
    }
    throw new DomainError("not-authenticated", "This source of alerts is not known, is disabled, or has another secret.");
  }

  /** One query under way for all webhooks of a name; strangers with many names must not fill the memory. */
  #lookUp(name: string): Promise<SourceSecret | null> {
    const known = this.#lookUps.get(name);
    if (known) return known;
    if (this.#lookUps.size >= maxLookUps) throw tooSlow();
    const asked = this.#noteFailure(findSourceSecret(this.#options.pipeline.run, name));
    const lookUp = this.#time(asked).finally(() => this.#lookUps.delete(name));
    this.#lookUps.set(name, lookUp);
    return lookUp;
  }

  /** Resolves when the webhook's alerts are committed. Throws invalid-input when nothing of the body can be read. */
  async receive(source: { id: string; name: string }, bytes: Uint8Array): Promise<Receipt> {
    const { clock, logger, answerWithinMs, maxWaitingBytes } = this.#options;
    this.#refuseWhenAway();
    const delivery = readDelivery(source.id, bytes, clock());
    if (delivery.unreadable > 0) {
      logger.warn({ source: source.name, unreadable: delivery.unreadable }, "alerts of a webhook cannot be read");
    }
    if (this.#heldBytes > 0 && this.#heldBytes + delivery.bytes.length > maxWaitingBytes) throw tooSlow();
    await this.#store(delivery, answerWithinMs);
    return { alerts: delivery.alerts.length + (delivery.hasWatchdog ? 1 : 0), unreadable: delivery.unreadable };
  }

  async #store(delivery: Delivery, answerWithinMs: number): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const waiting = { delivery, isGivenUp: false, resolve, reject };
    this.#waiting.push(waiting);
    this.#heldBytes += delivery.bytes.length;
    this.#start();
    try {
      await within(answerWithinMs, promise);
    } finally {
      waiting.isGivenUp = true;
    }
  }

  #start(): void {
    while (this.#batches < this.#options.maxBatches) {
      if (this.#batches > 0 && this.#waiting.length < manyWaiting) return;
      const batch = this.#take();
      if (batch.length === 0) return;
      this.#batches += 1;
      void this.#time(this.#run(batch)).finally(() => {
        this.#batches -= 1;
        this.#start();
      });
    }
  }

  async #time<T>(work: Promise<T>): Promise<T> {
    const beganAt = { at: performance.now() };
    this.#underWay.add(beganAt);
    return await work.finally(() => this.#underWay.delete(beganAt));
  }

  #noteFailure<T>(answer: Promise<T>): Promise<T> {
    return answer.catch((error) => {
      if (isUnavailable(error)) this.#awayAt = performance.now();
      throw error;
    });
  }

  /**
   * A queue in front of a database that hangs makes everybody late and nobody safer. Once it did not answer, one webhook at a time
   * tries, until something is stored.
   */
  #refuseWhenAway(): void {
    const [oldest] = this.#underWay;
    if (!oldest) return;
    const now = performance.now();
    if (now - oldest.at > this.#options.stalledAfterMs) this.#awayAt = now;
    if (now - this.#awayAt < believeAwayMs) throw tooSlow();
  }

  async #run(batch: Waiting[]): Promise<void> {
    const keys = batch.flatMap(({ delivery }) => delivery.alerts.map(({ key }) => key));
    for (const key of keys) this.#storing.add(key);
    try {
      await this.#commit(batch.map(({ delivery }) => delivery));
      for (const { resolve } of batch) resolve();
    } catch (error) {
      await this.#commitApart(batch, error);
    } finally {
      for (const key of keys) this.#storing.delete(key);
      for (const { delivery } of batch) this.#heldBytes -= delivery.bytes.length;
    }
  }

  /**
   * The next transaction's webhooks, each with what of it is news. Alerts that another transaction stores are waited for: afterwards
   * most of them are no news. None overtakes another one that tells of the same alert. What nobody waits for any more is left out: it
   * comes again.
   */
  #take(): Waiting[] {
    const batch: Waiting[] = [];
    const later: Waiting[] = [];
    const now = this.#options.clock().getTime();
    const awaited = new Set(this.#storing);
    let [count, bytes] = [0, 0];
    for (const waiting of this.#waiting) {
      const { delivery } = waiting;
      if (waiting.isGivenUp) {
        this.#heldBytes -= delivery.bytes.length;
        continue;
      }
      const alerts = delivery.alerts.filter(({ key, digest }) => !this.#told.has(key, digest, now));
      const isTooMuch = count + alerts.length > this.#options.maxBatchAlerts || bytes + delivery.bytes.length > maxBatchBytes;
      if ((isTooMuch && batch.length > 0) || alerts.some(({ key }) => awaited.has(key))) {
        later.push(waiting);
        for (const { key } of alerts) awaited.add(key);
      } else {
        batch.push({ ...waiting, delivery: { ...delivery, alerts } });
        count += alerts.length;
        bytes += delivery.bytes.length;
      }
    }
    this.#waiting = later;
    return batch;
  }

  /** One webhook that cannot be stored must not keep the others of its batch out. */
  async #commitApart(batch: Waiting[], error: unknown): Promise<void> {
    if (batch.length === 1 || isUnavailable(error)) {
      for (const { reject } of batch) reject(error);
      return;
    }
    for (const { delivery, resolve, reject } of batch) await this.#commit([delivery]).then(resolve, reject);
  }

  async #commit(deliveries: readonly Delivery[]): Promise<void> {
    const { pipeline, clock, logger, onChange } = this.#options;
    const now = clock();
    for (let attempt = 1; ; attempt += 1) {
      try {
        const changed = await this.#noteFailure(storeDeliveries(pipeline, deliveries, now));
        this.#awayAt = Number.NEGATIVE_INFINITY;
        if (changed > 0) onChange();
        break;
      } catch (error) {
        if (attempt === attempts || !isConflict(error)) throw error;
        logger.info({ attempt, reason: String(error).slice(0, 200) }, "alerts are stored again after a conflict");
      }
    }
    for (const { key, digest } of deliveries.flatMap(({ alerts }) => alerts)) this.#told.keep(key, digest, now.getTime());
  }
}

function isUnavailable(error: unknown): boolean {
  return error instanceof DomainError && error.code === "database-unavailable";
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
