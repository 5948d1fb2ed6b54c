import { TimeSlices } from "#lib/runtime/time-slices.ts";
import type { EventHeader } from "./decode.ts";
import { isNewer } from "./watch-event.ts";

type Waiting = { bytes: Buffer; length: number; resourceVersion: string };

export type ChangeQueueOptions = {
  /** Takes in one change. */
  apply: (bytes: Buffer, length: number) => void;
  /** Called after each slice of work, with the changes of the slice taken in. */
  onSlice: () => void;
  /** Called when `apply` throws; what waits is dropped. */
  onError: (error: unknown) => void;
  /** The longest time that a change waits for newer ones of the same object while there is much to do. */
  maxWaitMs?: number;
};

const maxBytes = 64 * 1024 * 1024;
const maxSpare = 1000;

/**
 * Changes that have come and are not decoded yet. Of one object only the newest waits. A quiet watch is taken in at once; in a
 * storm the work is done for at most a quarter of the time, so that most of its changes never need to be decoded.
 */
export class ChangeQueue {
  readonly #options: ChangeQueueOptions;
  readonly #waiting = new Map<string, Waiting>();
  /** Memory to be used again: a storm would take and give back megabytes a second. */
  readonly #spare: Buffer[] = [];
  #bytes = 0;
  #restUntil = 0;
  #working: Promise<void> | undefined;
  #endRest: () => void = () => {};

  constructor(options: ChangeQueueOptions) {
    this.#options = options;
  }

  /** Whether so much waits that the sender should be held back until `drain()`. */
  get isFull(): boolean {
    return this.#bytes > maxBytes;
  }

  /** Keeps a copy of the bytes, unless a newer change of the same object waits already. */
  add({ key, resourceVersion }: EventHeader, bytes: Buffer, start: number, end: number): void {
    const length = end - start;
    const known = this.#waiting.get(key);
    if (known && !isNewer(resourceVersion, known.resourceVersion)) return;
    if (known && known.bytes.length >= length) {
      bytes.copy(known.bytes, 0, start, end);
      known.length = length;
      known.resourceVersion = resourceVersion;
    } else {
      const copy = this.#memory(length);
      bytes.copy(copy, 0, start, end);
      this.#waiting.set(key, { bytes: copy, length, resourceVersion });
      this.#bytes += copy.length - (known?.bytes.length ?? 0);
    }
    this.#working ??= this.#work();
  }

  #memory(length: number): Buffer {
    const spare = this.#spare.pop();
    return spare && spare.length >= length ? spare : Buffer.allocUnsafeSlow(length + (length >> 4));
  }

  /** Takes in at once what waits; resolves when nothing waits any more. */
  async drain(): Promise<void> {
    this.#endRest();
    await this.#working;
  }

  async #work(): Promise<void> {
    await this.#rest(this.#restUntil - performance.now());
    const slices = new TimeSlices();
    let busyMs = 0;
    while (this.#waiting.size > 0) {
      const startedAt = performance.now();
      this.#workOneSlice(slices);
      busyMs += performance.now() - startedAt;
      if (this.#waiting.size > 0) await slices.next();
    }
    this.#restUntil = performance.now() + Math.min(this.#options.maxWaitMs ?? 1000, 3 * busyMs);
    this.#working = undefined;
  }

  #rest(ms: number): Promise<void> {
    return new Promise((resolve) => {
      if (ms <= 0) return void setImmediate(resolve);
      const timer = setTimeout(resolve, ms);
      this.#endRest = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  #workOneSlice(slices: TimeSlices): void {
    const { apply, onSlice, onError } = this.#options;
    try {
      for (const [key, { bytes, length }] of this.#waiting) {
        this.#waiting.delete(key);
        this.#bytes -= bytes.length;
        apply(bytes, length);
        if (this.#spare.length < maxSpare) this.#spare.push(bytes);
        if (slices.isUp) break;
      }
    } catch (error) {
      this.#waiting.clear();
      this.#bytes = 0;
      onError(error);
    }
    onSlice();
  }
}
