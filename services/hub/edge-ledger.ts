import type { HubBody } from "#lib/protocol/hub-messages.ts";

/** What came of a batch: the answer to the edge, and how many numbers of the stream never came. */
export type Taken = { ack: HubBody<"ack">; missing: number };

/**
 * Counts what edges send, each message once. A stream is numbered in order and sent in order, so the highest number seen tells a
 * repeat from news. Remembered in memory: after a restart of the hub a repeated message counts again.
 */
export class EdgeLedger {
  readonly #maxStreams: number;
  readonly #last = new Map<string, number>();

  constructor(maxStreams = 10_000) {
    this.#maxStreams = maxStreams;
  }

  take(edge: string, batch: HubBody<"batch">): Taken {
    const key = `${edge}\n${batch.stream}`;
    const known = this.#last.get(key);
    let last = known ?? (batch.messages[0]?.sequence ?? 1) - 1;
    let accepted = 0;
    let missing = 0;
    for (const { sequence } of batch.messages) {
      if (sequence <= last) continue;
      missing += sequence - last - 1;
      accepted += 1;
      last = sequence;
    }
    this.#last.delete(key);
    this.#last.set(key, last);
    this.#forgetOldest();
    return { ack: { sequence: last, accepted, duplicates: batch.messages.length - accepted }, missing };
  }

  #forgetOldest(): void {
    if (this.#last.size <= this.#maxStreams) return;
    const oldest = this.#last.keys().next().value;
    if (oldest !== undefined) this.#last.delete(oldest);
  }
}
