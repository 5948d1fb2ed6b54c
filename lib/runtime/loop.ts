import type { Logger } from "#lib/runtime/logger.ts";

/** What a control loop is: a pass that reads the world and acts, run at an interval and whenever something wakes it. */
export type LoopOptions = {
  name: string;
  /** Time between the end of a pass and the start of the next one, in milliseconds. */
  intervalMs: number;
  /** One pass. It must be safe to repeat; an error is logged and the loop goes on. */
  pass: (signal: AbortSignal) => Promise<void>;
  logger: Logger;
};

/** Runs a pass again and again, never two at once. `wake()` asks for a pass soon; `stop()` waits for the one under way. */
export class Loop {
  readonly #options: LoopOptions;
  readonly #abort = new AbortController();
  #running: Promise<void> | undefined;
  #wake: (() => void) | undefined;
  #woken = false;

  constructor(options: LoopOptions) {
    this.#options = options;
  }

  start(): void {
    this.#running ??= this.#run();
  }

  wake(): void {
    this.#woken = true;
    this.#wake?.();
  }

  async stop(): Promise<void> {
    this.#abort.abort();
    this.#wake?.();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { name, pass, logger } = this.#options;
    while (!this.#abort.signal.aborted) {
      this.#woken = false;
      try {
        await pass(this.#abort.signal);
      } catch (error) {
        if (!this.#abort.signal.aborted) logger.error({ err: error, loop: name }, "a pass failed; the next one tries again");
      }
      await this.#pause();
    }
  }

  #pause(): Promise<void> {
    if (this.#woken || this.#abort.signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(done, this.#options.intervalMs);
      this.#wake = done;
      const loop = this;
      function done() {
        clearTimeout(timer);
        loop.#wake = undefined;
        resolve();
      }
    });
  }
}
