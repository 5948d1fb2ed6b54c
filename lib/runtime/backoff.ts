/** How long to wait between tries: doubling from `initialMs` to `maxMs`, with a random part so that many clients spread out. */
export type BackoffOptions = {
  initialMs: number;
  maxMs: number;
  /** The part of each delay that is random, from 0 (none) to 1 (all); 0.5 by default. */
  jitter?: number;
  /** A number from 0 to 1; Math.random by default. */
  random?: () => number;
};

/** Exponential back-off with jitter. `next()` gives the delay in milliseconds; `reset()` starts again after a success. */
export class Backoff {
  readonly #options: BackoffOptions;
  #attempt = 0;

  constructor(options: BackoffOptions) {
    this.#options = options;
  }

  get attempt(): number {
    return this.#attempt;
  }

  next(): number {
    const { initialMs, maxMs, jitter = 0.5, random = Math.random } = this.#options;
    const full = Math.min(maxMs, initialMs * 2 ** Math.min(this.#attempt, 30));
    this.#attempt += 1;
    return full * (1 - jitter) + full * jitter * random();
  }

  reset(): void {
    this.#attempt = 0;
  }
}
