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
 * closes it or opens it again. Somebody may hold it open, and only they let it go. The caller asks `tryPass()` first and reports each passed call with `succeed()` or `fail()`.
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
  #held: PromiseWithResolvers<void> | undefined;

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

  get isHeld(): boolean {
    return this.#held !== undefined;
  }

  /** Opens it until it is released, whatever succeeds or fails meanwhile. */
  hold(): void {
    if (this.#held) return;
    this.#held = Promise.withResolvers();
    if (this.#state !== "open") this.#change("open");
  }

  /** Closes it, also one that failures have opened: the next call may pass. */
  release(): void {
    const held = this.#held;
    this.#held = undefined;
    this.#failed = 0;
    if (this.#state !== "closed") this.#change("closed");
    held?.resolve();
  }

  /** Resolves once nobody holds it. */
  async untilReleased(): Promise<void> {
    await this.#held?.promise;
  }

  /** True when the caller may make a call now. In half-open that is true once, until the probe is reported. */
  tryPass(): boolean {
    if (this.#held) return false;
    if (this.#state === "closed") return true;
    if (this.#state === "half-open" || this.retryInMs > 0) return false;
    this.#change("half-open");
    return true;
  }

  /** Lets a probe pass now, for there is news: what was out of reach can be reached. */
  hurry(): void {
    if (this.#state === "open" && !this.#held) this.#openedAt = Number.NEGATIVE_INFINITY;
  }

  succeed(): void {
    if (this.#held) return;
    this.#failed = 0;
    if (this.#state !== "closed") this.#change("closed");
  }

  fail(): void {
    if (this.#held) return;
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
