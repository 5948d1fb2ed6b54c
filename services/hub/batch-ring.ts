import { batchBytes, type HubBatch, writeBatch } from "#lib/protocol/hub-batch.ts";

type Kept = { count: number; start: number; end: number; isGone: boolean };

/**
 * The newest batches in one piece of memory, which is written round and round: what is kept for long would otherwise be garbage of the
 * kind that is dearest to collect. The memory grows up to `maxBytes` as it is needed.
 */
export class BatchRing {
  readonly #kept: number;
  readonly #maxBytes: number;
  /** Oldest first, in the order of the memory from where the oldest one starts. */
  readonly #batches: Kept[] = [];
  #bytes: Buffer = Buffer.alloc(0);
  #count = 0;
  #end = 0;

  /** Keeps as many batches as hold at least `kept` readings, if they fit into `maxBytes`. */
  constructor(kept: number, maxBytes: number) {
    this.#kept = kept;
    this.#maxBytes = maxBytes;
  }

  /** A batch that is longer than all of the memory is left out. */
  push(batch: HubBatch): void {
    const size = batchBytes(batch);
    if (size > this.#maxBytes || this.#kept === 0) return;
    const start = this.#makeRoom(size);
    writeBatch(batch, this.#bytes, start);
    this.#end = start + size;
    this.#batches.push({ count: batch.readings.count, start, end: this.#end, isGone: false });
    this.#count += batch.readings.count;
    while (this.#count - (this.#batches[0]?.count ?? 0) >= this.#kept) this.#dropOldest();
  }

  /** Copies of the batches; those that go while the caller waits are left out. */
  *newestFirst(): Generator<Buffer> {
    for (const batch of this.#batches.toReversed()) {
      if (batch.isGone) return;
      yield Buffer.from(this.#bytes.subarray(batch.start, batch.end));
    }
  }

  /** Where a batch of this size may be written; what is in its way is dropped. */
  #makeRoom(size: number): number {
    let start = this.#end;
    if (start + size > this.#bytes.length) {
      const isAtItsLargest = this.#bytes.length >= this.#maxBytes;
      if (!isAtItsLargest && !this.#isWrapped()) this.#grow(start + size);
      if (start + size > this.#bytes.length) {
        while (this.#isWrapped()) this.#dropOldest();
        start = 0;
      }
    }
    while (this.#overlapsOldest(start, start + size)) this.#dropOldest();
    return start;
  }

  #grow(needed: number): void {
    const size = Math.min(this.#maxBytes, Math.max(needed, this.#bytes.length * 2, 64 * 1024));
    const grown = Buffer.allocUnsafeSlow(size);
    this.#bytes.copy(grown, 0, 0, this.#end);
    this.#bytes = grown;
  }

  /** True while the oldest batch lies behind the place where the next one is written. */
  #isWrapped(): boolean {
    const [oldest] = this.#batches;
    return oldest !== undefined && oldest.start >= this.#end;
  }

  #overlapsOldest(start: number, end: number): boolean {
    const [oldest] = this.#batches;
    return oldest !== undefined && oldest.start < end && oldest.end > start;
  }

  #dropOldest(): void {
    const oldest = this.#batches.shift();
    if (!oldest) return;
    oldest.isGone = true;
    this.#count -= oldest.count;
  }
}
