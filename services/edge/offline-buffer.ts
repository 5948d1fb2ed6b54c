import { randomUUID } from "node:crypto";
import type { EdgeMessage } from "#lib/protocol/hub-messages.ts";

/** What a sensor said, before it has a number. */
export type Reading = Omit<EdgeMessage, "sequence">;

type Kept = { message: EdgeMessage; bytes: number; stream: string };

/**
 * Messages that the hub has not taken over yet, in order. When it is full the oldest is dropped for the newest, and counted: that
 * is the guide's offline-first rule. Every operation takes constant time, whatever the backlog.
 */
export class OfflineBuffer {
  /** The stream of what is pushed: one life of this process, so that a number is never used for two readings. */
  readonly ownStream = randomUUID();
  readonly #ring: (Kept | undefined)[];
  #first = 0;
  #depth = 0;
  #sequence = 0;
  #dropped = 0;

  constructor(size: number) {
    this.#ring = new Array(size);
  }

  get depth(): number {
    return this.#depth;
  }

  get dropped(): number {
    return this.#dropped;
  }

  /** The number that the next message gets. */
  get nextSequence(): number {
    return this.#sequence + 1;
  }

  /** The stream of the oldest message. */
  get stream(): string {
    return this.#ring[this.#first]?.stream ?? this.ownStream;
  }

  /** The number of the oldest message, or the next one's when there is none. */
  get firstSequence(): number {
    return this.#ring[this.#first]?.message.sequence ?? this.nextSequence;
  }

  /** Numbers the message and keeps it; `bytes` is about what it takes on the wire. Returns its number. */
  push(reading: Reading, bytes: number): number {
    this.#keep({ message: { ...reading, sequence: this.#sequence + 1 }, bytes, stream: this.ownStream });
    return this.#sequence;
  }

  /** Keeps a message that has its number from an earlier life; numbers must grow. */
  restore(message: EdgeMessage, bytes: number, stream: string): void {
    this.#keep({ message, bytes, stream });
  }

  /** Uses no number up to and including this one any more. */
  skipTo(sequence: number): void {
    this.#sequence = Math.max(this.#sequence, sequence);
  }

  /** The oldest messages, up to `count` and about `maxBytes` but at least one, all of one stream; they stay until acknowledged. */
  oldest(count: number, maxBytes: number): EdgeMessage[] {
    const { stream } = this;
    const messages: EdgeMessage[] = [];
    let bytes = 0;
    for (let i = 0; i < Math.min(count, this.#depth); i++) {
      const kept = this.#ring[(this.#first + i) % this.#ring.length];
      if (!kept || kept.stream !== stream) break;
      bytes += kept.bytes;
      if (i > 0 && bytes > maxBytes) break;
      messages.push(kept.message);
    }
    return messages;
  }

  /** Lets go of everything up to and including this number; repeats and old numbers do nothing. Returns how many went. */
  acknowledge(sequence: number): number {
    let gone = 0;
    while (this.#depth > 0 && (this.#ring[this.#first]?.message.sequence ?? Number.POSITIVE_INFINITY) <= sequence) {
      this.#removeFirst();
      gone += 1;
    }
    return gone;
  }

  #keep(kept: Kept): void {
    this.#sequence = kept.message.sequence;
    if (this.#depth === this.#ring.length) {
      this.#removeFirst();
      this.#dropped += 1;
    }
    this.#ring[(this.#first + this.#depth) % this.#ring.length] = kept;
    this.#depth += 1;
  }

  #removeFirst(): void {
    this.#ring[this.#first] = undefined;
    this.#first = (this.#first + 1) % this.#ring.length;
    this.#depth -= 1;
  }
}
