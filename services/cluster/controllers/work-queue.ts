import type { Logger } from "#lib/runtime/logger.ts";
import { StatusError } from "../api.ts";
import type { Timers } from "./clock.ts";

/** What one pass over a key asks for: nothing, or to be run again after a delay in milliseconds. */
export type Requeue = { afterMs: number } | undefined;

export type WorkQueueOptions = {
  name: string;
  logger: Logger;
  timers: Timers;
  /** How many different keys may be worked on at once. */
  concurrency: number;
  work: (key: string) => Promise<Requeue>;
};

const firstRetryMs = 5;
const longestRetryMs = 60_000;

/**
 * Keys that wait for work. A key waits at most once and is never worked on twice at the same time; one that is added while it is
 * worked on runs again afterwards. A pass that fails is tried again with a doubling delay, which a success resets.
 */
export class WorkQueue {
  readonly #options: WorkQueueOptions;
  readonly #waiting = new Set<string>();
  readonly #running = new Map<string, Promise<void>>();
  readonly #failures = new Map<string, number>();
  readonly #delayed = new Map<string, { atMs: number; cancel: () => void }>();
  #stopped = false;
  #scheduled = false;

  constructor(options: WorkQueueOptions) {
    this.#options = options;
  }

  add(key: string): void {
    if (this.#stopped) return;
    this.#waiting.add(key);
    this.#schedule();
  }

  /** Adds the key after a delay. Of several delays asked for one key the shortest counts. */
  addAfter(key: string, delayMs: number): void {
    if (this.#stopped) return;
    if (delayMs <= 0) {
      this.add(key);
      return;
    }
    const atMs = this.#options.timers.nowMs() + delayMs;
    const earlier = this.#delayed.get(key);
    if (earlier && earlier.atMs <= atMs) return;
    earlier?.cancel();
    const cancel = this.#options.timers.after(delayMs, () => {
      this.#delayed.delete(key);
      this.add(key);
    });
    this.#delayed.set(key, { atMs, cancel });
  }

  get idle(): boolean {
    return this.#waiting.size === 0 && this.#running.size === 0;
  }

  /** Takes no more keys and waits for the passes under way. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#waiting.clear();
    for (const { cancel } of this.#delayed.values()) cancel();
    this.#delayed.clear();
    await Promise.all(this.#running.values());
  }

  #schedule(): void {
    if (this.#scheduled || this.#stopped) return;
    this.#scheduled = true;
    // One turn of the event loop between passes, so that a long queue never starves the API server's sockets.
    setImmediate(() => {
      this.#scheduled = false;
      this.#startNext();
    });
  }

  #startNext(): void {
    if (this.#stopped || this.#running.size >= this.#options.concurrency) return;
    for (const key of this.#waiting) {
      if (this.#running.has(key)) continue;
      this.#waiting.delete(key);
      this.#running.set(key, this.#run(key));
      this.#schedule();
      return;
    }
  }

  async #run(key: string): Promise<void> {
    try {
      const requeue = await this.#options.work(key);
      this.#failures.delete(key);
      if (requeue) this.addAfter(key, requeue.afterMs);
    } catch (error) {
      this.#retry(key, error);
    } finally {
      this.#running.delete(key);
      if (this.#waiting.size > 0) this.#schedule();
    }
  }

  #retry(key: string, error: unknown): void {
    const { name, logger } = this.#options;
    const failures = (this.#failures.get(key) ?? 0) + 1;
    this.#failures.set(key, failures);
    const delayMs = Math.min(longestRetryMs, firstRetryMs * 2 ** Math.min(failures - 1, 20));
    const conflict = error instanceof StatusError && error.code === 409;
    logger[conflict ? "debug" : "warn"](
      { err: error, controller: name, key, failures, delayMs },
      "a pass failed and is tried again",
    );
    this.addAfter(key, delayMs);
  }
}
