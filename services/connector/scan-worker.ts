import { lookup } from "node:dns/promises";
import type { HubConnection } from "#lib/protocol/hub-connection.ts";
import { type HubBody, type HubEnvelope, HubError } from "#lib/protocol/hub-messages.ts";
import { parsePorts } from "#lib/protocol/hub-ports.ts";
import type { Logger } from "#lib/runtime/logger.ts";
import type { AllowList } from "./allow-list.ts";
import type { ConnectorMetrics } from "./metrics.ts";
import { type ScannerOptions, scanPorts } from "./scanner.ts";

export type ScanWorkerOptions = {
  instance: string;
  allow: AllowList;
  maxConcurrentScans: number;
  /** The longest that a scan may take, whatever the job says. */
  timeoutMs: number;
  scanner: ScannerOptions;
  metrics: ConnectorMetrics;
  logger: Logger;
  resolve?: (name: string) => Promise<string>;
};

type Job = { connection: HubConnection; id: number; abort: AbortController; cancelled: boolean };

/** Takes scan jobs from hub connections, within the allow-list and the number of scans at a time, and answers each exactly once. */
export class ScanWorker {
  readonly #options: ScanWorkerOptions;
  readonly #jobs = new Set<Job>();
  #stopping = false;
  #idle: (() => void) | undefined;

  constructor(options: ScanWorkerOptions) {
    this.#options = options;
  }

  receive(message: HubEnvelope, connection: HubConnection): void {
    const { logger } = this.#options;
    if (message.name === "scan") void this.#run(message.body, message.id, connection);
    else if (message.name === "cancel") this.#cancel((job) => job.connection === connection && job.id === message.id);
    else if (message.name === "shutdown") logger.info({ reason: message.body.reason }, "the hub is going down");
    else connection.sendError(new HubError("not_allowed", `a connector takes no ${message.name}`), message.id);
  }

  /** Ends every scan: its hub is gone and nobody waits for the result. */
  abandon(): void {
    this.#cancel(() => true);
  }

  /** Takes no more jobs, waits for those that run, and after `timeoutMs` has the rest hand back what they found so far. */
  async drain(timeoutMs: number): Promise<void> {
    this.#stopping = true;
    const timer = setTimeout(() => {
      for (const job of this.#jobs) job.abort.abort();
    }, timeoutMs);
    while (this.#jobs.size > 0) {
      await new Promise<void>((resolve) => {
        this.#idle = resolve;
      });
    }
    clearTimeout(timer);
  }

  #cancel(isMeant: (job: Job) => boolean): void {
    for (const job of this.#jobs) {
      if (!isMeant(job)) continue;
      job.cancelled = true;
      job.abort.abort();
    }
  }

  async #run(scan: HubBody<"scan">, id: number, connection: HubConnection): Promise<void> {
    const { metrics, logger } = this.#options;
    const job: Job = { connection, id, abort: new AbortController(), cancelled: false };
    const startedAt = performance.now();
    try {
      this.#admit(job);
      const result = await this.#scan(scan, job);
      if (job.cancelled) throw new HubError("cancelled", "the scan was cancelled");
      connection.send({ name: "result", body: result }, { to: id });
      metrics.scanSeconds.observe(result.durationMs / 1000);
      metrics.requestSeconds.observe({ operation: "scan" }, (performance.now() - startedAt) / 1000);
      const { target, address, durationMs, complete, open } = result;
      logger.info({ target, address, ports: scan.ports, open: open.length, durationMs, complete }, "scan completed");
    } catch (error) {
      const code = error instanceof HubError ? error.code : "internal";
      if (code !== "cancelled") {
        metrics.scanErrors.inc({ reason: code });
        metrics.errors.inc();
      }
      logger.warn(
        { err: code === "internal" ? error : undefined, target: scan.target, code, reason: String(error) },
        "scan failed",
      );
      connection.sendError(error, id);
    } finally {
      metrics.scans.inc();
      this.#jobs.delete(job);
      metrics.scansRunning.set(this.#jobs.size);
      if (this.#jobs.size === 0) this.#idle?.();
    }
  }

  #admit(job: Job): void {
    const { maxConcurrentScans, metrics } = this.#options;
    if (this.#stopping) throw new HubError("shutting_down", "this connector stops");
    if (this.#jobs.size >= maxConcurrentScans) throw new HubError("busy", `${maxConcurrentScans} scans run already`);
    this.#jobs.add(job);
    metrics.scansRunning.set(this.#jobs.size);
  }

  async #scan(scan: HubBody<"scan">, job: Job): Promise<HubBody<"result">> {
    const { instance, timeoutMs, scanner } = this.#options;
    const startedAt = new Date().toISOString();
    const began = performance.now();
    const timer = setTimeout(() => job.abort.abort(), Math.min(scan.timeoutMs, timeoutMs));
    try {
      const address = await this.#findAddress(scan.target);
      const outcome = await scanPorts(
        {
          address,
          ports: parsePorts(scan.ports),
          portTimeoutMs: scan.portTimeoutMs,
          signal: job.abort.signal,
          onProgress: (body) => job.connection.send({ name: "progress", body }, { to: job.id, more: true }),
        },
        scanner,
      );
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
