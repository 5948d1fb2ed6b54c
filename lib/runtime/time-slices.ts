/**
 * Work in slices, so that a process that has much to do at once still answers: after each `lengthMs` of work `isUp` is true, and
 * `next()` lets everything else that waits have its turn.
 */
export class TimeSlices {
  readonly #lengthMs: number;
  #since = performance.now();

  constructor(lengthMs = 8) {
    this.#lengthMs = lengthMs;
  }

  get isUp(): boolean {
    return performance.now() - this.#since >= this.#lengthMs;
  }

  /** Resolves when the others have had their turn; a new slice begins. */
  async next(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    this.#since = performance.now();
  }
}
