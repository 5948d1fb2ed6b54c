import type { HubBody } from "#lib/protocol/hub-messages.ts";
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
  places: Place[];
};

type Place = { roll: Roll; position: number; job: Job; isLeft: boolean };

/** Jobs sorted by position. Enters at the end, leaves anywhere and gives the first in O(1) on average; seeks in O(log n). */
class Roll {
  #places: Place[] = [];
  #start = 0;
  #left = 0;

  get size(): number {
    return this.#places.length - this.#left;
  }

  enter(job: Job, position: number): Place {
    const place = { roll: this, position, job, isLeft: false };
    const at = (this.#places.at(-1)?.position ?? 0) < position ? this.#places.length : this.#seek(position);
    if (at === this.#places.length) this.#places.push(place);
    else this.#places.splice(at, 0, place);
    this.#start = Math.min(this.#start, at);
    return place;
  }

  leave(place: Place): void {
    place.isLeft = true;
    this.#left += 1;
    if (this.#left < 64 || this.#left * 2 < this.#places.length) return;
    this.#places = this.#places.filter(({ isLeft }) => !isLeft);
    this.#start = 0;
    this.#left = 0;
  }

  first(): Job | undefined {
    while (this.#places[this.#start]?.isLeft) this.#start += 1;
    return this.#places[this.#start]?.job;
  }

  *after(position: number): Generator<Place> {
    for (let at = this.#seek(position + 1); at < this.#places.length; at++) {
      const place = this.#places[at];
      if (place && !place.isLeft) yield place;
    }
  }

  *before(position: number): Generator<Place> {
    for (let at = this.#seek(position) - 1; at >= 0; at--) {
      const place = this.#places[at];
      if (place && !place.isLeft) yield place;
    }
  }

  /** The first index whose position is not less. */
  #seek(position: number): number {
    let [low, high] = [0, this.#places.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#places[middle]?.position ?? 0) < position) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** Jobs of one process, gone when it ends. Of the named ones that ended the last `maxEnded` are remembered. */
export class MemoryJobs implements JobStore {
  readonly #now: () => number;
  readonly #maxEnded: number;
  readonly #jobs = new Map<string, Job>();
  readonly #rolls = new Map<string, Roll>();
  /** By tenant, the one whose lease ends first in front. */
  readonly #held = new Map<string, Set<Job>>();
  readonly #ended = { named: [] as Job[], unnamed: [] as Job[] };
  readonly #listeners: JobListener[] = [];
  #number = 0;
  #token: number;

  /** Tokens start after `firstToken`, by default the time in microseconds: no token of an earlier life comes again. */
  constructor({ now = () => performance.now(), maxEnded = 1_000, firstToken = nowMicros() } = {}) {
    this.#now = now;
    this.#maxEnded = maxEnded;
    this.#token = firstToken;
  }

  async put(tenant: string, id: string, scan: HubBody<"scan">, limit: number): Promise<JobState> {
    const known = this.#jobs.get(keyOf(tenant, id));
    if (known) return known.outcome ?? "known";
    if (this.#roll("waiting", tenant).size + this.#roll("running", tenant).size >= limit) return "full";
    this.#number += 1;
    const job: Job = {
      ...{ tenant, id, scan, state: "waiting", number: this.#number, token: 0, leases: 0, places: [] },
      ...{ putAt: this.#now(), heldUntil: 0, submittedAt: new Date().toISOString() },
    };
    this.#jobs.set(keyOf(tenant, id), job);
    this.#enter(job, "waiting", job.number);
    for (const { onQueued } of this.#listeners) onQueued(tenant);
    return "added";
  }

  async claim(tenant: string, leaseMs: number): Promise<Lease | undefined> {
    for (const job of this.#heldOf(tenant)) {
      if (job.heldUntil > this.#now()) break;
      this.#enter(job, "waiting", job.number);
    }
    const job = this.#roll("waiting", tenant).first();
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
    this.#forgetOldest(job.scan.job === undefined ? this.#ended.unnamed : this.#ended.named, job);
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
    const roll = this.#roll(state, tenant);
    const isNewestFirst = state === "done" || state === "failed";
    const places = isNewestFirst ? roll.before(Number(after ?? Number.MAX_SAFE_INTEGER)) : roll.after(Number(after ?? 0));
    const page: Place[] = [];
    for (const place of places) {
      if (page.length === limit) return { jobs: page.map(({ job }) => summarize(job)), next: String(page.at(-1)?.position) };
      page.push(place);
    }
    return { jobs: page.map(({ job }) => summarize(job)) };
  }

  async counts(): Promise<{ waiting: number; running: number }> {
    return { waiting: this.#roll("waiting", "").size, running: this.#roll("running", "").size };
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
    const held = this.#heldOf(job.tenant);
    held.delete(job);
    held.add(job);
    const now = this.#now();
    job.heldUntil = now + leaseMs;
    const { tenant, id, token, leases, scan } = job;
    return { tenant, id, token, leases, ageMs: now - job.putAt, scan };
  }

  #enter(job: Job, state: JobPhase, position?: number): void {
    for (const place of job.places) place.roll.leave(place);
    if (state !== "running") this.#heldOf(job.tenant).delete(job);
    job.state = state;
    this.#number += position === undefined ? 1 : 0;
    const isListed = job.scan.job !== undefined || !job.outcome;
    const rolls = isListed ? [this.#roll(state, ""), this.#roll(state, job.tenant)] : [];
    job.places = rolls.map((roll) => roll.enter(job, position ?? this.#number));
  }

  #forgetOldest(ended: Job[], job: Job): void {
    ended.push(job);
    if (ended.length < this.#maxEnded * 2) return;
    for (const { tenant, id, places } of ended.splice(0, ended.length - this.#maxEnded)) {
      this.#jobs.delete(keyOf(tenant, id));
      for (const place of places) place.roll.leave(place);
    }
  }

  /** The jobs in a state, of one tenant or ("") of all. */
  #roll(state: JobPhase, tenant: string): Roll {
    return getOrAdd(this.#rolls, `${state}\n${tenant}`, () => new Roll());
  }

  #heldOf(tenant: string): Set<Job> {
    return getOrAdd(this.#held, tenant, () => new Set());
  }
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
