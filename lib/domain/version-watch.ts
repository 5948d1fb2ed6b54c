import { setTimeout as sleep } from "node:timers/promises";
import { translateDatabaseErrors } from "./context.ts";
import { DomainError } from "./errors.ts";

type Wait = { id: string; after: number; waitMs: number; signal: AbortSignal | undefined };
type Waiter = Pick<Wait, "id" | "after"> & { resolve: () => void; reject: (error: unknown) => void };
type ReadVersions<Db> = (db: Db, ids: string[]) => Promise<Map<string, number>>;

const askEveryMs = 250;
const mostWaiting = 500;

/** Waits for new versions of one kind of rows. However many wait in this process, one query a turn asks for all of them. */
export class VersionWatch<Db extends object> {
  readonly #what: string;
  readonly #read: ReadVersions<Db>;
  readonly #turns = new WeakMap<Db, Turns>();

  /** `what` names the rows to a person, in the plural; `read` tells the versions of those that there are. */
  constructor(what: string, read: ReadVersions<Db>) {
    this.#what = what;
    this.#read = read;
  }

  /**
   * Waits until the row has another version than `after`, is gone, or the time is over. Throws too-many-attempts when too many wait,
   * and database-unavailable.
   */
  wait(db: Db, wait: Wait): Promise<void> {
    const turns = this.#turns.get(db) ?? new Turns(this.#what, (ids) => this.#read(db, ids));
    this.#turns.set(db, turns);
    return turns.wait(wait);
  }
}

class Turns {
  readonly #what: string;
  readonly #read: (ids: string[]) => Promise<Map<string, number>>;
  readonly #waiters = new Set<Waiter>();
  #isAsking = false;

  constructor(what: string, read: (ids: string[]) => Promise<Map<string, number>>) {
    this.#what = what;
    this.#read = read;
  }

  async wait({ id, after, waitMs, signal }: Wait): Promise<void> {
    if (signal?.aborted) return;
    if (this.#waiters.size >= mostWaiting) {
      throw new DomainError("too-many-attempts", `Too many follow ${this.#what} just now; ask again without waiting.`, {
        retryAfterSeconds: 5,
      });
    }
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const waiter: Waiter = { id, after, resolve, reject };
    const timer = setTimeout(resolve, waitMs);
    const leave = () => resolve();
    signal?.addEventListener("abort", leave);
    this.#waiters.add(waiter);
    if (!this.#isAsking) void this.#ask();
    try {
      await promise;
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener("abort", leave);
      this.#waiters.delete(waiter);
    }
  }

  async #ask(): Promise<void> {
    this.#isAsking = true;
    while (this.#waiters.size > 0) {
      const asked = [...this.#waiters];
      try {
        const versions = await translateDatabaseErrors(() => this.#read([...new Set(asked.map(({ id }) => id))]));
        for (const { id, after, resolve } of asked) if (versions.get(id) !== after) resolve();
      } catch (error) {
        for (const { reject } of asked) reject(error);
      }
      await sleep(askEveryMs);
    }
    this.#isAsking = false;
  }
}
