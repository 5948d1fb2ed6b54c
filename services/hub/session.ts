import type { TLSSocket } from "node:tls";
import { HubConnection } from "#lib/protocol/hub-connection.ts";
import {
  type HubBody,
  type HubEnvelope,
  HubError,
  type HubRole,
  hubProtocolVersion,
  maxHubPayloadBytes,
} from "#lib/protocol/hub-messages.ts";
import type { Faults } from "#lib/runtime/faults.ts";
import type { Logger } from "#lib/runtime/logger.ts";
import { createTraceparent, traceFields } from "#lib/runtime/trace.ts";
import type { Intake, PeerIntake } from "./batch-intake.ts";
import type { ConnectorPeer, HeldJob, ScanDispatcher, ScanOptions } from "./dispatcher.ts";
import { callerIsGone, type JobRunner } from "./jobs.ts";
import type { HubMetrics } from "./metrics.ts";
import type { RegisteredPeer } from "./peers.ts";

/** Largest first message of a peer that is not known yet. */
export const maxHelloBytes = 4096;

/** Scans that one client may have under way. */
const maxScansOfClient = 100;

export type HubLimits = {
  maxConnections: number;
  /** For TLS, and again for the hello after it. */
  handshakeTimeoutMs: number;
  /** Peers send a heartbeat this often; one that is silent for three times as long is cut. */
  heartbeatIntervalMs: number;
};

/** What all sessions of a hub share. */
export type HubContext = {
  name: string;
  version: string;
  isToken: (given: string) => boolean;
  limits: HubLimits;
  dispatcher: ScanDispatcher;
  jobs: JobRunner;
  intake: Intake;
  faults: Faults;
  metrics: HubMetrics;
  logger: Logger;
  isStopping: () => boolean;
  onWelcomed: (session: HubSession) => void;
  onClosed: (session: HubSession) => void;
};

export type Peer = Omit<HubBody<"hello">, "token">;

/** One peer, from its TLS connection to its end. Until a good hello it may send that one small message, and not for long. */
export class HubSession implements ConnectorPeer, RegisteredPeer {
  readonly #context: HubContext;
  readonly connection: HubConnection;
  readonly #address: string;
  readonly #scans = new Map<number, AbortController>();
  readonly #timer: NodeJS.Timeout;
  readonly #since = new Date().toISOString();
  #running = 0;
  #batches: PeerIntake | undefined;
  peer: Peer | undefined;

  constructor(socket: TLSSocket, context: HubContext) {
    this.#context = context;
    this.#address = `${socket.remoteAddress}:${socket.remotePort}`;
    this.connection = new HubConnection(socket, {
      maxPayloadBytes: maxHelloBytes,
      onMessage: (message) => this.#receive(message),
      onClose: (reason) => this.#closed(reason),
      onSent: context.metrics.countSent,
      onReceived: context.metrics.countReceived,
    });
    const { handshakeTimeoutMs } = context.limits;
    this.#timer = setTimeout(() => {
      this.connection.refuse(new HubError("handshake_timeout", `no hello within ${handshakeTimeoutMs} ms`));
    }, handshakeTimeoutMs);
  }

  get tenant(): string {
    return this.peer?.tenant ?? "";
  }

  get instance(): string {
    return this.peer?.instance ?? "";
  }

  get capacity(): number {
    return this.peer?.capacity ?? 1;
  }

  get record(): RegisteredPeer["record"] {
    const { role = "client", version = "" } = this.peer ?? {};
    const { tenant, instance, capacity } = this;
    const running = this.#running + this.#scans.size;
    return { role, tenant, instance, address: this.#address, version, since: this.#since, capacity, running };
  }

  end(reason: HubError): void {
    this.connection.refuse(reason);
  }

  get isConnected(): boolean {
    return this.connection.isOpen;
  }

  forget(job: HeldJob): void {
    this.connection.send({ name: "forget", body: job });
  }

  /** Hands a scan to this peer, which is a connector. */
  async scan(scan: HubBody<"scan">, options: ScanOptions): Promise<HubBody<"result">> {
    this.#running += 1;
    const answer = await this.connection.request({ name: "scan", body: scan }, options).finally(() => {
      this.#running -= 1;
    });
    if (answer.name !== "result") throw new HubError("internal", `the connector answered a scan with ${answer.name}`);
    return answer.body;
  }

  /** Cuts a peer that has not been heard of for three heartbeats. */
  checkHeartbeat(): void {
    const silentMs = Math.round(this.connection.silentMs);
    if (silentMs <= this.#context.limits.heartbeatIntervalMs * 3) return;
    this.connection.destroy(new HubError("silent", `nothing was heard for ${silentMs} ms`));
  }

  #receive(message: HubEnvelope): void {
    if (!this.peer) {
      if (message.name === "hello") this.#welcome(message.body, message.id);
      else this.connection.refuse(new HubError("bad_message", "the first message must be hello"));
      return;
    }
    const { role } = this.peer;
    if (message.name === "heartbeat") this.connection.send({ name: "heartbeat", body: {} }, { to: message.id });
    else if (message.name === "cancel") this.#scans.get(message.id)?.abort();
    else if (message.name === "scan" && role === "client") void this.#takeScan(message.body, message.id);
    else if (message.name === "holding" && role === "connector") void this.#attach(message.body.jobs, message.id);
    else if (message.name === "batch" && this.#batches) void this.#batches.take(message.body, message.id);
    else
      this.connection.sendError(new HubError("not_allowed", `a peer of role ${role} may not send ${message.name}`), message.id);
  }

  #welcome(hello: HubBody<"hello">, id: number): void {
    const { context, connection } = { context: this.#context, connection: this.connection };
    const { token, ...peer } = hello;
    const refuse = (error: HubError) => {
      connection.sendError(error, id);
      connection.end(error);
    };
    if (hello.protocolVersion !== hubProtocolVersion) {
      refuse(new HubError("unsupported_version", `this hub speaks protocol version ${hubProtocolVersion}`));
      return;
    }
    if (!context.isToken(token)) {
      refuse(new HubError("unauthorized", "the token is not this hub's"));
      return;
    }
    this.peer = peer;
    clearTimeout(this.#timer);
    connection.maxPayloadBytes = maxHubPayloadBytes;
    context.metrics.handshakes.inc();
    const { heartbeatIntervalMs } = context.limits;
    if (peer.role !== "connector") this.#batches = context.intake.join(peer, connection);
    const body = {
      protocolVersion: hubProtocolVersion,
      hub: context.name,
      version: context.version,
      heartbeatIntervalMs,
      credit: this.#batches?.granted,
    };
    connection.send({ name: "welcome", body }, { to: id });
    context.onWelcomed(this);
  }

  /** From now on this connector takes scans; it goes on with those of its jobs that are still its own. */
  async #attach(held: HeldJob[], id: number): Promise<void> {
    const jobs = await this.#context.jobs.attach(this, held);
    this.connection.send({ name: "holding", body: { jobs } }, { to: id });
  }

  async #takeScan(scan: HubBody<"scan">, id: number): Promise<void> {
    const { faults, jobs, metrics, logger, isStopping } = this.#context;
    const traced = { ...scan, traceparent: scan.traceparent ?? createTraceparent() };
    const log = { ...traceFields(traced.traceparent), tenant: this.tenant, job: scan.job, target: scan.target };
    const startedAt = performance.now();
    const abort = new AbortController();
    try {
      if (isStopping()) throw new HubError("shutting_down", "this hub stops");
      if (this.#scans.size >= maxScansOfClient || this.#scans.has(id)) {
        throw new HubError("busy", `a client may have ${maxScansOfClient} scans under way, each with its own id`);
      }
      this.#scans.set(id, abort);
      if (await faults.inject()) throw new HubError("busy", "refused by FAULT_ERROR_RATIO");
      const options = {
        signal: abort.signal,
        onProgress: (body: HubBody<"progress">) => this.connection.send({ name: "progress", body }, { to: id, more: true }),
      };
      const result = await jobs.submit(this.tenant, traced, options);
      this.connection.send({ name: "result", body: result }, { to: id });
      metrics.scans.inc({ result: "ok" });
      metrics.requestSeconds.observe({ operation: "scan" }, (performance.now() - startedAt) / 1000);
      logger.info({ ...log, connector: result.connector, complete: result.complete }, "a scan is answered");
    } catch (error) {
      const code = error instanceof HubError ? error.code : "internal";
      if (code === "internal") logger.error({ ...log, err: error }, "a scan failed");
      else logger.info({ ...log, code, reason: String(error) }, "a scan is not answered");
      if (code !== "cancelled") metrics.errors.inc();
      metrics.scans.inc({ result: code });
      this.connection.sendError(error, id);
    } finally {
      if (this.#scans.get(id) === abort) this.#scans.delete(id);
    }
  }

  #closed(reason: Error): void {
    const { metrics, logger } = this.#context;
    clearTimeout(this.#timer);
    this.#batches?.leave();
    for (const abort of this.#scans.values()) abort.abort(callerIsGone);
    const code = reason instanceof HubError ? reason.code : undefined;
    if (code && code !== "shutting_down" && code !== "replaced") metrics.errors.inc();
    if (!this.peer) metrics.rejected.inc({ reason: rejectionOf(code) });
    const { role, tenant, instance } = this.peer ?? {};
    const level = code || isLasting(role) ? "info" : "debug";
    logger[level]({ role, tenant, instance, address: this.#address, reason: reason.message }, "a peer is gone");
    this.#context.onClosed(this);
  }
}

/** Clients come and go all day: of those only what went wrong is worth a line of the log. */
export function isLasting(role: HubRole | undefined): boolean {
  return role !== undefined && role !== "client";
}

function rejectionOf(code: string | undefined) {
  if (code === "unauthorized" || code === "handshake_timeout") return code;
  return "bad_message";
}
