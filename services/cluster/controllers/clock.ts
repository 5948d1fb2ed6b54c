/** Where the controllers take the time from. Tests give their own. */
export type Clock = { now(): Date };

/** Runs something later, as setTimeout does, on a clock that never jumps; the function that `after` returns calls it off. */
export type Timers = { nowMs(): number; after(delayMs: number, run: () => void): () => void };

export const systemClock: Clock = { now: () => new Date() };

const longestTimerMs = 2 ** 31 - 1;

export const systemTimers: Timers = {
  nowMs: () => performance.now(),
  after(delayMs, run) {
    const timer = setTimeout(run, Math.min(Math.max(0, delayMs), longestTimerMs));
    timer.unref();
    return () => clearTimeout(timer);
  },
};
