import { randomUUID } from "node:crypto";
import { type HubBatch, ReadingBlock } from "#lib/protocol/hub-batch.ts";
import type { HubCredit } from "#lib/protocol/hub-messages.ts";

/** What a sensor said, before it has a number; `value` is JSON. */
export type Reading = { sensor: string; atMs: number; value: string };

/** Readings numbered in a row from `first`. To an open one more may be added. */
type Run = { stream: string; first: number; readings: ReadingBlock; isOpen: boolean };

/** A longer run is followed by another one. */
const maxRunReadings = 1_000;
const maxRunBytes = 128 * 1024;

/**
 * Readings that the hub has not taken over yet, in order, in the bytes in which they travel. When it holds `size` readings that were
 * never sent, or `maxBytes` of them, the oldest of these are dropped for the newest, and counted: that is the guide's offline-first
 * rule. What was sent is held until it is acknowledged, for the hub may have it, and is as much at most. Operations take a time that
 * grows with the readings they add, send or drop; a few also move the list of runs, one for about 1,000 readings.
 */
export class OfflineBuffer {
  /** The stream of what is pushed: one life of this process, so that a number is never used for two readings. */
  readonly ownStream = randomUUID();
  readonly #size: number;
  readonly #maxBytes: number;
  /** Oldest first: those on their way on this connection, those that were sent on an earlier one, and those never sent. */
  readonly #runs: Run[] = [];
  #sentRuns = 0;
  #heldRuns = 0;
  readonly #held: HubCredit = { readings: 0, bytes: 0 };
  readonly #unsent: HubCredit = { readings: 0, bytes: 0 };
  #sequence = 0;
  #dropped = 0;

  constructor(size: number, maxBytes = 64 * 1024 * 1024) {
    this.#size = size;
    this.#maxBytes = maxBytes;
  }

  /** Readings that the hub has not acknowledged. */
  get depth(): number {
    return this.#held.readings + this.#unsent.readings;
  }

  get dropped(): number {
    return this.#dropped;
  }

  /** The number that the next reading gets. */
  get nextSequence(): number {
    return this.#sequence + 1;
  }

  /** The number of the oldest reading, or the next one's when there is none. */
  get firstSequence(): number {
    return this.#runs[0]?.first ?? this.nextSequence;
  }

  /** The numbers, after the first one and up to the second one, between what was sent and the oldest reading that was not. */
  get droppedBehind(): { after: number; upTo: number } | undefined {
    const [held, next] = [this.#runs[this.#heldRuns - 1], this.#runs[this.#heldRuns]];
    if (!held || !next) return undefined;
    const after = held.first + held.readings.count - 1;
    return next.first - 1 > after ? { after, upTo: next.first - 1 } : undefined;
  }

  /** Numbers the reading and keeps it. Throws RangeError as ReadingBlock.add does. */
  push(reading: Reading): void {
    this.restore(reading, this.nextSequence, this.ownStream);
  }

  /** Numbers a block of readings and keeps it; it belongs to the buffer from now on. */
  pushBlock(readings: ReadingBlock): void {
    this.#runs.push({ stream: this.ownStream, first: this.nextSequence, readings, isOpen: false });
    this.#sequence += readings.count;
    this.#unsent.readings += readings.count;
    this.#unsent.bytes += readings.byteLength;
    this.#dropExcess();
  }

  /** Keeps a reading that has its number from an earlier life; numbers must grow. Throws RangeError as ReadingBlock.add does. */
  restore({ sensor, atMs, value }: Reading, sequence: number, stream: string): void {
    const last = this.#runs.at(-1);
    const run = last && canTake(last, stream, sequence) ? last : newRun(stream, sequence);
    const before = run.readings.byteLength;
    run.readings.add(sensor, atMs, value);
    if (run !== last) this.#runs.push(run);
    this.#sequence = sequence;
    this.#unsent.readings += 1;
    this.#unsent.bytes += run.readings.byteLength - before;
    this.#dropExcess();
  }

  /** Uses no number up to and including this one any more. */
  skipTo(sequence: number): void {
    this.#sequence = Math.max(this.#sequence, sequence);
  }

  /**
   * The oldest readings that are not on their way, within `room`; they stay until they are acknowledged. Not more than the buffer's
   * size is on its way at a time. Undefined when there is nothing, or no room for it.
   */
  next(room: HubCredit): HubBatch | undefined {
    const run = this.#runs[this.#sentRuns];
    if (!run) return undefined;
    const isNew = this.#sentRuns === this.#heldRuns;
    const readings = isNew ? Math.min(room.readings, this.#size - this.#held.readings) : room.readings;
    const bytes = isNew ? Math.min(room.bytes, this.#maxBytes - this.#held.bytes) : room.bytes;
    if (run.readings.count > readings || run.readings.byteLength > bytes) {
      if (!this.#split(run, readings, bytes)) return undefined;
      if (!isNew) this.#heldRuns += 1;
    }
    const batch = this.#runs[this.#sentRuns];
    if (!batch) return undefined;
    batch.isOpen = false;
    this.#sentRuns += 1;
    if (isNew) {
      this.#heldRuns += 1;
      const { count, byteLength } = batch.readings;
      this.#held.readings += count;
      this.#held.bytes += byteLength;
      this.#unsent.readings -= count;
      this.#unsent.bytes -= byteLength;
    }
    return { stream: batch.stream, first: batch.first, readings: batch.readings };
  }

  /** Nothing is on its way any more, e.g. because the connection is gone: the oldest is next again. */
  rewind(): void {
    this.#sentRuns = 0;
  }

  /** Lets go of what was sent of the stream up to and including this number; repeats and old numbers do nothing. Returns how many went. */
  acknowledge(stream: string, sequence: number): number {
    let gone = 0;
    while (this.#sentRuns > 0) {
      const [run] = this.#runs;
      if (!run || run.stream !== stream || run.first + run.readings.count - 1 > sequence) break;
      this.#runs.shift();
      this.#sentRuns -= 1;
      this.#heldRuns -= 1;
      gone += run.readings.count;
      this.#held.bytes -= run.readings.byteLength;
    }
    this.#held.readings -= gone;
    return gone;
  }

  #dropExcess(): void {
    const unsent = this.#unsent;
    while (unsent.readings > this.#size || unsent.bytes > this.#maxBytes) {
      const oldest = this.#runs[this.#heldRuns];
      if (!oldest) return;
      const before = oldest.readings.byteLength;
      const count = Math.min(Math.max(1, unsent.readings - this.#size), oldest.readings.count);
      oldest.readings.dropFirst(count);
      oldest.first += count;
      if (oldest.readings.count === 0) this.#runs.splice(this.#heldRuns, 1);
      unsent.readings -= count;
      unsent.bytes -= before - oldest.readings.byteLength;
      this.#dropped += count;
    }
  }

  /** Cuts what there is room for from the front of a run; false when there is room for nothing. */
  #split(run: Run, readings: number, bytes: number): boolean {
    const front = run.readings.takeFirst(readings, bytes);
    if (front.count === 0) return false;
    this.#runs.splice(this.#sentRuns, 0, { stream: run.stream, first: run.first, readings: front, isOpen: false });
    run.first += front.count;
    return true;
  }
}

function newRun(stream: string, first: number): Run {
  return { stream, first, readings: new ReadingBlock(), isOpen: true };
}

function canTake({ isOpen, stream, first, readings }: Run, ofStream: string, sequence: number): boolean {
  const isNext = isOpen && stream === ofStream && first + readings.count === sequence;
  return isNext && readings.count < maxRunReadings && readings.byteLength < maxRunBytes;
}
