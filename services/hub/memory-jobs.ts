import type { HubBody } from "#lib/protocol/hub-messages.ts";
import { type Place, Roll } from "./roll.ts";
import type {
  JobDetail,
  JobListener,
  JobListOptions,
  JobName,
  JobOutcome,
  JobPage,
  JobPhase,
  JobState,
  JobStore,
  JobSummary,
  Lease,
} from "./state.ts";

type Job = JobName & {
  scan: HubBody<"scan">;
  state: JobPhase;
  /** Its number among all jobs, which is its place in the queue. */
  number: number;
  token: number;
  leases: number;
  putAt: number;
  heldUntil: number;
  submittedAt: string;
  endedAt?: string;
  outcome?: JobOutcome;
  forgetAt: number;
  places: Place<Job>[];
};

/** Jobs that have ended, of which the oldest go when there are more than `maxCount`, or `maxBytes` of their results. */
class EndedJobs {
  readonly #jobs = new Map<Job, number>();
  #bytes = 0;

  add(job: Job): void {
    const bytes = Buffer.byteLength(JSON.stringify(job.outcome));
    this.#jobs.set(job, bytes);
    this.#bytes += bytes;
  }

  /** Takes those out that are too many or too old. */
  *takeOld({ maxCount, maxBytes, now }: { maxCount: number; maxBytes: number; now: number }): Generator<Job> {
    for (const [job, bytes] of this.#jobs) {
      if (this.#jobs.size <= maxCount && this.#bytes <= maxBytes && job.forgetAt > now) return;
      this.#jobs.delete(job);
      this.#bytes -= bytes;
      yield job;
    }
  }
}

/** Like in Redis, the end of a job without a name is remembered for so long. */
const unnamedTtlMs = 60_000;

/** Jobs of one process, gone when it ends. Of those that ended, named and unnamed, the last `maxEnded` are remembered at most. */
export class MemoryJobs implements JobStore {
  readonly #now: () => number;
  readonly #bounds: { maxCount: number; maxBytes: number };
  readonly #jobs = new Map<string, Job>();
  readonly #rolls = new Map<string, Roll<Job>>();
  /** By tenant, the one whose lease ends first in front. */
  readonly #held = new Map<string, Set<Job>>();
  readonly #ended = { named: new EndedJobs(), unnamed: new EndedJobs() };
  readonly #listeners: JobListener[] = [];
  #number = 0;
  #token: number;

  /** Results take `maxEndedBytes` at most, and those of unnamed jobs as much again. Tokens start after `firstToken`, by default the time in microseconds: no token of an earlier life comes again. */
  constructor({
    now = () => performance.now(),
    maxEnded = 1_000,
    maxEndedBytes = 32 * 1024 * 1024,
    firstToken = nowMicros(),
  } = {}) {
    this.#now = now;
    this.#bounds = { maxCount: maxEnded, maxBytes: maxEndedBytes };
    this.#token = firstToken;
  }

  async put(tenant: string, id: string, scan: HubBody<"scan">, limit: number): Promise<JobState> {
    const known = this.#jobs.get(keyOf(tenant, id));
    if (known) return known.outcome ?? "known";
    if (this.#size("waiting", tenant) + this.#size("running", tenant) >= limit) return "full";
    this.#number += 1;
    const job: Job = {
      ...{ tenant, id, scan, state: "waiting", number: this.#number, token: 0, leases: 0, places: [] },
      ...{ putAt: this.#now(), heldUntil: 0, submittedAt: new Date().toISOString(), forgetAt: Infinity },
    };
    this.#jobs.set(keyOf(tenant, id), job);
    this.#enter(job, "waiting", job.number);
    for (const { onQueued } of this.#listeners) onQueued(tenant);
    return "added";
  }

  async claim(tenant: string, leaseMs: number): Promise<Lease | undefined> {
    for (const job of this.#held.get(tenant) ?? []) {
      if (job.heldUntil > this.#now()) break;
      this.#enter(job, "waiting", job.number);
    }
    const job = this.#rolls.get(rollKey("waiting", tenant))?.first();
    if (!job) return undefined;
    job.token = this.#nextToken();
    job.leases += 1;
    return this.#hold(job, leaseMs);
  }

  async renew({ tenant, id, token }: JobName & { token: number }, leaseMs: number): Promise<Lease | undefined> {
    const job = this.#jobs.get(keyOf(tenant, id));
    return job?.token === token && !job.outcome ? this.#hold(job, leaseMs) : undefined;
  }

  async release({ tenant, id, token }: JobName & { token: number }, work: "begun" | "unbegun"): Promise<void> {
    const job = this.#jobs.get(keyOf(tenant, id));
    if (job?.token !== token || job.outcome) return;
    job.token = this.#nextToken();
    if (work === "unbegun") job.leases -= 1;
    this.#enter(job, "waiting", job.number);
    for (const { onQueued } of this.#listeners) onQueued(tenant);
  }

  async finish({ tenant, id, token }: JobName & { token?: number }, outcome: JobOutcome): Promise<boolean> {
    const job = this.#jobs.get(keyOf(tenant, id));
    if (!job || job.outcome || (token !== undefined && job.token !== token)) return false;
    job.outcome = outcome;
    job.endedAt = new Date().toISOString();
    this.#enter(job, "error" in outcome ? "failed" : "done");
    const isNamed = job.scan.job !== undefined;
    if (!isNamed) job.forgetAt = this.#now() + unnamedTtlMs;
    this.#ended[isNamed ? "named" : "unnamed"].add(job);
    this.#forgetOld();
    for (const { onEnded } of this.#listeners) onEnded({ tenant, id });
    return true;
  }

  async outcome(tenant: string, id: string): Promise<JobOutcome | undefined> {
    return this.#jobs.get(keyOf(tenant, id))?.outcome;
  }

  async get(tenant: string, id: string): Promise<JobDetail | undefined> {
    const job = this.#jobs.get(keyOf(tenant, id));
    return job && { ...summarize(job), scan: job.scan, ...(job.outcome ? { outcome: job.outcome } : {}) };
  }

  async list({ state, tenant = "", after, limit }: JobListOptions): Promise<JobPage> {
    const roll = this.#rolls.get(rollKey(state, tenant)) ?? new Roll<Job>("");
    const isNewestFirst = state === "done" || state === "failed";
    const places = isNewestFirst ? roll.before(Number(after ?? Number.MAX_SAFE_INTEGER)) : roll.after(Number(after ?? 0));
    const page: Place<Job>[] = [];
    for (const place of places) {
      if (page.length === limit) return { jobs: page.map(({ item }) => summarize(item)), next: String(page.at(-1)?.position) };
      page.push(place);
    }
    return { jobs: page.map(({ item }) => summarize(item)) };
  }

  async counts(): Promise<{ waiting: number; running: number }> {
    this.#forgetOld();
    return { waiting: this.#size("waiting", ""), running: this.#size("running", "") };
  }

  tell(job: JobName, progress: HubBody<"progress">): void {
    for (const { onProgress } of this.#listeners) onProgress(job, progress);
  }

  listen(listener: JobListener): void {
    this.#listeners.push(listener);
  }

  #nextToken(): number {
    this.#token += 1;
    return this.#token;
  }

  #hold(job: Job, leaseMs: number): Lease {
    if (job.state !== "running") this.#enter(job, "running");
    const held = getOrAdd(this.#held, job.tenant, () => new Set());
    held.delete(job);
    held.add(job);
    const now = this.#now();
    job.heldUntil = now + leaseMs;
    const { tenant, id, token, leases, scan } = job;
    return { tenant, id, token, leases, ageMs: now - job.putAt, scan };
  }

  #enter(job: Job, state: JobPhase, position?: number): void {
    this.#leave(job);
    job.state = state;
    this.#number += position === undefined ? 1 : 0;
    const isListed = job.scan.job !== undefined || !job.outcome;
    const keys = isListed ? [rollKey(state, ""), rollKey(state, job.tenant)] : [];
    const rolls = keys.map((key) => getOrAdd(this.#rolls, key, () => new Roll<Job>(key)));
    job.places = rolls.map((roll) => roll.enter(job, position ?? this.#number));
  }

  /** Nothing stays behind of a tenant that has no job. */
  #leave(job: Job): void {
    for (const place of job.places) {
      place.roll.leave(place);
      if (place.roll.size === 0) this.#rolls.delete(place.roll.key);
    }
    const held = this.#held.get(job.tenant);
    held?.delete(job);
    if (held?.size === 0) this.#held.delete(job.tenant);
  }

  #forgetOld(): void {
    for (const ended of [this.#ended.named, this.#ended.unnamed]) {
      for (const job of ended.takeOld({ ...this.#bounds, now: this.#now() })) {
        this.#jobs.delete(keyOf(job.tenant, job.id));
        this.#leave(job);
      }
    }
  }

  #size(state: JobPhase, tenant: string): number {
    return this.#rolls.get(rollKey(state, tenant))?.size ?? 0;
  }
}

/** Of the jobs in a state, of one tenant or ("") of all. */
function rollKey(state: JobPhase, tenant: string): string {
  return `${state}\n${tenant}`;
}

function summarize({ tenant, id, state, scan, submittedAt, leases, endedAt }: Job): JobSummary {
  const { target, ports } = scan;
  return { tenant, id, state, target, ports, submittedAt, leases, ...(endedAt ? { endedAt } : {}) };
}

function getOrAdd<V>(map: Map<string, V>, key: string, create: () => V): V {
  const known = map.get(key);
  if (known) return known;
  const created = create();
  map.set(key, created);
  return created;
}

function nowMicros(): number {
  return Math.floor((performance.timeOrigin + performance.now()) * 1_000);
}

function keyOf(tenant: string, id: string): string {
  return JSON.stringify([tenant, id]);
}
