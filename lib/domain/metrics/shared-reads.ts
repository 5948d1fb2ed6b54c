/** What a read gave, how long others may have it too, and how much memory it takes. */
export type SharedRead<T> = { value: T; keepMs: number; bytes: number };

type Entry = { read: Promise<SharedRead<unknown>>; until: number; bytes: number };

/**
 * Reads that many viewers want at once: each is done once while it is under way and as long as it may be kept. Bounded in bytes;
 * what was not used for longest goes first.
 */
export class SharedReads {
  readonly #now: () => Date;
  readonly #maxBytes: number;
  readonly #entries = new Map<string, Entry>();
  #bytes = 0;

  constructor(now: () => Date, maxBytes: number) {
    this.#now = now;
    this.#maxBytes = maxBytes;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** The read of this key, shared when there is one; a failed one is not kept. One key always stands for one type. */
  async get<T>(key: string, read: () => Promise<SharedRead<T>>): Promise<T> {
    const known = this.#entries.get(key);
    if (known && this.#now().getTime() < known.until) {
      this.#entries.delete(key);
      this.#entries.set(key, known);
      return (await (known.read as Promise<SharedRead<T>>)).value;
    }
    this.forget(key);
    const entry: Entry = { read: read(), until: Number.POSITIVE_INFINITY, bytes: 0 };
    this.#entries.set(key, entry);
    try {
      const done = (await entry.read) as SharedRead<T>;
      entry.until = this.#now().getTime() + done.keepMs;
      if (this.#entries.get(key) === entry) this.#keep(key, entry, done);
      return done.value;
    } catch (error) {
      if (this.#entries.get(key) === entry) this.forget(key);
      throw error;
    }
  }

  /** The next one to ask reads anew. */
  forget(key: string): void {
    this.#bytes -= this.#entries.get(key)?.bytes ?? 0;
    this.#entries.delete(key);
  }

  #keep(key: string, entry: Entry, { keepMs, bytes }: SharedRead<unknown>): void {
    if (keepMs <= 0) {
      this.forget(key);
      return;
    }
    entry.bytes = bytes + 2 * key.length;
    this.#bytes += entry.bytes;
    for (const [oldest, { until }] of this.#entries) {
      if (this.#bytes <= this.#maxBytes) return;
      if (until !== Number.POSITIVE_INFINITY) this.forget(oldest);
    }
  }
}
