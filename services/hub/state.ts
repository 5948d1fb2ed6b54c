import type { HubBody, HubErrorCode } from "#lib/protocol/hub-messages.ts";

/** How a job ended. */
export type JobOutcome = { result: HubBody<"result"> } | { error: { code: HubErrorCode; message: string } };

/** What `put` found: the job is new, was there already, had no room, or has ended so. */
export type JobState = "added" | "known" | "full" | JobOutcome;

export type JobName = { tenant: string; id: string };

/**
 * The right to work on a job until it runs out. `token` is new with each lease, also after a restart of a store that has forgotten
 * the job: what holds an older one is refused.
 * `leases` counts them; `ageMs` is the time since the job was put in.
 */
export type Lease = JobName & { token: number; leases: number; ageMs: number; scan: HubBody<"scan"> };

export const jobPhases = ["waiting", "running", "done", "failed"] as const;
export type JobPhase = (typeof jobPhases)[number];

export type JobSummary = JobName & {
  state: JobPhase;
  target: string;
  ports: string;
  /** ISO 8601 UTC, as endedAt. */
  submittedAt: string;
  leases: number;
  endedAt?: string;
};

export type JobDetail = JobSummary & { scan: HubBody<"scan">; outcome?: JobOutcome };

/** A part of a list; `next` is the `after` of the following part, absent with the last one. */
export type JobPage = { jobs: JobSummary[]; next?: string };

export type JobListOptions = { state: JobPhase; tenant?: string | undefined; after?: string | undefined; limit: number };

/** What happens to jobs at any hub of the store. A hint that may be lost: the store itself is the truth. */
export type JobListener = {
  onQueued: (tenant: string) => void;
  onProgress: (job: JobName, progress: HubBody<"progress">) => void;
  onEnded: (job: JobName) => void;
};

/**
 * The scans that the hubs have to do. A job is named by its tenant and an id: the client's (`scan.job`), else the hub's. What
 * became of the latter is kept for a minute, for the one client that waits for it, and is not listed.
 */
export type JobStore = {
  /** Puts a job in unless it is there already; says how it ended when it did. `full` when `limit` jobs of the tenant are open. */
  put(tenant: string, id: string, scan: HubBody<"scan">, limit: number): Promise<JobState>;
  /** Leases the oldest job of the tenant that nobody holds. */
  claim(tenant: string, leaseMs: number): Promise<Lease | undefined>;
  /** Prolongs a lease, also one that ran out; undefined when somebody else took the job since, or it ended or was given back. */
  renew(job: JobName & { token: number }, leaseMs: number): Promise<Lease | undefined>;
  /** Gives the job back to its place in the queue. A lease under which it was not begun does not count among its `leases`. */
  release(job: JobName & { token: number }, work: "begun" | "unbegun"): Promise<void>;
  /** Ends a job, once: false when it has ended before, is unknown, or `token` is no longer that of its lease. */
  finish(job: JobName & { token?: number }, outcome: JobOutcome): Promise<boolean>;
  outcome(tenant: string, id: string): Promise<JobOutcome | undefined>;
  get(tenant: string, id: string): Promise<JobDetail | undefined>;
  /** In the order in which they entered the state; those that ended newest first. */
  list(options: JobListOptions): Promise<JobPage>;
  /** How many jobs of all tenants wait and run. */
  counts(): Promise<{ waiting: number; running: number }>;
  /** Tells the listeners at every hub how far a job is. */
  tell(job: JobName, progress: HubBody<"progress">): void;
  listen(listener: JobListener): void;
};
