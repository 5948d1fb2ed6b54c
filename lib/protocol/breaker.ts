/** `closed` lets every call through, `open` none, `half-open` one: the probe that decides. */
export type BreakerState = "closed" | "open" | "half-open";

export type BreakerOptions = {
  /** Failures in a row that open it; 5 by default. */
  failures?: number;
  /** How long it stays open before a probe may pass, in milliseconds; 30,000 by default. */
  openMs?: number;
  /** Monotonic milliseconds; performance.now by default. */
  now?: () => number;
  onChange?: (state: BreakerState) => void;
};

/**
 * A circuit breaker: after `failures` failed calls in a row it refuses calls for `openMs`, then lets exactly one through, which
 * closes it or opens it again. The caller asks `tryPass()` first and reports each passed call with `succeed()` or `fail()`.
 * Defaults are those of the deployment patterns: 5 failures, 30 s.
 */
export class Breaker {
  readonly #failures: number;
  readonly #openMs: number;
  readonly #now: () => number;
  readonly #onChange: (state: BreakerState) => void;
  #state: BreakerState = "closed";
  #failed = 0;
  #openedAt = 0;

  constructor({ failures = 5, openMs = 30_000, now = () => performance.now(), onChange = () => {} }: BreakerOptions = {}) {
    this.#failures = failures;
    this.#openMs = openMs;
    this.#now = now;
    this.#onChange = onChange;
  }

  get state(): BreakerState {
    return this.#state;
  }

  /** Milliseconds until a probe may pass; 0 when a call may pass now. */
  get retryInMs(): number {
    return this.#state === "open" ? Math.max(0, this.#openedAt + this.#openMs - this.#now()) : 0;
  }

  /** True when the caller may make a call now. In half-open that is true once, until the probe is reported. */
  tryPass(): boolean {
    if (this.#state === "closed") return true;
    if (this.#state === "half-open" || this.retryInMs > 0) return false;
    this.#change("half-open");
    return true;
  }

  /** Lets a probe pass now, for there is news: what was out of reach can be reached. */
  hurry(): void {
    if (this.#state === "open") this.#openedAt = Number.NEGATIVE_INFINITY;
  }

  succeed(): void {
    this.#failed = 0;
    if (this.#state !== "closed") this.#change("closed");
  }

  fail(): void {
    this.#failed += 1;
    if (this.#state === "closed" && this.#failed < this.#failures) return;
    this.#openedAt = this.#now();
    if (this.#state !== "open") this.#change("open");
  }

  #change(state: BreakerState): void {
    this.#state = state;
    this.#onChange(state);
  }
}
