import type { HubBody } from "#lib/protocol/hub-messages.ts";
import type { EdgeTotals, StreamStore } from "./state.ts";

/** What came of a batch: the answer to the edge, and how many numbers of the stream never came. */
export type Taken = { ack: HubBody<"ack">; missing: number };

/**
 * Counts what edges send, each message once. A stream is numbered in order and sent in order, so the highest number seen tells a
 * repeat from news. It is remembered as long as the store does.
 */
export class EdgeLedger {
  readonly #store: StreamStore;
  readonly #onTotals: (totals: EdgeTotals) => void;
  readonly #underWay = new Map<string, Promise<unknown>>();

  constructor(store: StreamStore, onTotals: (totals: EdgeTotals) => void = () => {}) {
    this.#store = store;
    this.#onTotals = onTotals;
  }

  /** Batches of a stream are taken in the order in which they came. Rejects, with nothing counted, when the store does. */
  async take(edge: string, batch: HubBody<"batch">): Promise<Taken> {
    const stream = `${edge}\n${batch.stream}`;
    const before = this.#underWay.get(stream) ?? Promise.resolve();
    const taken = before.catch(() => {}).then(() => this.#count(stream, batch));
    this.#underWay.set(stream, taken);
    try {
      return await taken;
    } finally {
      if (this.#underWay.get(stream) === taken) this.#underWay.delete(stream);
    }
  }

  async #count(stream: string, { messages }: HubBody<"batch">): Promise<Taken> {
    for (;;) {
      const known = await this.#store.last(stream);
      let last = known ?? (messages[0]?.sequence ?? 1) - 1;
      let accepted = 0;
      let missing = 0;
      for (const { sequence } of messages) {
        if (sequence <= last) continue;
        missing += sequence - last - 1;
        accepted += 1;
        last = sequence;
      }
      const totals = accepted > 0 && (await this.#store.advance(stream, known, last, { accepted, missing }));
      if (totals === undefined) continue;
      if (totals) this.#onTotals(totals);
      return { ack: { sequence: last, accepted, duplicates: messages.length - accepted }, missing };
    }
  }
}
