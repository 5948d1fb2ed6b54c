import { createServer, type IncomingMessage, type Server, type ServerResponse, STATUS_CODES } from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { WebSocketServer } from "ws";
import { z } from "zod";
import { relayProtocol } from "#lib/protocol/relay-messages.ts";
import { permissionsFor } from "#lib/protocol/relay-token.ts";
import type { Answer, Handlers } from "#lib/runtime/health-server.ts";
import { requestUrl } from "#lib/runtime/request-url.ts";
import { type Trace, traceOf } from "#lib/runtime/trace.ts";
import { bearerToken, TokenRefused, type TokenVerifier } from "./auth.ts";
import type { RateLimiter } from "./rate-limiter.ts";
import { Session, type SessionContext, type SessionIdentity } from "./session.ts";

export type GatewayLimits = {
  maxConnections: number;
  maxConnectionsPerUser: number;
  maxMessageBytes: number;
  /** An HTTP request must have sent its headers by then. */
  headersTimeoutMs: number;
};

const documentIdSchema = z.guid().toLowerCase();
const refusedSocketMs = 1000;

/** The service port: /health and /ready over HTTP, and WebSocket upgrades at /collab, which are authenticated before they succeed. */
export class Gateway {
  readonly #server: Server;
  readonly #webSockets: WebSocketServer;
  readonly #verifier: TokenVerifier;
  readonly #context: SessionContext;
  readonly #limits: GatewayLimits;
  readonly #upgradeRate: RateLimiter;
  readonly #sessions = new Set<Session>();
  readonly #connectionsByUser = new Map<string, number>();
  #upgrading = 0;
  #isDraining = false;
  #sweep: NodeJS.Timeout | undefined;

  constructor(options: {
    handlers: Handlers;
    verifier: TokenVerifier;
    context: SessionContext;
    /** By the client's address, before its token is looked at. */
    upgradeRate: RateLimiter;
    limits: GatewayLimits;
  }) {
    this.#upgradeRate = options.upgradeRate;
    this.#verifier = options.verifier;
    this.#context = options.context;
    this.#limits = options.limits;
    this.#webSockets = new WebSocketServer({
      noServer: true,
      clientTracking: false,
      maxPayload: options.limits.maxMessageBytes,
      perMessageDeflate: false,
      // The session answers pings, no more than its client reads.
      autoPong: false,
      handleProtocols: (offered) => (offered.has(relayProtocol) ? relayProtocol : false),
    });
    this.#webSockets.on("headers", (headers, request) => headers.push(`X-Request-Id: ${request.headers["x-request-id"]}`));
    const { headersTimeoutMs } = options.limits;
    this.#server = createServer(
      {
        maxHeaderSize: 8192,
        headersTimeout: headersTimeoutMs,
        requestTimeout: headersTimeoutMs * 2,
        connectionsCheckingInterval: 500,
      },
      (request, response) => void this.#answer(options.handlers, request, response),
    );
    // Room for health checks and for telling the clients past the limit that they are.
    this.#server.maxConnections = options.limits.maxConnections + 256;
    this.#server.on("upgrade", (request, socket, head) => void this.#upgrade(request, socket, head));
  }

  get isDraining(): boolean {
    return this.#isDraining;
  }

  get connectionCount(): number {
    return this.#sessions.size;
  }

  connectionsByDocument(): Map<string, number> {
    const counts = new Map<string, number>();
    for (const { documentId } of this.#sessions) counts.set(documentId, (counts.get(documentId) ?? 0) + 1);
    return counts;
  }

  listen(host: string, port: number): Promise<AddressInfo> {
    return new Promise((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen(port, host, () => {
        this.#server.off("error", reject);
        this.#sweep = setInterval(() => {
          for (const session of this.#sessions) session.sweep();
        }, 1000);
        resolve(this.#server.address() as AddressInfo);
      });
    });
  }

  /** Refuses new clients, tells those that are here, and waits up to `graceMs` for them to go. Then closes the rest. */
  async drain(graceMs: number): Promise<void> {
    this.#isDraining = true;
    for (const session of this.#sessions) session.notifyShutdown(graceMs);
    await this.#untilEmpty(graceMs);
    for (const session of this.#sessions) session.close(1001, "the relay is stopping");
    await this.#untilEmpty(1000);
    for (const session of this.#sessions) session.terminate();
  }

  stop(): Promise<void> {
    clearInterval(this.#sweep);
    return new Promise((resolve) => {
      this.#server.close(() => resolve());
      this.#server.closeAllConnections();
    });
  }

  async #untilEmpty(timeoutMs: number): Promise<void> {
    const deadline = performance.now() + timeoutMs;
    while (this.#sessions.size > 0 && performance.now() < deadline) await sleep(50);
  }

  async #answer(handlers: Handlers, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const answer = await findAnswer(handlers, request).catch((error: unknown): Answer => {
      this.#context.logger.error({ err: error }, "a request failed");
      return { status: 500, body: "internal error" };
    });
    const isText = typeof answer.body === "string";
    response.writeHead(answer.status, {
      "content-type": isText ? "text/plain; charset=utf-8" : "application/json",
      "cache-control": "no-store",
    });
    response.end(request.method === "HEAD" ? undefined : isText ? answer.body : JSON.stringify(answer.body));
  }

  async #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    socket.on("error", () => socket.destroy());
    this.#upgrading += 1;
    const trace = traceOf(request.headers);
    request.headers["x-request-id"] = trace.request_id;
    try {
      const identity = { ...(await this.#admit(request)), trace };
      if (socket.destroyed) return;
      if (this.#isDraining) throw new UpgradeRefused(503, "the relay is stopping");
      if ((this.#connectionsByUser.get(identity.actor) ?? 0) >= this.#limits.maxConnectionsPerUser) {
        throw new UpgradeRefused(429, `the user has its ${this.#limits.maxConnectionsPerUser} connections`);
      }
      this.#webSockets.handleUpgrade(request, socket, head, (webSocket) => {
        const session = new Session(webSocket, identity, this.#context, () => this.#remove(session));
        this.#sessions.add(session);
        this.#connectionsByUser.set(session.actor, (this.#connectionsByUser.get(session.actor) ?? 0) + 1);
      });
    } catch (error) {
      const { logger, metrics } = this.#context;
      if (!(error instanceof UpgradeRefused)) logger.error({ ...trace, err: error }, "an upgrade failed");
      const { status, message } = error instanceof UpgradeRefused ? error : { status: 500, message: "internal error" };
      logger.debug({ ...trace, status, reason: message }, "an upgrade was refused");
      metrics.refusedConnection(status);
      refuse(socket, status, message, trace);
    } finally {
      this.#upgrading -= 1;
    }
  }

  #remove(session: Session): void {
    if (!this.#sessions.delete(session)) return;
    const left = (this.#connectionsByUser.get(session.actor) ?? 0) - 1;
    if (left > 0) this.#connectionsByUser.set(session.actor, left);
    else this.#connectionsByUser.delete(session.actor);
  }

  async #admit(request: IncomingMessage): Promise<Omit<SessionIdentity, "trace">> {
    const url = requestUrl(request);
    if (!url) throw new UpgradeRefused(400, "bad request");
    if (url.pathname !== "/collab") throw new UpgradeRefused(404, "not found");
    if (this.#isDraining) throw new UpgradeRefused(503, "the relay is stopping");
    if (!this.#upgradeRate.take(request.socket.remoteAddress ?? ""))
      throw new UpgradeRefused(429, "too many connections a second");
    if (this.#sessions.size + this.#upgrading > this.#limits.maxConnections) {
      throw new UpgradeRefused(503, `the relay has its ${this.#limits.maxConnections} connections`);
    }
    const documentId = documentIdSchema.safeParse(url.searchParams.get("document"));
    if (!documentId.success) throw new UpgradeRefused(400, "document wants a UUID");
    const token = bearerToken(request);
    if (!token) throw new UpgradeRefused(401, "a bearer token is required");
    const claims = await this.#verifier.verify(token).catch((error: unknown) => {
      if (error instanceof TokenRefused) throw new UpgradeRefused(error.status, error.message);
      throw error;
    });
    const permissions = permissionsFor(claims, documentId.data);
    if (permissions.length === 0) throw new UpgradeRefused(403, "the token does not permit this document");
    return { documentId: documentId.data, actor: claims.sub, permissions, expiresAtMs: claims.exp * 1000 };
  }
}

class UpgradeRefused extends Error {
  override readonly name = "UpgradeRefused";
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

async function findAnswer(handlers: Handlers, request: IncomingMessage): Promise<Answer> {
  const url = requestUrl(request);
  const path = url?.pathname;
  if (!path) return { status: 400, body: "bad request" };
  if (path === "/collab") return { status: 426, body: "this is a WebSocket endpoint" };
  const handler = Object.hasOwn(handlers, path) ? handlers[path] : undefined;
  if (!handler) return { status: 404, body: "not found" };
  if (request.method !== "GET" && request.method !== "HEAD") return { status: 405, body: "method not allowed" };
  return handler(url.searchParams);
}

function refuse(socket: Duplex, status: number, message: string, trace: Trace): void {
  if (socket.destroyed) return;
  const headers = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ""}`,
    "Connection: close",
    "Content-Type: text/plain; charset=utf-8",
    `Content-Length: ${Buffer.byteLength(message)}`,
    `X-Request-Id: ${trace.request_id}`,
    ...(status === 503 || status === 429 ? ["Retry-After: 1"] : []),
    ...(status === 401 ? ["WWW-Authenticate: Bearer"] : []),
  ];
  socket.end(`${headers.join("\r\n")}\r\n\r\n${message}`);
  setTimeout(() => socket.destroy(), refusedSocketMs).unref();
}
