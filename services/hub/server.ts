import type { AddressInfo } from "node:net";
import { createServer, type Server, type TLSSocket } from "node:tls";
import { HubError } from "#lib/protocol/hub-messages.ts";
import { traceFields } from "#lib/runtime/trace.ts";
import { Admission } from "./admission.ts";
import type { HubCertificate } from "./certificate.ts";
import type { Rejection } from "./metrics.ts";
import type { PeerRegistry } from "./peers.ts";
import { createSecretCheck } from "./secret.ts";
import { type HubContext, HubSession, isLasting } from "./session.ts";

export type HubServerOptions = Omit<HubContext, "isToken" | "isStopping" | "onWelcomed" | "onClosed"> & {
  /** What peers must show. */
  token: string;
  peers: PeerRegistry;
  cert: string;
  key: string;
  /** When set, only peers with a certificate of this authority get through TLS. */
  clientCa?: string | undefined;
};

/** The TLS listener and the sessions of the peers behind it. */
export class HubServer {
  readonly #options: HubServerOptions;
  readonly #admission: Admission;
  readonly #tls: Server;
  readonly #sessions = new Set<HubSession>();
  readonly #context: HubContext;
  #heartbeat: NodeJS.Timeout | undefined;
  #stopped: Promise<void> | undefined;

  constructor(options: HubServerOptions) {
    const { cert, key, clientCa, limits, metrics } = options;
    this.#options = options;
    this.#context = {
      ...options,
      isToken: createSecretCheck(options.token),
      isStopping: () => this.#stopped !== undefined,
      onWelcomed: (session) => this.#register(session),
      onClosed: (session) => this.#remove(session),
    };
    const { maxConnections, handshakeTimeoutMs } = limits;
    this.#admission = new Admission({
      maxConnections,
      handshakeTimeoutMs,
      begin: (socket) => this.#tls.emit("connection", socket),
      onWaiting: (waiting) => metrics.handshakesWaiting.set(waiting),
      onTurnedAway: (reason) => this.#countTurnedAway(reason),
    });
    this.#tls = createServer(
      {
        cert,
        key,
        ...(clientCa ? { ca: clientCa, requestCert: true, rejectUnauthorized: true } : {}),
        minVersion: "TLSv1.3",
        handshakeTimeout: handshakeTimeoutMs,
      },
      (socket) => this.#accept(socket),
    );
    this.#tls.on("tlsClientError", (error, socket) => this.#countTlsFailure(error, socket));
  }

  get isListening(): boolean {
    return this.#admission.isListening && !this.#stopped;
  }

  async listen(host: string, port: number): Promise<AddressInfo> {
    const address = await this.#admission.listen(host, port);
    this.#heartbeat = setInterval(() => {
      for (const session of this.#sessions) session.checkHeartbeat();
    }, this.#options.limits.heartbeatIntervalMs);
    return address;
  }

  /** For connections from now on; those that are open stay. Throws, and changes nothing, when it is no good. */
  setCertificate({ cert, key, clientCa }: HubCertificate): void {
    this.#tls.setSecureContext({ cert, key, minVersion: "TLSv1.3", ...(clientCa ? { ca: clientCa } : {}) });
    this.#options.metrics.certificateInUse(cert);
  }

  /** Stops accepting, tells every peer, lets running scans finish for up to `drainTimeoutMs`, then closes every connection. */
  stop(drainTimeoutMs: number): Promise<void> {
    this.#stopped ??= this.#drain(drainTimeoutMs);
    return this.#stopped;
  }

  async #drain(drainTimeoutMs: number): Promise<void> {
    const { dispatcher, jobs, logger } = this.#options;
    jobs.pause();
    const closed = this.#admission.close();
    const notice = { reason: "this hub stops", graceMs: drainTimeoutMs };
    for (const { peer, connection } of this.#sessions) if (peer) connection.send({ name: "shutdown", body: notice });
    const timer = Promise.withResolvers<"late">();
    const timeout = setTimeout(() => timer.resolve("late"), drainTimeoutMs);
    if ((await Promise.race([dispatcher.drained(), timer.promise])) === "late") logger.warn("scans were still running");
    clearTimeout(timeout);
    clearInterval(this.#heartbeat);
    // What ended last is answered in this turn.
    await new Promise(setImmediate);
    for (const { connection } of [...this.#sessions]) connection.refuse(new HubError("shutting_down", "this hub stopped"));
    await closed;
  }

  #accept(socket: TLSSocket): void {
    this.#admission.finished(socket);
    this.#sessions.add(new HubSession(socket, this.#context));
  }

  #register(session: HubSession): void {
    const { peers, metrics, logger } = this.#options;
    const { peer } = session;
    if (!peer) return;
    peers.add(session);
    metrics.peers.inc({ role: peer.role });
    metrics.connections.inc();
    const { role, tenant, instance, version, traceparent } = peer;
    const found = { ...traceFields(traceparent), role, tenant, instance, version };
    logger[isLasting(role) ? "info" : "debug"](found, "a peer is connected");
  }

  #remove(session: HubSession): void {
    this.#sessions.delete(session);
    if (!session.peer) return;
    const { dispatcher, peers, metrics } = this.#options;
    dispatcher.remove(session);
    peers.remove(session);
    metrics.peers.dec({ role: session.peer.role });
    metrics.connections.dec();
  }

  /** A port scan that connects and goes is counted, but is no error: the fleet's own connectors do so all day. */
  #countTurnedAway(reason: Rejection): void {
    const { metrics } = this.#options;
    metrics.rejected.inc({ reason });
    if (reason === "handshake_timeout" || reason === "tls_failed") metrics.errors.inc();
  }

  #countTlsFailure(error: Error & { code?: string }, socket: TLSSocket): void {
    const { logger } = this.#options;
    // Of a client certificate that was refused Node tells by a reset of its own.
    const refusal: unknown = socket.authorizationError;
    const isLate = error.code === "ERR_TLS_HANDSHAKE_TIMEOUT";
    const left = error.code === "ECONNRESET" && !refusal;
    this.#countTurnedAway(isLate ? "handshake_timeout" : left ? "no_tls" : "tls_failed");
    if (refusal) logger.warn({ reason: String(refusal), address: socket.remoteAddress }, "a peer's certificate is refused");
    else logger.debug({ code: error.code, reason: error.message }, "a connection did not get through TLS");
    socket.destroy();
  }
}
