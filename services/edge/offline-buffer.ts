import type { EdgeMessage } from "#lib/protocol/hub-messages.ts";

type Kept = { message: EdgeMessage; bytes: number };

/**
 * Messages that the hub has not taken over yet, in order. When it is full the oldest is dropped for the newest, and counted: that
 * is the guide's offline-first rule. Every operation takes constant time, whatever the backlog.
 */
export class OfflineBuffer {
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

  /** Numbers the message and keeps it; `bytes` is about what it takes on the wire. Returns its number. */
  push(message: Omit<EdgeMessage, "sequence">, bytes: number): number {
    this.#sequence += 1;
    if (this.#depth === this.#ring.length) {
      this.#removeFirst();
      this.#dropped += 1;
    }
    this.#ring[(this.#first + this.#depth) % this.#ring.length] = { message: { ...message, sequence: this.#sequence }, bytes };
    this.#depth += 1;
    return this.#sequence;
  }

  /** The oldest messages, up to `count` and about `maxBytes` but at least one; they stay until they are acknowledged. */
  oldest(count: number, maxBytes: number): EdgeMessage[] {
    const messages: EdgeMessage[] = [];
    let bytes = 0;
    for (let i = 0; i < Math.min(count, this.#depth); i++) {
      const kept = this.#ring[(this.#first + i) % this.#ring.length];
      if (!kept) break;
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

  #removeFirst(): void {
    this.#ring[this.#first] = undefined;
    this.#first = (this.#first + 1) % this.#ring.length;
    this.#depth -= 1;
  }
}
