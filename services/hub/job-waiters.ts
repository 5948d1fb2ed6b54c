import type { HubBody } from "#lib/protocol/hub-messages.ts";
import type { JobName, JobOutcome } from "./state.ts";

export type JobWaiter = { job: JobName; end: (outcome: JobOutcome) => void; onProgress: (body: HubBody<"progress">) => void };

/** Who waits at this hub for the end of which job. */
export class JobWaiters {
  readonly #byJob = new Map<string, Set<JobWaiter>>();

  add(waiter: JobWaiter): void {
    const key = keyOf(waiter.job);
    const waiters = this.#byJob.get(key) ?? new Set();
    this.#byJob.set(key, waiters.add(waiter));
  }

  remove(waiter: JobWaiter): void {
    const key = keyOf(waiter.job);
    const waiters = this.#byJob.get(key);
    waiters?.delete(waiter);
    if (waiters?.size === 0) this.#byJob.delete(key);
  }

  of(job: JobName): Iterable<JobWaiter> {
    return this.#byJob.get(keyOf(job)) ?? [];
  }

  has(job: JobName): boolean {
    return this.#byJob.has(keyOf(job));
  }

  /** The jobs that somebody waits for, each once. */
  jobs(): JobName[] {
    return [...this.#byJob.values()].flatMap(([waiter]) => (waiter ? [waiter.job] : []));
  }
}

/** A job's name as the key of a map. */
export function keyOf({ tenant, id }: JobName): string {
  return JSON.stringify([tenant, id]);
}
