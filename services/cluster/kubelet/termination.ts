export type TerminationOptions = {
  graceMs: number;
  /** The preStop hook, which has no more than the grace; undefined when there is none. */
  preStop: ((graceMs: number) => Promise<void>) | undefined;
  signal: () => void;
  kill: () => void;
  nowMs: () => number;
};

/** However long its preStop hook took, a container has this long for its signal. */
const leastAfterHookMs = 2_000;

/** The end of a container: preStop, its signal, and SIGKILL when the grace is over; without a grace SIGKILL is all. */
export class Termination {
  readonly #options: TerminationOptions;
  #deadlineMs: number;
  #timer: NodeJS.Timeout | undefined;
  #hookMs = 0;

  constructor(options: TerminationOptions) {
    this.#options = options;
    this.#deadlineMs = options.nowMs() + options.graceMs;
    this.#killAt(this.#deadlineMs);
    void this.#run();
  }

  /** Another stop was asked for: it can only shorten the grace. */
  shorten(graceMs: number): void {
    const deadlineMs = this.#options.nowMs() + graceMs;
    if (deadlineMs >= this.#deadlineMs) return;
    this.#deadlineMs = deadlineMs;
    this.#hookMs = 0;
    this.#killAt(deadlineMs);
  }

  /** The container has ended. */
  finish(): void {
    clearTimeout(this.#timer);
  }

  async #run(): Promise<void> {
    const { preStop, graceMs, nowMs, signal } = this.#options;
    if (graceMs <= 0) return;
    if (preStop && graceMs > 0) {
      this.#hookMs = leastAfterHookMs;
      this.#killAt(this.#deadlineMs + leastAfterHookMs);
      await preStop(graceMs);
      if (this.#hookMs > 0) this.#killAt(Math.max(this.#deadlineMs, nowMs() + this.#hookMs));
    }
    signal();
  }

  #killAt(timeMs: number): void {
    const { kill, nowMs } = this.#options;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(kill, Math.max(0, timeMs - nowMs()));
  }
}
