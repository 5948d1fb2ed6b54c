import { setTimeout as sleep } from "node:timers/promises";
import { type HubBody, HubError, type HubErrorCode } from "#lib/protocol/hub-messages.ts";
import type { Logger } from "#lib/runtime/logger.ts";
import type { ScanDispatcher } from "./dispatcher.ts";
import type { JobOutcome, JobStore, Lease } from "./state.ts";

type Waiter = { tenant: string; id: string; end: (outcome: JobOutcome) => void; onProgress: (body: HubBody<"progress">) => void };

export type JobRunnerOptions = {
  store: JobStore;
  dispatcher: ScanDispatcher;
  /** Open jobs of a tenant. */
  queueSize: number;
  /** A hub that dies holds its jobs for this long at most. */
  leaseMs: number;
  /** How often the queue is looked at besides when something changed here. */
  pollMs?: number;
  /** A job that was leased so often without an end fails as connector_lost. */
  maxLeases?: number;
  logger: Logger;
  /** Called for the end of each job that this hub brought about: once for each job in the whole fleet. */
  onEnd?: (result: string) => void;
};

/** With this reason a caller stops waiting, and the job goes on. */
export const callerIsGone = "the caller is gone";

const handedBack: HubErrorCode[] = ["busy", "no_connector", "connector_lost", "shutting_down", "internal"];

/** Works off the jobs of the store by the connectors of this hub, each under a lease, so that another hub may go on with them. */
export class JobRunner {
  readonly #options: JobRunnerOptions;
  readonly #running = new Map<string, AbortController>();
  readonly #waiters = new Set<Waiter>();
  readonly #stop = new AbortController();
  #looking: Promise<void> | undefined;
  #again = false;
  #paused = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: JobRunnerOptions) {
    this.#options = options;
    options.dispatcher.onFree = () => this.#look();
  }

  start(): void {
    this.#timer = setInterval(() => {
      this.#look();
      void this.#askForOutcomes();
    }, this.#options.pollMs ?? 1_000);
  }

  /** Takes no more jobs; those that are under way go on. */
  pause(): void {
    this.#paused = true;
  }

  /** Takes no more jobs, and gives those that are under way back. */
  async stop(): Promise<void> {
    this.pause();
    clearInterval(this.#timer);
    this.#stop.abort();
    await this.#looking;
    for (const abort of this.#running.values()) abort.abort();
    while (this.#running.size > 0) await sleep(5);
  }

  /** Has a job done, or waits for the one of this id that is there already. Cancels the job unless the reason is callerIsGone. */
  async submit(
    tenant: string,
    id: string,
    scan: HubBody<"scan">,
    { signal, onProgress }: { signal: AbortSignal; onProgress: (body: HubBody<"progress">) => void },
  ): Promise<HubBody<"result">> {
    const { store, queueSize } = this.#options;
    const ended = Promise.withResolvers<JobOutcome>();
    const waiter: Waiter = { tenant, id, end: ended.resolve, onProgress };
    const onAbort = () => {
      const outcome: JobOutcome = { error: { code: "cancelled", message: "the scan was cancelled" } };
      if (signal.reason === callerIsGone) ended.resolve(outcome);
      else void this.#cancel(tenant, id, outcome).then(() => ended.resolve(outcome), ended.reject);
    };
    this.#waiters.add(waiter);
    signal.addEventListener("abort", onAbort);
    try {
      const state = await store.put(tenant, id, scan, queueSize);
      if (state === "full") throw new HubError("busy", `${queueSize} jobs of tenant ${tenant} are open already`);
      if (typeof state === "object") ended.resolve(state);
      else this.#look();
      const outcome = await ended.promise;
      if ("error" in outcome) throw new HubError(outcome.error.code, outcome.error.message);
      return outcome.result;
    } finally {
      this.#waiters.delete(waiter);
      signal.removeEventListener("abort", onAbort);
    }
  }

  async #cancel(tenant: string, id: string, outcome: JobOutcome): Promise<void> {
    if (await this.#options.store.finish({ tenant, id }, outcome)) this.#options.onEnd?.("cancelled");
    this.#running.get(keyOf(tenant, id))?.abort();
  }

  /** Starts what can be started; asked again while it looks, it looks once more. */
  #look(): void {
    if (this.#paused) return;
    this.#again = true;
    this.#looking ??= this.#claimAll().finally(() => {
      this.#looking = undefined;
      if (this.#again) this.#look();
    });
  }

  async #claimAll(): Promise<void> {
    const { store, dispatcher, leaseMs, logger } = this.#options;
    try {
      while (this.#again) {
        this.#again = false;
        for (const tenant of dispatcher.tenants()) {
          while (!this.#paused && dispatcher.freeOf(tenant) > 0) {
            const lease = await store.claim(tenant, leaseMs);
            if (!lease) break;
            void this.#run(lease);
          }
        }
      }
    } catch (error) {
      logger.debug({ reason: String(error) }, "the job queue cannot be read; trying again later");
    }
  }

  async #run(lease: Lease): Promise<void> {
    const { store, dispatcher, leaseMs, logger, maxLeases = 10 } = this.#options;
    const key = keyOf(lease.tenant, lease.id);
    const abort = new AbortController();
    this.#running.get(key)?.abort();
    this.#running.set(key, abort);
    const renewal = setInterval(() => {
      store.renew(lease, leaseMs).then(
        (isHeld) => isHeld || abort.abort(),
        (error) => logger.debug({ reason: String(error) }, "a lease was not renewed"),
      );
    }, leaseMs / 3);
    try {
      const outcome = await dispatcher
        .submit(lease.tenant, lease.scan, { signal: abort.signal, onProgress: (body) => this.#tell(lease, body) })
        .then((result) => ({ result }), describe);
      if (abort.signal.aborted && !("result" in outcome)) await store.release(lease);
      else if ("error" in outcome && handedBack.includes(outcome.error.code) && lease.token < maxLeases) {
        logger.info({ tenant: lease.tenant, job: lease.id, ...outcome.error }, "a job goes back into the queue");
        await store.release(lease);
      } else await this.#finish(lease, outcome);
    } catch (error) {
      logger.warn({ tenant: lease.tenant, job: lease.id, reason: String(error) }, "a job waits for its lease to run out");
    } finally {
      clearInterval(renewal);
      if (this.#running.get(key) === abort) this.#running.delete(key);
      this.#look();
    }
  }

  /** Tries until the store has it: a result is not thrown away because Redis is away for a while. */
  async #finish(lease: Lease, outcome: JobOutcome): Promise<void> {
    const { store, onEnd, logger } = this.#options;
    for (;;) {
      try {
        if (await store.finish(lease, outcome)) onEnd?.("error" in outcome ? outcome.error.code : "ok");
        const truth = await store.outcome(lease.tenant, lease.id);
        if (truth) this.#end(lease, truth);
        return;
      } catch (error) {
        if (this.#stop.signal.aborted) throw error;
        logger.debug({ reason: String(error) }, "a result is not stored yet");
        await sleep(200, undefined, { signal: this.#stop.signal });
      }
    }
  }

  /** Ends of jobs that another hub brought about. */
  async #askForOutcomes(): Promise<void> {
    for (const { tenant, id } of this.#waiters) {
      const outcome = await this.#options.store.outcome(tenant, id).catch(() => undefined);
      if (outcome) this.#end({ tenant, id }, outcome);
    }
  }

  #end(job: { tenant: string; id: string }, outcome: JobOutcome): void {
    for (const waiter of this.#waiters) if (isOf(waiter, job)) waiter.end(outcome);
  }

  #tell(job: { tenant: string; id: string }, body: HubBody<"progress">): void {
    for (const waiter of this.#waiters) if (isOf(waiter, job)) waiter.onProgress(body);
  }
}

function isOf(waiter: Waiter, { tenant, id }: { tenant: string; id: string }): boolean {
  return waiter.tenant === tenant && waiter.id === id;
}

function describe(error: unknown): JobOutcome {
  if (error instanceof HubError) return { error: { code: error.code, message: error.message } };
  return { error: { code: "internal", message: String(error) } };
}

function keyOf(tenant: string, id: string): string {
  return JSON.stringify([tenant, id]);
}
