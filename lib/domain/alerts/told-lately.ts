/**
 * What was last committed under a key, for as long as hearing it again need not be written: an Alertmanager repeats all alerts of a
 * group whenever one of them is news, and every Alertmanager of a source tells the same.
 */
export class ToldLately {
  readonly #told = new Map<string, { text: string; at: number }>();
  readonly #forMs: number;
  readonly #maxKeys: number;

  constructor(options: { forMs: number; maxKeys: number }) {
    this.#forMs = options.forMs;
    this.#maxKeys = options.maxKeys;
  }

  /** Whether exactly this was the last that was committed under the key, a short while before `now` (milliseconds). */
  has(key: string, text: string, now: number): boolean {
    const told = this.#told.get(key);
    return told !== undefined && told.text === text && now - told.at < this.#forMs;
  }

  /** Keeps what was committed; the oldest keys give way to it. */
  keep(key: string, text: string, now: number): void {
    this.#told.delete(key);
    this.#told.set(key, { text, at: now });
    for (const [oldest, { at }] of this.#told) {
      if (now - at < this.#forMs && this.#told.size <= this.#maxKeys) break;
      this.#told.delete(oldest);
    }
  }
}
