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

export type ReadingQuery = { tenant?: string | undefined; edge?: string | undefined; sensor?: string | undefined };

/** The wanted readings that came last, newest first. */
export async function listRecent(store: ReadingStore, query: ReadingQuery & { limit: number }): Promise<StoredReading[]> {
  const found: StoredReading[] = [];
  for await (const batch of store.newestFirst()) {
    if (!isWanted(batch, query)) continue;
    found.push(...readingsOf(batch, query).reverse());
    if (found.length >= query.limit) break;
  }
  return found.slice(0, query.limit);
}

/**
 * The wanted sensors' last readings, sorted by tenant, edge and sensor. A sensor that has said nothing since the oldest reading that
 * is kept is left out.
 */
export async function listLatest(store: ReadingStore, query: ReadingQuery): Promise<StoredReading[]> {
  const latest = new Map<string, StoredReading>();
  for await (const batch of store.newestFirst()) {
    if (!isWanted(batch, query)) continue;
    for (const reading of readingsOf(batch, query).reverse()) {
      const sensor = JSON.stringify([reading.tenant, reading.edge, reading.sensor]);
      if (!latest.has(sensor)) latest.set(sensor, reading);
    }
  }
  return [...latest].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, reading]) => reading);
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

function isWanted({ origin }: OwnedBatch, { tenant, edge }: ReadingQuery): boolean {
  return (tenant === undefined || origin.tenant === tenant) && (edge === undefined || origin.instance === edge);
}

function readingsOf({ origin, stream, first, readings }: OwnedBatch, { sensor: wanted }: ReadingQuery): StoredReading[] {
  const { tenant, instance: edge } = origin;
  const found: StoredReading[] = [];
  let sequence = first;
  for (const { sensor, atMs, value } of readings) {
    if (wanted === undefined || sensor === wanted) {
      found.push({ tenant, edge, sensor, stream, sequence, at: new Date(atMs).toISOString(), value: parse(value) });
    }
    sequence += 1;
  }
  return found;
}

function parse(value: Buffer): unknown {
  try {
    return JSON.parse(value.toString());
  } catch {
    return undefined;
  }
}
