import { hash } from "node:crypto";
import type { Pipeline } from "#lib/database/pipeline.ts";
import type { Logger } from "#lib/runtime/logger.ts";
import { DomainError } from "../errors.ts";
import { bodyKey, countRepeats, type Delivery, readDelivery, refreshAfterMs, storeDeliveries } from "./ingest.ts";
import { keyOf } from "./series-store.ts";
import { findSourceSecret, isSecretOf, type SourceSecret } from "./sources.ts";
import { ToldLately } from "./told-lately.ts";
import type { AlertNotice } from "./webhook-body.ts";

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
  /** How many characters of bodies may wait for a commit, read they take several times that; 16 Mi by default, or one body alone. */
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
const maxNameLength = 100;
const maxLookUps = 100;

/**
 * Takes webhooks in. What comes while transactions are under way is stored together by the next one, so that the number of commits
 * does not grow with the load; a webhook is answered only after the commit that holds it. Whatever is not certain to be stored is
 * refused with database-unavailable (HTTP 503): Alertmanager then sends it again, and storing it twice changes nothing.
 */
export class AlertIngest {
  readonly #options: Required<AlertIngestOptions>;
  readonly #lookUps = new Map<string, Promise<SourceSecret | null>>();
  readonly #bodies = new ToldLately({ forMs: refreshAfterMs, maxKeys: 20_000 });
  readonly #alerts = new ToldLately({ forMs: refreshAfterMs, maxKeys: 100_000 });
  /** What the database was asked and has not answered, the oldest first. */
  readonly #underWay = new Set<{ at: number }>();
  #waiting: Waiting[] = [];
  #heldBytes = 0;
  #batches = 0;

  constructor(options: AlertIngestOptions) {
    const defaults = {
      maxBatches: 1,
      maxBatchAlerts: 500,
      maxWaitingBytes: 16 * 2 ** 20,
      answerWithinMs: 5_000,
      stalledAfterMs: 1_500,
    };
    this.#options = { ...defaults, onChange: () => {}, ...options };
  }

  /** The source that a secret is of; throws not-authenticated. */
  async authenticate(name: string, secret: string | null): Promise<{ id: string; name: string }> {
    this.#refuseWhenStalled();
    const isPlausible = secret !== null && name.length <= maxNameLength;
    const known = isPlausible ? await within(this.#options.answerWithinMs, this.#lookUp(name)) : null;
    if (known && secret !== null && isSecretOf(known, secret)) return { id: known.id, name };
    throw new DomainError("not-authenticated", "This source of alerts is not known, is disabled, or has another secret.");
  }

  /** One query under way for all webhooks of a name; strangers with many names must not fill the memory. */
  #lookUp(name: string): Promise<SourceSecret | null> {
    const known = this.#lookUps.get(name);
    if (known) return known;
    if (this.#lookUps.size >= maxLookUps) throw tooSlow();
    const lookUp = this.#time(findSourceSecret(this.#options.pipeline.run, name)).finally(() => this.#lookUps.delete(name));
    this.#lookUps.set(name, lookUp);
    return lookUp;
  }

  /** Resolves when the webhook's alerts are committed. Throws invalid-input when nothing of the body can be read. */
  async receive(source: { id: string; name: string }, bytes: Uint8Array): Promise<Receipt> {
    const { clock, logger, answerWithinMs, maxWaitingBytes } = this.#options;
    this.#refuseWhenStalled();
    const delivery = readDelivery(source.id, bytes, clock());
    if (delivery.unreadable > 0) {
      logger.warn({ source: source.name, unreadable: delivery.unreadable }, "alerts of a webhook cannot be read");
    }
    if (this.#heldBytes > 0 && this.#heldBytes + delivery.body.length > maxWaitingBytes) throw tooSlow();
    await this.#store(delivery, answerWithinMs);
    return { alerts: delivery.notices.length + (delivery.hasWatchdog ? 1 : 0), unreadable: delivery.unreadable };
  }

  async #store(delivery: Delivery, answerWithinMs: number): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const waiting = { delivery, isGivenUp: false, resolve, reject };
    this.#waiting.push(waiting);
    this.#heldBytes += delivery.body.length;
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
    void this.#time(this.#run(this.#take())).finally(() => {
      this.#batches -= 1;
      this.#start();
    });
  }

  async #time<T>(work: Promise<T>): Promise<T> {
    const beganAt = { at: performance.now() };
    this.#underWay.add(beganAt);
    return await work.finally(() => this.#underWay.delete(beganAt));
  }

  /** A queue in front of a database that hangs makes everybody late and nobody safer. */
  #refuseWhenStalled(): void {
    const [oldest] = this.#underWay;
    if (oldest && performance.now() - oldest.at > this.#options.stalledAfterMs) throw tooSlow();
  }

  async #run(batch: Waiting[]): Promise<void> {
    try {
      await this.#commit(batch.map(({ delivery }) => delivery));
      for (const { resolve } of batch) resolve();
    } catch (error) {
      await this.#commitApart(batch, error);
    } finally {
      for (const { delivery } of batch) this.#heldBytes -= delivery.body.length;
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
      count += 1;
    }
    for (const { delivery, isGivenUp } of this.#waiting.splice(0, count)) {
      if (isGivenUp) this.#heldBytes -= delivery.body.length;
    }
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
    const isRepeat = (delivery: Delivery) => this.#bodies.has(bodyKey(delivery), "", now.getTime());
    const repeats = deliveries.filter(isRepeat);
    const others = deliveries.filter((delivery) => !isRepeat(delivery));
    if (repeats.length > 0) others.push(...(await countRepeats(pipeline, repeats, now)));
    if (others.length === 0) return;
    const fresh = others.map((delivery) => ({ ...delivery, notices: this.#news(delivery, now) }));
    for (let attempt = 1; ; attempt += 1) {
      try {
        if ((await storeDeliveries(pipeline, fresh, now)) > 0) onChange();
        break;
      } catch (error) {
        if (attempt === attempts || !isConflict(error)) throw error;
        logger.info({ attempt, reason: String(error).slice(0, 200) }, "alerts are stored again after a conflict");
      }
    }
    for (const delivery of fresh) {
      this.#bodies.keep(bodyKey(delivery), "", now.getTime());
      for (const alert of delivery.notices) this.#alerts.keep(alertKey(delivery, alert), toldText(alert), now.getTime());
    }
  }

  #news(delivery: Delivery, now: Date): AlertNotice[] {
    return delivery.notices.filter((alert) => !this.#alerts.has(alertKey(delivery, alert), toldText(alert), now.getTime()));
  }
}

function alertKey({ sourceId }: Delivery, { fingerprint }: AlertNotice): string {
  return keyOf({ sourceId, fingerprint });
}

/** All that a notice tells, in few bytes. */
function toldText({ notice, annotations, generatorUrl }: AlertNotice): string {
  return hash("sha1", JSON.stringify([notice, annotations, generatorUrl]), "base64");
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
