import type { EdgeTotals, StreamStore } from "./state.ts";

/** Streams of one process: after its restart a repeated message counts again. The ones used last are remembered. */
export class MemoryStreams implements StreamStore {
  readonly #maxStreams: number;
  readonly #last = new Map<string, number>();
  readonly #totals: EdgeTotals = { accepted: 0, missing: 0 };

  constructor(maxStreams = 10_000) {
    this.#maxStreams = maxStreams;
  }

  async last(stream: string): Promise<number | undefined> {
    return this.#last.get(stream);
  }

  async advance(stream: string, from: number | undefined, to: number, counted: EdgeTotals): Promise<EdgeTotals | undefined> {
    if (this.#last.get(stream) !== from) return undefined;
    this.#last.delete(stream);
    this.#last.set(stream, to);
    forgetOldest(this.#last, this.#maxStreams);
    this.#totals.accepted += counted.accepted;
    this.#totals.missing += counted.missing;
    return { ...this.#totals };
  }

  async totals(): Promise<EdgeTotals> {
    return { ...this.#totals };
  }
}

function forgetOldest(map: Map<string, unknown>, size: number): void {
  const oldest = map.keys().next().value;
  if (map.size > size && oldest !== undefined) map.delete(oldest);
}
