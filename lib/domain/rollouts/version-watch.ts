import { setTimeout as sleep } from "node:timers/promises";
import type { Database } from "#lib/database/client.ts";
import { translateDatabaseErrors } from "../context.ts";
import { DomainError } from "../errors.ts";

type Wait = { id: string; after: number; waitMs: number; signal: AbortSignal | undefined };
type Waiter = Pick<Wait, "id" | "after"> & { resolve: () => void; reject: (error: unknown) => void };

const askEveryMs = 250;
const mostWaiting = 500;
const watches = new WeakMap<object, VersionWatch>();

/**
 * Waits until the rollout has another version than `after`, is gone, or the time is over. However many wait in this process, one
 * query a turn asks for all of them. Throws too-many-attempts when too many wait, and database-unavailable.
 */
export function awaitVersion(db: Pick<Database, "rollout">, wait: Wait): Promise<void> {
  const watch = watches.get(db) ?? new VersionWatch(db);
  watches.set(db, watch);
  return watch.wait(wait);
}

class VersionWatch {
  readonly #db: Pick<Database, "rollout">;
  readonly #waiters = new Set<Waiter>();
  #isAsking = false;

  constructor(db: Pick<Database, "rollout">) {
    this.#db = db;
  }

  async wait({ id, after, waitMs, signal }: Wait): Promise<void> {
    if (signal?.aborted) return;
    if (this.#waiters.size >= mostWaiting) {
      throw new DomainError("too-many-attempts", "Too many follow rollouts just now; ask again without waiting.", {
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
        const versions = await this.#readVersions([...new Set(asked.map(({ id }) => id))]);
        for (const { id, after, resolve } of asked) if (versions.get(id) !== after) resolve();
      } catch (error) {
        for (const { reject } of asked) reject(error);
      }
      await sleep(askEveryMs);
    }
    this.#isAsking = false;
  }

  async #readVersions(ids: string[]): Promise<Map<string, number>> {
    const rows = await translateDatabaseErrors(() =>
      this.#db.rollout.findMany({ where: { id: { in: ids } }, select: { id: true, runVersion: true } }),
    );
    return new Map(rows.map(({ id, runVersion }) => [id, runVersion]));
  }
}
