import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { type HubBody, HubError, type HubErrorCode } from "#lib/protocol/hub-messages.ts";
import type { Logger } from "#lib/runtime/logger.ts";
import type { ConnectorPeer, HeldJob, ScanDispatcher } from "./dispatcher.ts";
import { JobWaiters, keyOf } from "./job-waiters.ts";
import type { JobName, JobOutcome, JobPhase, JobState, JobStore, Lease } from "./state.ts";

type Scan = HubBody<"scan">;
type Progress = HubBody<"progress">;

export type JobRunnerOptions = {
  store: JobStore;
  dispatcher: ScanDispatcher;
  /** Open jobs of a tenant. */
  queueSize: number;
  /** A hub or connector that dies holds its jobs for this long at most. */
  leaseMs: number;
  /** How often the store is looked at besides when it tells of a change. */
  pollMs?: number;
  /** A job that was leased so often without an end fails as connector_lost. */
  maxLeases?: number;
  logger: Logger;
  /** Called for the end of each job that this hub brought about: once for each job in the whole fleet. */
  onEnd?: (result: string) => void;
  /** Called now and then with the number of jobs that wait for a connector of any hub. */
  onWaiting?: (jobs: number) => void;
};

/** With this reason a caller stops waiting, and a job that it has named goes on. */
export const callerIsGone = "the caller is gone";

/** Answers of a connector that says no for reasons of its own: another one may do the job. */
const refusals: HubErrorCode[] = ["busy", "shutting_down", "internal"];

/** Those of a connector that has not begun: such a lease does not count. */
const refusalsUnbegun: HubErrorCode[] = ["busy", "shutting_down"];

/** So long a connector that refused is left alone; one that shuts down is left alone for good. */
const restMs = 1_000;

/** After its time a scan's connector has this long to hand back what it found. */
const handBackMs = 1_000;

/** After its time a scan without a name ends, though a connector has it: neither connector nor hub may be there any more. */
const lateMs = 5 * handBackMs;

const cancelled: JobOutcome = { error: { code: "cancelled", message: "the scan was cancelled" } };

/**
 * Has the jobs of the store done by the connectors of this hub, each under a lease. When a connector's connection is lost it goes
 * on scanning and its lease stays: back in time at any hub of the store, it keeps the job, else the job goes to another one.
 */
export class JobRunner {
  readonly #options: JobRunnerOptions;
  readonly #running = new Map<string, AbortController>();
  readonly #waiters = new JobWaiters();
  /** What connectors had when their connection to this hub was lost, by connector. */
  readonly #left = new Map<string, Lease[]>();
  readonly #stop = new AbortController();
  readonly #tenantsToLook = new Set<string>();
  #looking: Promise<void> | undefined;
  #paused = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: JobRunnerOptions) {
    this.#options = options;
    options.dispatcher.onFree = (tenant) => this.#look([tenant]);
    options.store.listen({
      onQueued: (tenant) => this.#look([tenant]),
      onProgress: (job, progress) => {
        for (const { onProgress } of this.#waiters.of(job)) onProgress(progress);
      },
      onEnded: (job) => {
        if (this.#waiters.has(job) || this.#running.has(keyOf(job))) this.#askForOutcome(job).catch(() => {});
      },
    });
  }

  start(): void {
    this.#timer = setInterval(() => void this.#poll(), this.#options.pollMs ?? 1_000);
  }

  /** Takes no more jobs; those that are under way go on. */
  pause(): void {
    this.#paused = true;
  }

  /** To be called when the connections are closed: what was under way is left to the connectors, which take it to another hub. */
  async stop(): Promise<void> {
    this.pause();
    clearInterval(this.#timer);
    this.#stop.abort();
    await this.#looking;
    while (this.#running.size > 0) await sleep(5);
  }

  /** Takes in a connector that has these jobs; gives those that it shall go on with. */
  async attach(peer: ConnectorPeer, held: HeldJob[]): Promise<HeldJob[]> {
    const { tenant } = peer;
    const renewed = await Promise.all(held.map(({ job, lease }) => this.#takeUp({ tenant, id: job, token: lease }, peer)));
    const leases = renewed.filter((lease) => lease !== undefined);
    await this.#releaseLeft(peer, held);
    if (!peer.isConnected) return [];
    this.#options.dispatcher.add(peer, leases.length);
    for (const lease of leases) void this.#run(lease, peer);
    return leases.map(({ id, token }) => ({ job: id, lease: token }));
  }

  /** Puts a job in without waiting for its end. Rejects as the store does. */
  enqueue(tenant: string, id: string, scan: Scan): Promise<JobState> {
    const { store, queueSize } = this.#options;
    return store.put(tenant, id, { ...scan, job: id }, queueSize);
  }

  /** Ends a job wherever it is; false when it is unknown or has ended. */
  async cancel(tenant: string, id: string): Promise<boolean> {
    return this.#finishNow({ tenant, id }, cancelled);
  }

  /**
   * Has a scan done, or waits for the job of this name that is there already. Cancels the job unless it has a name and the reason
   * is callerIsGone. A scan without a name has its time from now, a named one from when it starts. Rejects with HubError.
   */
  async submit(
    tenant: string,
    scan: Scan,
    { signal, onProgress }: { signal: AbortSignal; onProgress: (body: Progress) => void },
  ): Promise<HubBody<"result">> {
    const { store, queueSize } = this.#options;
    const job = { tenant, id: scan.job ?? randomUUID() };
    const ended = Promise.withResolvers<JobOutcome>();
    // It may reject while the store has not answered yet and nobody awaits it.
    ended.promise.catch(() => {});
    const waiter = { job, end: ended.resolve, onProgress };
    const putting = store.put(tenant, job.id, scan, queueSize);
    const onAbort = () => {
      if (scan.job !== undefined && signal.reason === callerIsGone) ended.resolve(cancelled);
      else void this.#cancelOnce(putting, job).then(() => ended.resolve(cancelled), ended.reject);
    };
    const endWhatIs = (states: JobPhase[]) => () =>
      void this.#endIfIn(states, job).then((outcome) => outcome && ended.resolve(outcome), ended.reject);
    const timers =
      scan.job === undefined
        ? [
            setTimeout(endWhatIs(["waiting"]), scan.timeoutMs),
            setTimeout(endWhatIs(["waiting", "running"]), scan.timeoutMs + lateMs),
          ]
        : [];
    this.#waiters.add(waiter);
    signal.addEventListener("abort", onAbort);
    if (signal.aborted) onAbort();
    try {
      const state = await putting.catch(refuseForStore);
      if (state === "full") throw new HubError("busy", `${queueSize} jobs of tenant ${tenant} are open already`);
      if (typeof state === "object") ended.resolve(state);
      const outcome = await ended.promise;
      if ("error" in outcome) throw new HubError(outcome.error.code, outcome.error.message);
      return outcome.result;
    } finally {
      for (const timer of timers) clearTimeout(timer);
      this.#waiters.remove(waiter);
      signal.removeEventListener("abort", onAbort);
    }
  }

  async #cancelOnce(isThere: Promise<JobState>, job: JobName): Promise<void> {
    await isThere;
    await this.#finishNow(job, cancelled).catch(refuseForStore);
  }

  /** Ends a scan whose time is over, and says how it ended, unless it is in another state. */
  async #endIfIn(states: JobPhase[], job: JobName): Promise<JobOutcome | undefined> {
    const { store, dispatcher } = this.#options;
    const { state = "waiting", outcome } = (await store.get(job.tenant, job.id).catch(refuseForStore)) ?? {};
    if (outcome || !states.includes(state)) return outcome;
    const isAny = dispatcher.tenants().has(job.tenant);
    const error: { code: HubErrorCode; message: string } =
      state === "running"
        ? { code: "timeout", message: "no connector handed a result back in the scan's time" }
        : isAny
          ? { code: "busy", message: "every connector was busy until the scan's time was over" }
          : { code: "no_connector", message: `no connector of tenant ${job.tenant} took the scan in its time` };
    await this.#finishNow(job, { error }).catch(refuseForStore);
    return { error };
  }

  async #finishNow(job: JobName, outcome: JobOutcome): Promise<boolean> {
    const isEnded = await this.#options.store.finish(job, outcome);
    if (isEnded) this.#options.onEnd?.("error" in outcome ? outcome.error.code : "ok");
    this.#running.get(keyOf(job))?.abort();
    return isEnded;
  }

  async #poll(): Promise<void> {
    const { store, dispatcher, onWaiting, logger } = this.#options;
    this.#look(dispatcher.tenants());
    try {
      onWaiting?.((await store.counts()).waiting);
      await Promise.all(this.#waiters.jobs().map((job) => this.#askForOutcome(job)));
    } catch (error) {
      logger.debug({ reason: String(error) }, "the job store cannot be read; trying again later");
    }
  }

  /** Starts what can be started for these tenants. */
  #look(tenants: Iterable<string>): void {
    if (this.#paused) return;
    for (const tenant of tenants) this.#tenantsToLook.add(tenant);
    if (this.#tenantsToLook.size === 0) return;
    this.#looking ??= this.#claimAll().finally(() => {
      this.#looking = undefined;
      this.#look([]);
    });
  }

  async #claimAll(): Promise<void> {
    const { store, dispatcher, leaseMs, logger } = this.#options;
    for (const tenant of this.#tenantsToLook) {
      this.#tenantsToLook.delete(tenant);
      try {
        while (!this.#paused && dispatcher.hasFree(tenant)) {
          const lease = await store.claim(tenant, leaseMs);
          if (!lease) break;
          const peer = dispatcher.acquire(tenant);
          if (peer) void this.#run(lease, peer);
          else await store.release(lease, "unbegun");
        }
      } catch (error) {
        logger.debug({ reason: String(error) }, "the job queue cannot be read; trying again later");
      }
    }
  }

  /** Works on a job by a connector of which it occupies a place. */
  async #run(lease: Lease, peer: ConnectorPeer): Promise<void> {
    const { store, dispatcher, leaseMs, logger, maxLeases = 10 } = this.#options;
    const key = keyOf(lease);
    const abort = new AbortController();
    this.#running.set(key, abort);
    const renewal = setInterval(() => {
      store.renew(lease, leaseMs).then(
        (renewed) => renewed || abort.abort(),
        (error) => logger.debug({ reason: String(error) }, "a lease was not renewed"),
      );
    }, leaseMs / 3);
    const log = { tenant: lease.tenant, job: lease.id, connector: peer.instance };
    try {
      const outcome = await this.#scan(lease, peer, abort.signal);
      if (abort.signal.aborted && "error" in outcome) return;
      const isRefusal = "error" in outcome && refusals.includes(outcome.error.code);
      if ("error" in outcome && !peer.isConnected) {
        logger.info(log, "a connector is lost; its job waits for it until the lease runs out");
        this.#keepLeft(lease, peer);
      } else if (isRefusal && lease.leases < maxLeases) {
        logger.info({ ...log, ...outcome.error }, "a job goes back into the queue");
        dispatcher.rest(peer, outcome.error.code === "shutting_down" ? undefined : restMs);
        await store.release(lease, refusalsUnbegun.includes(outcome.error.code) ? "unbegun" : "begun");
      } else {
        await this.#finish(lease, outcome);
        peer.forget({ job: lease.id, lease: lease.token });
      }
    } catch (error) {
      logger.warn({ ...log, reason: String(error) }, "a job waits for its lease to run out");
    } finally {
      clearInterval(renewal);
      if (this.#running.get(key) === abort) this.#running.delete(key);
      dispatcher.release(peer);
    }
  }

  async #scan(lease: Lease, peer: ConnectorPeer, signal: AbortSignal): Promise<JobOutcome> {
    const { tenant, id, token, leases, ageMs, scan } = lease;
    const { maxLeases = 10 } = this.#options;
    const timeoutMs = Math.round(scan.job === undefined ? scan.timeoutMs - ageMs : scan.timeoutMs);
    if (timeoutMs < 100) return { error: { code: "timeout", message: "the scan's time was over before it began" } };
    if (leases > maxLeases) {
      return { error: { code: "connector_lost", message: `${maxLeases} connectors or hubs were lost over it` } };
    }
    try {
      const options = {
        timeoutMs: timeoutMs + handBackMs,
        signal,
        onProgress: (body: Progress) => this.#options.store.tell({ tenant, id }, body),
      };
      return { result: await peer.scan({ ...scan, job: id, lease: token, timeoutMs }, options) };
    } catch (error) {
      if (error instanceof HubError) return { error: { code: error.code, message: error.message } };
      return { error: { code: "connector_lost", message: String(error) } };
    }
  }

  /** Takes a lease up again. Waits for the store: without it nobody else can have the job either. */
  async #takeUp(job: JobName & { token: number }, peer: ConnectorPeer): Promise<Lease | undefined> {
    const { store, leaseMs, logger } = this.#options;
    while (peer.isConnected) {
      try {
        return await store.renew(job, leaseMs);
      } catch (error) {
        logger.debug({ reason: String(error) }, "a connector's jobs cannot be looked up yet");
        await sleep(200);
      }
    }
    return undefined;
  }

  #keepLeft(lease: Lease, peer: ConnectorPeer): void {
    const connector = nameOf(peer);
    this.#left.set(connector, [...(this.#left.get(connector) ?? []), lease]);
    setTimeout(() => {
      const left = this.#left.get(connector)?.filter((other) => other !== lease) ?? [];
      if (left.length > 0) this.#left.set(connector, left);
      else this.#left.delete(connector);
      this.#look([lease.tenant]);
    }, this.#options.leaseMs).unref();
  }

  /** A connector that is back without its jobs was started anew: they need not wait for their leases to run out. */
  async #releaseLeft(peer: ConnectorPeer, held: HeldJob[]): Promise<void> {
    const left = this.#left.get(nameOf(peer)) ?? [];
    this.#left.delete(nameOf(peer));
    const isHeld = (lease: Lease) => held.some(({ job, lease: token }) => job === lease.id && token === lease.token);
    const released = left.filter((lease) => !isHeld(lease)).map((lease) => this.#options.store.release(lease, "begun"));
    await Promise.allSettled(released);
  }

  /** Tries until the store has it: a result is not thrown away because Redis is away for a while. */
  async #finish(lease: Lease, outcome: JobOutcome): Promise<void> {
    const { store, onEnd, logger } = this.#options;
    for (;;) {
      try {
        if (await store.finish(lease, outcome)) onEnd?.("error" in outcome ? outcome.error.code : "ok");
        await this.#askForOutcome(lease);
        return;
      } catch (error) {
        if (this.#stop.signal.aborted) throw error;
        logger.debug({ reason: String(error) }, "a result is not stored yet");
        await sleep(200, undefined, { signal: this.#stop.signal });
      }
    }
  }

  /** Ends what waits for a job or works on it, if it has ended. */
  async #askForOutcome(job: JobName): Promise<void> {
    const outcome = await this.#options.store.outcome(job.tenant, job.id);
    if (!outcome) return;
    this.#running.get(keyOf(job))?.abort();
    for (const { end } of this.#waiters.of(job)) end(outcome);
  }
}

function refuseForStore(error: unknown): never {
  throw new HubError("busy", `jobs cannot be stored now (${error instanceof Error ? error.message : error})`);
}

function nameOf({ tenant, instance }: ConnectorPeer): string {
  return JSON.stringify([tenant, instance]);
}
