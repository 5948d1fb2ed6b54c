import type { Delta } from "#lib/protocol/relay-delta.ts";
import type { CommittedOperation } from "#lib/protocol/relay-messages.ts";

const maxOperations = 2000;
const maxCharacters = 8 * 1024 * 1024;
/** What an operation takes beside its changes. */
const envelopeCharacters = 128;

/** The newest operations of one document, kept in memory for `ttlMs` so that most rebasing and catching up reads no database. */
export class RecentHistory {
  readonly #ttlMs: number;
  readonly #now: () => number;
  #operations: CommittedOperation[] = [];
  #since: number[] = [];
  #weights: number[] = [];
  #characters = 0;

  constructor(ttlMs: number, now: () => number = () => performance.now()) {
    this.#ttlMs = ttlMs;
    this.#now = now;
  }

  /** Adds operations that follow those that are here. */
  add(operations: CommittedOperation[]): void {
    const now = this.#now();
    for (const operation of operations) {
      this.#operations.push(operation);
      this.#since.push(now);
      const weight = weigh(operation.delta);
      this.#weights.push(weight);
      this.#characters += weight;
    }
    this.expire();
  }

  /**
   * Forgets what is too old or too much; to be called from time to time also when nothing is added. Returns how many characters
   * are left, at most `limit`.
   */
  expire(limit = maxCharacters): number {
    const now = this.#now();
    const fresh = this.#since.findIndex((at) => now - at < this.#ttlMs);
    let drop = Math.max(fresh < 0 ? this.#since.length : fresh, this.#operations.length - maxOperations);
    const most = Math.min(limit, maxCharacters);
    const isTooMuch = this.#characters > most;
    // Dropped in blocks, since removing from the front moves the rest.
    if (!isTooMuch && drop <= maxOperations / 4 && drop !== this.#operations.length) return this.#characters;
    drop = Math.max(0, drop);
    let characters = this.#weights.slice(0, drop).reduce((sum, weight) => sum + weight, 0);
    while (isTooMuch && this.#characters - characters > most / 2) {
      characters += this.#weights[drop] ?? 0;
      drop += 1;
    }
    this.#characters -= characters;
    for (const list of [this.#operations, this.#since, this.#weights]) list.splice(0, drop);
    return this.#characters;
  }

  /** All operations after `after` up to `upTo`, or undefined if some of them are not here. */
  find(after: number, upTo: number): CommittedOperation[] | undefined {
    const first = this.#operations[0]?.revision;
    const last = this.#operations.at(-1)?.revision;
    if (first === undefined || last === undefined || after + 1 < first || upTo > last) return undefined;
    return this.#operations.slice(after + 1 - first, upTo + 1 - first);
  }

  /** As `find`, but stops before the operation that would make them more than `maxCharacters`; the first is given always. */
  page(after: number, upTo: number, maxCharacters: number): CommittedOperation[] | undefined {
    const found = this.find(after, upTo);
    const start = after + 1 - (this.#operations[0]?.revision ?? 0);
    let characters = 0;
    const end = found?.findIndex((_, index) => {
      characters += this.#weights[start + index] ?? 0;
      return index > 0 && characters > maxCharacters;
    });
    return end === undefined || end < 0 ? found : found?.slice(0, end);
  }
}

/** Expires each, and keeps them together within `maxCharacters`: those that hold the most give up their oldest operations first. */
export function expireAll(histories: Pick<RecentHistory, "expire">[], maxCharacters: number): void {
  for (let limit = maxCharacters; ; limit /= 2) {
    const kept = histories.reduce((sum, history) => sum + history.expire(limit), 0);
    if (kept <= maxCharacters) return;
  }
}

function weigh(delta: Delta): number {
  return delta.reduce((sum, component) => {
    const text = "insert" in component ? component.insert.length : 0;
    const attributes = "attributes" in component ? JSON.stringify(component.attributes).length : 0;
    return sum + 32 + text + attributes;
  }, envelopeCharacters);
}
