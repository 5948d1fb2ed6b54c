import { setImmediate } from "node:timers/promises";
import { type BatchOrigin, decodeBatch, type HubBatch } from "#lib/protocol/hub-batch.ts";
import { BatchRing } from "./batch-ring.ts";

/** A batch with whose readings it holds. */
export type OwnedBatch = HubBatch & { origin: BatchOrigin };

export type EdgeTotals = { accepted: number; missing: number };

/** The last number that was counted of each stream, and the readings that came last. */
export type ReadingStore = {
  last(stream: string): Promise<number | undefined>;
  /**
   * Moves on to the batch's last number, adds to the totals and keeps its readings, all in one step. Gives the totals, or undefined,
   * with nothing changed, when `from` is no longer the last number.
   */
  advance(stream: string, from: number | undefined, batch: OwnedBatch, missing: number): Promise<EdgeTotals | undefined>;
  totals(): Promise<EdgeTotals>;
  /** Writes something of no meaning. Rejects while the store takes no writes. */
  probe(): Promise<void>;
  /** What is kept, batch by batch, the one that came last first. */
  newestFirst(): AsyncIterable<OwnedBatch>;
};

/** A reading that a hub keeps. */
export type StoredReading = {
  tenant: string;
  edge: string;
  sensor: string;
  stream: string;
  sequence: number;
  /** ISO 8601 UTC. */
  at: string;
  /** Undefined when what the sensor sent is no JSON. */
  value: unknown;
};

export type ReadingQuery = {
  tenant?: string | undefined;
  edge?: string | undefined;
  sensor?: string | undefined;
  after?: string | undefined;
  limit: number;
};

/** A part of a list; `next` is the `after` of the following part, absent with the last one. */
export type ReadingPage = { readings: StoredReading[]; next?: string };

/** Batches that are looked through before others have their turn. */
const batchesAtOnce = 8;

/**
 * The wanted sensors' last readings, sorted by tenant, edge and sensor. A sensor that has said nothing since the oldest reading that
 * is kept is left out.
 */
export async function listLatest(store: ReadingStore, query: ReadingQuery): Promise<ReadingPage> {
  const { tenant, edge, sensor: wanted, after = "", limit } = query;
  const latest = new Map<string, Map<string, Found>>();
  let looked = 0;
  for await (const batch of store.newestFirst()) {
    looked += 1;
    if (looked % batchesAtOnce === 0) await setImmediate();
    const { origin } = batch;
    if ((tenant !== undefined && origin.tenant !== tenant) || (edge !== undefined && origin.instance !== edge)) continue;
    const place = JSON.stringify([origin.tenant, origin.instance]);
    const sensors = latest.get(place) ?? new Map<string, Found>();
    latest.set(place, sensors);
    let sequence = batch.first;
    for (const { sensor, atMs, value } of batch.readings) {
      const isOlder = (sensors.get(sensor)?.batch ?? batch) !== batch;
      if (!isOlder && (wanted === undefined || sensor === wanted)) sensors.set(sensor, { batch, sensor, sequence, atMs, value });
      sequence += 1;
    }
  }
  const found = [...latest.values()].flatMap((sensors) => [...sensors.values()].map((one) => ({ place: placeOf(one), one })));
  const rest = found.filter(({ place }) => place > after).sort((a, b) => (a.place < b.place ? -1 : 1));
  const page: ReadingPage = { readings: rest.slice(0, limit).map(({ one }) => describe(one)) };
  const last = rest[limit - 1];
  return last && rest.length > limit ? { ...page, next: last.place } : page;
}

/** The newest readings of one sensor that are kept, the newest first. */
export async function listSeries(
  store: ReadingStore,
  { tenant, edge, sensor, limit }: { tenant?: string | undefined; edge?: string | undefined; sensor: string; limit: number },
): Promise<StoredReading[]> {
  const found: StoredReading[] = [];
  let looked = 0;
  for await (const batch of store.newestFirst()) {
    looked += 1;
    if (looked % batchesAtOnce === 0) await setImmediate();
    const { origin } = batch;
    if ((tenant !== undefined && origin.tenant !== tenant) || (edge !== undefined && origin.instance !== edge)) continue;
    const ofBatch: StoredReading[] = [];
    let sequence = batch.first;
    for (const reading of batch.readings) {
      if (reading.sensor === sensor)
        ofBatch.push(describe({ batch, sensor, sequence, atMs: reading.atMs, value: reading.value }));
      sequence += 1;
    }
    found.push(...ofBatch.toReversed());
    if (found.length >= limit) break;
  }
  return found.slice(0, limit);
}

/** Batches in the memory of this process, and the last numbers of the streams that were used last: a restart forgets all. */
export class MemoryReadings implements ReadingStore {
  readonly #maxStreams: number;
  readonly #last = new Map<string, number>();
  readonly #totals: EdgeTotals = { accepted: 0, missing: 0 };
  readonly #ring: BatchRing;

  /** Keeps about `kept` readings, and not more than `maxBytes` of them, 64 MiB by default. */
  constructor({ kept = 100_000, maxStreams = 10_000, maxBytes = 64 * 1024 * 1024 } = {}) {
    this.#ring = new BatchRing(kept, maxBytes);
    this.#maxStreams = maxStreams;
  }

  async last(stream: string): Promise<number | undefined> {
    return this.#last.get(stream);
  }

  async advance(stream: string, from: number | undefined, batch: OwnedBatch, missing: number): Promise<EdgeTotals | undefined> {
    if (this.#last.get(stream) !== from) return undefined;
    this.#last.delete(stream);
    this.#last.set(stream, batch.first + batch.readings.count - 1);
    const oldest = this.#last.keys().next().value;
    if (this.#last.size > this.#maxStreams && oldest !== undefined) this.#last.delete(oldest);
    this.#totals.accepted += batch.readings.count;
    this.#totals.missing += missing;
    this.#ring.push(batch);
    return { ...this.#totals };
  }

  async totals(): Promise<EdgeTotals> {
    return { ...this.#totals };
  }

  async probe(): Promise<void> {}

  async *newestFirst(): AsyncGenerator<OwnedBatch> {
    for (const bytes of this.#ring.newestFirst()) yield decodeOwned(bytes);
  }
}

/** Reads a batch that was written with its origin. */
export function decodeOwned(bytes: Buffer): OwnedBatch {
  const { origin, ...batch } = decodeBatch(bytes);
  if (!origin) throw new RangeError("a stored batch names no origin");
  return { ...batch, origin };
}

/** A reading that is not parsed yet. */
type Found = { batch: OwnedBatch; sensor: string; sequence: number; atMs: number; value: Buffer };

/** The place in the list, by which it is sorted. */
function placeOf({ batch: { origin }, sensor }: Found): string {
  return JSON.stringify([origin.tenant, origin.instance, sensor]);
}

function describe({ batch: { origin, stream }, sensor, sequence, atMs, value }: Found): StoredReading {
  const { tenant, instance: edge } = origin;
  return { tenant, edge, sensor, stream, sequence, at: new Date(atMs).toISOString(), value: parse(value) };
}

function parse(value: Buffer): unknown {
  try {
    return JSON.parse(value.toString());
  } catch {
    return undefined;
  }
}
