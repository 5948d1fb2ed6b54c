import type { HubBody, HubErrorCode } from "#lib/protocol/hub-messages.ts";

/** How a job ended. */
export type JobOutcome = { result: HubBody<"result"> } | { error: { code: HubErrorCode; message: string } };

export type JobState = "added" | "known" | "full" | JobOutcome;

/** The right to work on a job until it runs out. `token` grows with each lease of the job: what holds an older one is refused. */
export type Lease = { tenant: string; id: string; token: number; scan: HubBody<"scan"> };

/** The scans that outlive connections and hubs. A job is named by its tenant and the client's id for it. */
export type JobStore = {
  /** Puts a job in unless it is there already; says how it ended when it did. `full` when `limit` jobs of the tenant are open. */
  put(tenant: string, id: string, scan: HubBody<"scan">, limit: number): Promise<JobState>;
  /** Leases the oldest job of the tenant that nobody holds. */
  claim(tenant: string, leaseMs: number): Promise<Lease | undefined>;
  /** False when the lease ran out and somebody else took the job, or the job ended. */
  renew(lease: Lease, leaseMs: number): Promise<boolean>;
  /** Gives the job back to its place in the queue. */
  release(lease: Lease): Promise<void>;
  /** Ends a job, once: false when it has ended before, is unknown, or `token` is no longer that of its lease. */
  finish(job: { tenant: string; id: string; token?: number }, outcome: JobOutcome): Promise<boolean>;
  outcome(tenant: string, id: string): Promise<JobOutcome | undefined>;
};

export type EdgeTotals = { accepted: number; missing: number };

/** The last number that was counted of each stream. */
export type StreamStore = {
  last(stream: string): Promise<number | undefined>;
  /** Moves on and adds to the totals in one step. Gives the totals, or undefined when `from` is no longer the last number. */
  advance(stream: string, from: number | undefined, to: number, counted: EdgeTotals): Promise<EdgeTotals | undefined>;
  totals(): Promise<EdgeTotals>;
};
