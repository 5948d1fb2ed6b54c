/** How far behind its rate a pace may catch up after a pause of the process. */
const catchUpMs = 100;

/** Lets at most `perSecond` pass in a second, evenly. Times are milliseconds of a monotonic clock. */
export class Pace {
  readonly #intervalMs: number;
  #nextAt = Number.NEGATIVE_INFINITY;
  #isResting = true;

  constructor(perSecond: number) {
    this.#intervalMs = 1_000 / perSecond;
  }

  /** How long until the next one may pass; 0 when it may now. */
  waitMs(now: number): number {
    const waitMs = Math.max(0, this.#nextAt - now);
    if (waitMs > 0) this.#isResting = false;
    return waitMs;
  }

  pass(now: number): void {
    this.#nextAt = Math.max(this.#nextAt, this.#isResting ? now : now - catchUpMs) + this.#intervalMs;
  }

  /** Nobody waits any more: what was not used up to now is not caught up. */
  rest(): void {
    this.#isResting = true;
  }
}
