export type PassesOptions = {
  pass: () => Promise<void>;
  onError: (error: unknown) => void;
  nowMs: () => number;
};

const retryMs = 2_000;
const longestTimeoutMs = 2 ** 31 - 1;

/** Runs passes over one thing, never two at once: when it is woken, when a pass asked for another time, and after an error. */
export class Passes {
  readonly #options: PassesOptions;
  #woken = false;
  #wakeAtMs: number | undefined;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;
  #isBusy = false;
  #stopped = false;

  constructor(options: PassesOptions) {
    this.#options = options;
  }

  /** Asks for a pass: now, or after the one that is under way. */
  wake(): void {
    this.#woken = true;
    if (this.#isBusy || this.#stopped) return;
    // Set before the run: a pass may wake itself before its first await.
    this.#isBusy = true;
    clearTimeout(this.#timer);
    this.#running = this.#run().finally(() => {
      this.#isBusy = false;
      if (this.#woken) this.wake();
    });
  }

  /** During a pass: asks for the next one at this time at the latest. */
  wakeAt(timeMs: number | undefined): void {
    if (timeMs !== undefined) this.#wakeAtMs = Math.min(timeMs, this.#wakeAtMs ?? Number.POSITIVE_INFINITY);
  }

  /** No further pass. Resolves when the one under way has ended; not to be awaited by a pass itself. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await this.#running;
  }

  async #run(): Promise<void> {
    const { pass, onError, nowMs } = this.#options;
    while (this.#woken && !this.#stopped) {
      this.#woken = false;
      this.#wakeAtMs = undefined;
      try {
        await pass();
      } catch (error) {
        onError(error);
        this.wakeAt(nowMs() + retryMs);
      }
    }
    if (this.#stopped || this.#wakeAtMs === undefined) return;
    const delayMs = Math.max(0, this.#wakeAtMs - nowMs());
    this.#timer = setTimeout(() => this.wake(), Math.min(delayMs, longestTimeoutMs));
  }
}
