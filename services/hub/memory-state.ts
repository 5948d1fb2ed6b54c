import type { HubBody } from "#lib/protocol/hub-messages.ts";
import type { EdgeTotals, JobOutcome, JobState, JobStore, Lease, StreamStore } from "./state.ts";

type Job = { tenant: string; id: string; scan: HubBody<"scan">; token: number; heldUntil: number; outcome?: JobOutcome };

/** Jobs of one process. Of those that ended the last `maxEnded` are remembered. */
export class MemoryJobs implements JobStore {
  readonly #now: () => number;
  readonly #maxEnded: number;
  readonly #open = new Map<string, Job>();
  readonly #ended = new Map<string, JobOutcome>();

  constructor({ now = () => performance.now(), maxEnded = 1_000 } = {}) {
    this.#now = now;
    this.#maxEnded = maxEnded;
  }

  async put(tenant: string, id: string, scan: HubBody<"scan">, limit: number): Promise<JobState> {
    const key = keyOf(tenant, id);
    const outcome = this.#ended.get(key);
    if (outcome) return outcome;
    if (this.#open.has(key)) return "known";
    if ([...this.#open.values()].filter((job) => job.tenant === tenant).length >= limit) return "full";
    this.#open.set(key, { tenant, id, scan, token: 0, heldUntil: Number.NEGATIVE_INFINITY });
    return "added";
  }

  async claim(tenant: string, leaseMs: number): Promise<Lease | undefined> {
    const now = this.#now();
    for (const job of this.#open.values()) {
      if (job.tenant !== tenant || job.heldUntil > now) continue;
      job.token += 1;
      job.heldUntil = now + leaseMs;
      return { tenant, id: job.id, token: job.token, scan: job.scan };
    }
    return undefined;
  }

  async renew({ tenant, id, token }: Lease, leaseMs: number): Promise<boolean> {
    const job = this.#open.get(keyOf(tenant, id));
    if (job?.token !== token) return false;
    job.heldUntil = this.#now() + leaseMs;
    return true;
  }

  async release({ tenant, id, token }: Lease): Promise<void> {
    const job = this.#open.get(keyOf(tenant, id));
    if (job?.token === token) job.heldUntil = Number.NEGATIVE_INFINITY;
  }

  async finish({ tenant, id, token }: { tenant: string; id: string; token?: number }, outcome: JobOutcome): Promise<boolean> {
    const key = keyOf(tenant, id);
    const job = this.#open.get(key);
    if (!job || (token !== undefined && job.token !== token)) return false;
    this.#open.delete(key);
    this.#ended.set(key, outcome);
    forgetOldest(this.#ended, this.#maxEnded);
    return true;
  }

  async outcome(tenant: string, id: string): Promise<JobOutcome | undefined> {
    return this.#ended.get(keyOf(tenant, id));
  }
}

/** Streams of one process: after its restart a repeated message counts again. The ones used last are remembered. */
export class MemoryStreams implements StreamStore {
  readonly #maxStreams: number;
  readonly #last = new Map<string, number>();
  readonly #totals: EdgeTotals = { accepted: 0, missing: 0 };

  constructor(maxStreams = 10_000) {
    this.#maxStreams = maxStreams;
  }

  async last(stream: string): Promise<number | undefined> {
    return this.#last.get(stream);
  }

  async advance(stream: string, from: number | undefined, to: number, counted: EdgeTotals): Promise<EdgeTotals | undefined> {
    if (this.#last.get(stream) !== from) return undefined;
    this.#last.delete(stream);
    this.#last.set(stream, to);
    forgetOldest(this.#last, this.#maxStreams);
    this.#totals.accepted += counted.accepted;
    this.#totals.missing += counted.missing;
    return { ...this.#totals };
  }

  async totals(): Promise<EdgeTotals> {
    return { ...this.#totals };
  }
}

function forgetOldest(map: Map<string, unknown>, size: number): void {
  const oldest = map.keys().next().value;
  if (map.size > size && oldest !== undefined) map.delete(oldest);
}

function keyOf(tenant: string, id: string): string {
  return JSON.stringify([tenant, id]);
}
