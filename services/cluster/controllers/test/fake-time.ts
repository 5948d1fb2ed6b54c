import type { Clock, Timers } from "../clock.ts";

/** A clock that stands still until a test moves it. */
export class FakeTime implements Clock, Timers {
  #ms: number;
  #waiting: { atMs: number; run: () => void }[] = [];

  constructor(start = "2026-01-01T00:00:00Z") {
    this.#ms = Date.parse(start);
  }

  now(): Date {
    return new Date(this.#ms);
  }

  nowMs(): number {
    return this.#ms;
  }

  after(delayMs: number, run: () => void): () => void {
    const entry = { atMs: this.#ms + delayMs, run };
    this.#waiting.push(entry);
    return () => {
      this.#waiting = this.#waiting.filter((one) => one !== entry);
    };
  }

  advance(ms: number): void {
    const endMs = this.#ms + ms;
    for (;;) {
      const [next] = this.#waiting.filter(({ atMs }) => atMs <= endMs).sort((left, right) => left.atMs - right.atMs);
      if (!next) break;
      this.#waiting = this.#waiting.filter((one) => one !== next);
      this.#ms = Math.max(this.#ms, next.atMs);
      next.run();
    }
    this.#ms = endMs;
  }
}
