import type { CommittedOperation } from "#lib/protocol/relay-messages.ts";

const maxOperations = 2000;

/** The newest operations of one document, kept in memory for `ttlMs` so that most rebasing and catching up reads no database. */
export class RecentHistory {
  readonly #ttlMs: number;
  readonly #now: () => number;
  #operations: CommittedOperation[] = [];
  #since: number[] = [];

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
    }
    const tooOld = this.#since.findIndex((at) => now - at < this.#ttlMs);
    const drop = Math.max(tooOld < 0 ? this.#since.length : tooOld, this.#operations.length - maxOperations);
    // Dropped in blocks, since removing from the front moves the rest.
    if (drop > maxOperations / 4 || drop === this.#operations.length) {
      this.#operations.splice(0, drop);
      this.#since.splice(0, drop);
    }
  }

  /** All operations after `after` up to `upTo`, or undefined if some of them are not here. */
  find(after: number, upTo: number): CommittedOperation[] | undefined {
    const first = this.#operations[0]?.revision;
    const last = this.#operations.at(-1)?.revision;
    if (first === undefined || last === undefined || after + 1 < first || upTo > last) return undefined;
    return this.#operations.slice(after + 1 - first, upTo + 1 - first);
  }
}
