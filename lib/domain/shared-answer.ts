import { DomainError } from "./errors.ts";

/** What was last known of something outside: the value, when it was read, and what stands in the way of a newer one. */
export type Known<T> = { value: T | null; at: Date | null; problem: string | null };

/**
 * One answer of an outside system for all who ask: it is asked at most once in `freshMs`, never twice at the same time, and only
 * while someone wants to know. When it fails (with a DomainError) the last good answer stays, with the reason.
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
    if (!this.#inFlight && this.#now().getTime() - this.#askedAt >= this.#freshMs) {
      this.#askedAt = this.#now().getTime();
      this.#inFlight = this.#ask().finally(() => {
        this.#inFlight = null;
      });
    }
    await this.#inFlight;
    return this.#known;
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
