import { waitAtMost } from "#lib/runtime/wait-at-most.ts";
import { DomainError } from "./errors.ts";

/** What was last known of something outside: the value, when it was read, and what stands in the way of a newer one. */
export type Known<T> = { value: T | null; at: Date | null; problem: string | null };

/** After a failure the next question comes this soon, or sooner where answers are fresh for less. */
const retryMs = 5_000;
/** How long who asks waits for a newer answer when there is one already. */
const patienceMs = 1_000;

/**
 * One answer of an outside system for all who ask: it is asked at most once in `freshMs`, never twice at the same time, and only
 * while someone wants to know. When it fails (with a DomainError) or is slow, the last good answer stays, with the reason.
 */
export class SharedAnswer<T> {
  readonly #read: () => Promise<T>;
  readonly #freshMs: number;
  readonly #now: () => Date;
  #known: Known<T> = { value: null, at: null, problem: null };
  #askedAt = Number.NEGATIVE_INFINITY;
  #inFlight: Promise<void> | null = null;

  constructor(read: () => Promise<T>, options: { freshMs: number; now: () => Date }) {
    this.#read = read;
    this.#freshMs = options.freshMs;
    this.#now = options.now;
  }

  async get(): Promise<Known<T>> {
    const waitMs = this.#known.problem ? Math.min(retryMs, this.#freshMs) : this.#freshMs;
    if (!this.#inFlight && this.#now().getTime() - this.#askedAt >= waitMs) {
      this.#askedAt = this.#now().getTime();
      this.#inFlight = this.#ask().finally(() => {
        this.#inFlight = null;
      });
    }
    if (this.#inFlight) await (this.#known.value === null ? this.#inFlight : waitAtMost(this.#inFlight, patienceMs));
    return this.#inFlight ? { ...this.#known, problem: this.#known.problem ?? "No newer answer yet: it is slow." } : this.#known;
  }

  async #ask(): Promise<void> {
    try {
      this.#known = { value: await this.#read(), at: this.#now(), problem: null };
    } catch (error) {
      if (!(error instanceof DomainError)) throw error;
      this.#known = { ...this.#known, problem: error.message };
    }
  }
}
