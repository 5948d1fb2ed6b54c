import type { PortRange } from "#lib/protocol/hub-ports.ts";
import { counters, type ProbeTask } from "./probe-task.ts";

const chunk = 32;
const maxTries = 5;

/** The ports of a scan that a thread has to try: chunks of what all threads share, at last those to be tried again. */
export class PortQueue {
  readonly #ranges: PortRange[];
  readonly #numbers: ProbeTask["numbers"];
  readonly #total: number;
  readonly #again: number[] = [];
  readonly #tries = new Map<number, number>();
  #index = 0;
  #chunkEnd = 0;
  #range = 0;
  /** Index of the first port of the present range. */
  #rangeStart = 0;
  #isClosed = false;

  constructor({ ranges, numbers }: ProbeTask) {
    this.#ranges = ranges;
    this.#numbers = numbers;
    this.#total = ranges.reduce((sum, { from, to }) => sum + to - from + 1, 0);
  }

  /** Whether there is a port to take; gets the next chunk when it needs one. */
  hasPort(): boolean {
    if (this.#isClosed) return false;
    if (this.#index >= this.#chunkEnd && this.#chunkEnd < this.#total) {
      this.#index = Math.min(Atomics.add(this.#numbers, counters.next, chunk), this.#total);
      this.#chunkEnd = Math.min(this.#index + chunk, this.#total);
    }
    return this.#index < this.#chunkEnd || this.#again.length > 0;
  }

  /** Only after hasPort. */
  take(): number {
    if (this.#index >= this.#chunkEnd) return this.#again.shift() ?? 0;
    const index = this.#index++;
    let range = this.#ranges[this.#range];
    while (range && index - this.#rangeStart > range.to - range.from) {
      this.#rangeStart += range.to - range.from + 1;
      this.#range += 1;
      range = this.#ranges[this.#range];
    }
    return (range?.from ?? 0) + index - this.#rangeStart;
  }

  giveBack(port: number): void {
    this.#again.push(port);
  }

  /** As giveBack, but false when the port has had its tries. */
  tryAgain(port: number): boolean {
    const tries = (this.#tries.get(port) ?? 1) + 1;
    if (tries > maxTries) return false;
    this.#tries.set(port, tries);
    this.#again.push(port);
    return true;
  }

  /** Nothing is to be tried any more. */
  close(): void {
    this.#isClosed = true;
  }
}
