import { lookup } from "node:dns/promises";
import type { HubConnection } from "#lib/protocol/hub-connection.ts";
import { type HubBody, type HubEnvelope, HubError, type HubMessage } from "#lib/protocol/hub-messages.ts";
import { parsePorts } from "#lib/protocol/hub-ports.ts";
import type { Faults } from "#lib/runtime/faults.ts";
import type { Logger } from "#lib/runtime/logger.ts";
import { traceFields } from "#lib/runtime/trace.ts";
import type { AllowList } from "./allow-list.ts";
import type { ConnectorMetrics } from "./metrics.ts";
import type { Scanner } from "./scanner.ts";

export type ScanWorkerOptions = {
  instance: string;
  allow: AllowList;
  maxConcurrentScans: number;
  /** The longest that a scan may take, whatever the job says. */
  timeoutMs: number;
  /** Results that no hub has acknowledged take no more memory than this, about; the oldest are dropped first. */
  maxHeldBytes?: number;
  scanner: Scanner;
  faults: Faults;
  metrics: ConnectorMetrics;
  logger: Logger;
  resolve?: (name: string) => Promise<string>;
};

/** A job from its first message until a hub has stored its result. */
type Held = {
  readonly scan: HubBody<"scan">;
  readonly job: string;
  lease: number;
  /** Who is told of progress and result: the hub that handed the job over last. */
  asker: { connection: HubConnection; id: number };
  readonly abort: AbortController;
  answer: HubMessage | undefined;
};

/** At the end of a drain: for a hub to store the last results. */
const acknowledgeMs = 5_000;

/**
 * Takes scan jobs from hubs, within the allow-list and the number of scans at a time. Each job is scanned once, however often it
 * is handed over: when the connection is lost the scan goes on, and its result is kept until a hub has stored it.
 */
export class ScanWorker {
  readonly #options: ScanWorkerOptions;
  readonly #held = new Map<string, Held>();
  #running = 0;
  #stopping = false;
  #onChange: (() => void) | undefined;

  constructor(options: ScanWorkerOptions) {
    this.#options = options;
  }

  receive(message: HubEnvelope, connection: HubConnection): void {
    const { logger } = this.#options;
    if (message.name === "scan") this.#take(message.body, { connection, id: message.id });
    else if (message.name === "cancel") this.#cancel(connection, message.id);
    else if (message.name === "forget") this.#forget(message.body);
    else if (message.name === "shutdown") logger.info({ reason: message.body.reason }, "the hub is going down");
    else connection.sendError(new HubError("not_allowed", `a connector takes no ${message.name}`), message.id);
  }

  /** Tells a hub which jobs are here, and gives up those that it does not want. Rejects when the connection is lost over it. */
  async announce(ask: (message: HubMessage) => Promise<HubEnvelope>): Promise<void> {
    const told = [...this.#held.values()].map(({ job, lease }) => ({ job, lease }));
    const answer = await ask({ name: "holding", body: { jobs: told } });
    if (answer.name !== "holding") throw new HubError("bad_message", `the hub answered holding with ${answer.name}`);
    const wanted = new Set(answer.body.jobs.map(({ job }) => job));
    for (const held of told) if (!wanted.has(held.job)) this.#forget(held);
  }

  /**
   * Takes no more jobs and waits until those that are here are done and stored. After `timeoutMs` the rest hand back what they
   * found so far.
   */
  async drain(timeoutMs: number): Promise<void> {
    this.#stopping = true;
    const abort = setTimeout(() => {
      for (const { abort } of this.#held.values()) abort.abort();
    }, timeoutMs);
    const late = Promise.withResolvers<void>();
    const giveUp = setTimeout(late.resolve, timeoutMs + acknowledgeMs);
    let isLate = false;
    void late.promise.then(() => {
      isLate = true;
    });
    while (this.#held.size > 0 && !isLate) {
      const changed = new Promise<void>((resolve) => {
        this.#onChange = resolve;
      });
      await Promise.race([changed, late.promise]);
    }
    clearTimeout(abort);
    clearTimeout(giveUp);
    if (this.#held.size > 0) this.#options.logger.warn({ results: this.#held.size }, "results that no hub has stored are lost");
  }

  #take(scan: HubBody<"scan">, asker: Held["asker"]): void {
    const { job, lease } = scan;
    try {
      if (job === undefined || lease === undefined) throw new HubError("invalid_scan", "a hub names a scan's job and lease");
      const known = this.#held.get(job);
      if (!known) {
        this.#admit();
        const held: Held = { scan, job, lease, asker, abort: new AbortController(), answer: undefined };
        this.#held.set(job, held);
        void this.#run(held);
        return;
      }
      known.lease = lease;
      known.asker = asker;
      if (known.answer) asker.connection.send(known.answer, { to: asker.id });
    } catch (error) {
      this.#countError(error);
      this.#options.metrics.scans.inc();
      asker.connection.sendError(error, asker.id);
    }
  }

  #admit(): void {
    const { maxConcurrentScans } = this.#options;
    if (this.#stopping) throw new HubError("shutting_down", "this connector stops");
    if (this.#running >= maxConcurrentScans) throw new HubError("busy", `${maxConcurrentScans} scans run already`);
  }

  #cancel(connection: HubConnection, id: number): void {
    for (const held of this.#held.values()) {
      if (held.asker.connection === connection && held.asker.id === id) this.#forget(held);
    }
  }

  /** The job's result is stored, or nobody wants it. */
  #forget({ job, lease }: HubBody<"forget">): void {
    const held = this.#held.get(job);
    if (held?.lease !== lease) return;
    this.#held.delete(job);
    held.abort.abort();
    this.#changed();
  }

  async #run(held: Held): Promise<void> {
    const { metrics, logger } = this.#options;
    const { target, ports, traceparent } = held.scan;
    const trace = traceFields(traceparent);
    logger.info({ ...trace, job: held.job, target, ports }, "scan started");
    this.#running += 1;
    this.#changed();
    const startedAt = performance.now();
    const answer = await this.#scan(held).then(
      (body): HubMessage => ({ name: "result", body }),
      (error): HubMessage => ({ name: "error", body: this.#countError(error, held.scan) }),
    );
    this.#running -= 1;
    metrics.scans.inc();
    if (this.#held.get(held.job) === held) {
      if (isRefusal(answer)) this.#held.delete(held.job);
      else held.answer = answer;
      held.asker.connection.send(answer, { to: held.asker.id });
      this.#dropOldest();
      if (answer.name === "result") this.#report(answer.body, held, performance.now() - startedAt);
    } else logger.info({ ...trace, target, job: held.job }, "scan cancelled");
    this.#changed();
  }

  #report({ target, address, durationMs, complete, open }: HubBody<"result">, { scan, job }: Held, elapsedMs: number): void {
    const { metrics, logger } = this.#options;
    metrics.scanSeconds.observe(durationMs / 1000);
    metrics.requestSeconds.observe({ operation: "scan" }, elapsedMs / 1000);
    logger.info(
      { ...traceFields(scan.traceparent), job, target, address, ports: scan.ports, open: open.length, durationMs, complete },
      "scan completed",
    );
  }

  #countError(error: unknown, scan?: HubBody<"scan">): HubBody<"error"> {
    const { metrics, logger } = this.#options;
    const { code, message } =
      error instanceof HubError ? error : { code: "internal" as const, message: "see the connector's log" };
    metrics.scanErrors.inc({ reason: code });
    metrics.errors.inc();
    const err = code === "internal" ? error : undefined;
    logger.warn(
      { ...traceFields(scan?.traceparent), err, target: scan?.target, job: scan?.job, code, reason: String(error) },
      "scan failed",
    );
    return { code, message };
  }

  /** Results that wait for a hub are bounded, so that a long outage cannot fill the memory. */
  #dropOldest(): void {
    const { maxHeldBytes = 64 * 1024 * 1024, metrics, logger } = this.#options;
    const ended = [...this.#held.values()].filter(({ answer }) => answer);
    let bytes = ended.reduce((sum, { answer }) => sum + sizeOf(answer), 0);
    for (const { job, answer } of ended) {
      if (bytes <= maxHeldBytes) return;
      bytes -= sizeOf(answer);
      this.#held.delete(job);
      metrics.resultsDropped.inc();
      logger.error({ job }, "a result is dropped: too many wait for a hub");
    }
  }

  #changed(): void {
    const { metrics } = this.#options;
    metrics.scansRunning.set(this.#running);
    metrics.resultsHeld.set([...this.#held.values()].filter(({ answer }) => answer).length);
    this.#onChange?.();
  }

  async #scan(held: Held): Promise<HubBody<"result">> {
    const { instance, timeoutMs, scanner, faults } = this.#options;
    const { scan, abort } = held;
    const startedAt = new Date().toISOString();
    const began = performance.now();
    const timer = setTimeout(() => abort.abort(), Math.min(scan.timeoutMs, timeoutMs));
    try {
      if (await faults.inject()) throw new HubError("busy", "refused by FAULT_ERROR_RATIO");
      const address = await this.#findAddress(scan.target);
      const outcome = await scanner.scan({
        address,
        ports: parsePorts(scan.ports),
        portTimeoutMs: scan.portTimeoutMs,
        banners: scan.banners ?? false,
        signal: abort.signal,
        onProgress: (body) => held.asker.connection.send({ name: "progress", body }, { to: held.asker.id, more: true }),
      });
      const durationMs = Math.round((performance.now() - began) * 1000) / 1000;
      return { target: scan.target, address, connector: instance, startedAt, durationMs, ...outcome };
    } finally {
      clearTimeout(timer);
    }
  }

  /** The address that is checked is the one that is scanned: a name is resolved once. */
  async #findAddress(target: string): Promise<string> {
    const { allow, resolve = async (name) => (await lookup(name)).address } = this.#options;
    const address = await resolve(target).catch(() => {
      throw new HubError("invalid_scan", `the name ${target} does not resolve here`);
    });
    if (!allow.allows(address)) {
      throw new HubError("target_refused", `${target} (${address}) is outside what this connector may scan (CONNECTOR_ALLOW)`);
    }
    return address;
  }
}

/** Another connector may do such a job, or this one later: it is no result to be kept. */
function isRefusal(answer: HubMessage): boolean {
  return answer.name === "error" && (answer.body.code === "busy" || answer.body.code === "internal");
}

/** About how much memory an answer takes. */
function sizeOf(answer: HubMessage | undefined): number {
  if (answer?.name !== "result") return 1_000;
  const { open, closed, filtered, unknown } = answer.body;
  const banners = open.reduce((sum, { banner = "" }) => sum + banner.length, 0);
  return 1_000 + open.length * 64 + banners + closed.length + filtered.length + unknown.length;
}
