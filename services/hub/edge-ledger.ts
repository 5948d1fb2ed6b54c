import type { BatchOrigin, HubBatch } from "#lib/protocol/hub-batch.ts";
import type { HubBody, HubCredit } from "#lib/protocol/hub-messages.ts";
import { Backoff } from "#lib/runtime/backoff.ts";
import type { EdgeTotals, OwnedBatch, ReadingStore } from "./readings.ts";

/** What came of a batch: the answer to the edge. */
export type Taken = HubBody<"ack">;

/** Where a hub puts the readings that it is sent. */
export type ReadingSink = {
  /**
   * Batches of a stream are taken in the order of the calls. Rejects when one is not taken over; it is then sent again. While it
   * waits, `isWanted` tells whether its sender is still there: once it is not, this batch and all later ones of it come again.
   */
  take(origin: BatchOrigin, batch: HubBatch, isWanted?: () => boolean): Promise<Taken>;
  /** True while nothing can be taken over. */
  readonly isAway: boolean;
  /** What it takes at a time, where that is bounded: no peer may be granted more. */
  readonly credit?: HubCredit | undefined;
  /** Calls the listener whenever `isAway` or `credit` has changed. */
  watch(listener: () => void): void;
};

export type EdgeLedgerOptions = {
  onTotals?: (totals: EdgeTotals) => void;
  /** After how long a store that was away is asked whether it is back, in milliseconds; 500 by default. Each time later, up to tenfold. */
  retryMs?: number;
  maxStreams?: number;
};

/**
 * Counts what edges send, each reading once. A stream is numbered in order and sent in order, so the highest number seen tells a
 * repeat from news. It is remembered as long as the store does.
 */
export class EdgeLedger implements ReadingSink {
  readonly #store: ReadingStore;
  readonly #options: EdgeLedgerOptions;
  readonly #underWay = new Map<string, Promise<unknown>>();
  /** What the store said last, which another hub may have changed since. */
  readonly #last = new Map<string, number>();
  readonly #listeners: (() => void)[] = [];
  readonly #backoff: Backoff;
  #isAway = false;

  constructor(store: ReadingStore, options: EdgeLedgerOptions = {}) {
    this.#store = store;
    this.#options = options;
    const { retryMs = 500 } = options;
    this.#backoff = new Backoff({ initialMs: retryMs, maxMs: 10 * retryMs });
  }

  get isAway(): boolean {
    return this.#isAway;
  }

  watch(listener: () => void): void {
    this.#listeners.push(listener);
  }

  /**
   * Rejects, with nothing counted, when the store does. What waits behind it in the stream is rejected with it: were it counted, the
   * batch before it would be taken for a repeat when it comes again.
   */
  async take(origin: BatchOrigin, batch: HubBatch): Promise<Taken> {
    const stream = JSON.stringify([origin.role, origin.tenant, origin.instance, batch.stream]);
    const before = this.#underWay.get(stream) ?? Promise.resolve();
    const taken = before.then(() => this.#count(stream, { ...batch, origin }));
    this.#underWay.set(stream, taken);
    try {
      return await taken;
    } catch (error) {
      this.#waitForStore();
      throw error;
    } finally {
      if (this.#underWay.get(stream) === taken) this.#underWay.delete(stream);
    }
  }

  async #count(stream: string, batch: OwnedBatch): Promise<Taken> {
    const { first, readings } = batch;
    const end = first + readings.count - 1;
    for (let known = this.#last.get(stream); ; known = undefined) {
      known ??= await this.#store.last(stream);
      const last = known ?? first - 1;
      if (last >= end) {
        this.#remember(stream, last);
        return { sequence: last, accepted: 0, duplicates: readings.count, missing: 0 };
      }
      const duplicates = Math.max(0, last - first + 1);
      const missing = Math.max(0, first - last - 1);
      const totals = await this.#store.advance(stream, known, newOf(batch, duplicates), missing);
      this.#last.delete(stream);
      if (!totals) continue;
      this.#remember(stream, end);
      this.#backoff.reset();
      this.#options.onTotals?.(totals);
      return { sequence: end, accepted: readings.count - duplicates, duplicates, missing };
    }
  }

  #remember(stream: string, last: number): void {
    this.#last.delete(stream);
    this.#last.set(stream, last);
    const oldest = this.#last.keys().next().value;
    if (this.#last.size > (this.#options.maxStreams ?? 10_000) && oldest !== undefined) this.#last.delete(oldest);
  }

  #waitForStore(): void {
    if (this.#isAway) return;
    this.#isAway = true;
    this.#ask();
    this.#tell();
  }

  /** By a write: a store that is full, or a replica, can be read. */
  #ask(): void {
    setTimeout(() => {
      this.#store.probe().then(
        () => {
          this.#isAway = false;
          this.#tell();
        },
        () => this.#ask(),
      );
    }, this.#backoff.next()).unref();
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }
}

function newOf(batch: OwnedBatch, known: number): OwnedBatch {
  if (known === 0) return batch;
  const readings = batch.readings.clone();
  readings.dropFirst(known);
  return { ...batch, first: batch.first + known, readings };
}
