import { hash, timingSafeEqual } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Registry } from "prom-client";
import type { Logger } from "./logger.ts";
import { requestUrl } from "./request-url.ts";

/** What a handler answers: a status, a body, and the body's type (application/json by default for objects, text/plain for text). */
export type Answer = { status: number; body: string | object; contentType?: string };

/** Handlers by path, for GET and HEAD only; each is told the query of the address. */
export type Handlers = Record<string, (query: URLSearchParams) => Answer | Promise<Answer>>;

/** A handler for GET and POST that wants the token: it is told the method and the query of the address. */
export type GuardedHandler = (request: { method: "GET" | "POST"; query: URLSearchParams }) => Answer | Promise<Answer>;

/**
 * Handlers by path for whoever shows the token in the header x-admin-token. It is no Authorization header: a Kubernetes API server
 * that hands a request on to a pod keeps that one for itself.
 */
export type Guarded = { token: string; handlers: Record<string, GuardedHandler> };

// Node looks for late requests every 30 s unless it is told otherwise.
const limits = { maxHeaderSize: 8192, requestTimeout: 10_000, headersTimeout: 5_000, connectionsCheckingInterval: 1_000 };

/** Scrapers and probes are a handful; what is more than this is closed at once. */
const maxConnections = 64;

/**
 * A small HTTP server for /health, /ready and /metrics. Unknown paths get 404, other methods 405, targets that are no URL 400; a handler that throws gives
 * 500 without its message. Bounded: 64 connections, 8 KiB of headers within 5 s, 10 s for a request.
 */
export class HealthServer {
  readonly #server: Server;

  constructor(handlers: Handlers, onError: (error: unknown) => void = () => {}, guarded?: Guarded) {
    const find = (request: IncomingMessage) => findAnswer(handlers, guarded, request);
    this.#server = createServer(limits, (request, response) => {
      void answerRequest(find, request, response, onError);
    });
    this.#server.maxConnections = maxConnections;
  }

  /** Listens and returns the bound address. Rejects with the system's error, e.g. EADDRINUSE. */
  listen(host: string, port: number): Promise<AddressInfo> {
    return new Promise((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen(port, host, () => {
        this.#server.off("error", reject);
        resolve(this.#server.address() as AddressInfo);
      });
    });
  }

  stop(): Promise<void> {
    return new Promise((resolve) => {
      this.#server.close(() => resolve());
      this.#server.closeAllConnections();
    });
  }
}

async function answerRequest(
  find: (request: IncomingMessage) => Promise<Answer>,
  request: IncomingMessage,
  response: ServerResponse,
  onError: (error: unknown) => void,
) {
  const answer = await find(request).catch((error: unknown): Answer => {
    onError(error);
    return { status: 500, body: "internal error" };
  });
  const isText = typeof answer.body === "string";
  response.writeHead(answer.status, {
    "content-type": answer.contentType ?? (isText ? "text/plain; charset=utf-8" : "application/json"),
    "cache-control": "no-store",
  });
  response.end(request.method === "HEAD" ? undefined : isText ? answer.body : JSON.stringify(answer.body));
}

async function findAnswer(handlers: Handlers, guarded: Guarded | undefined, request: IncomingMessage): Promise<Answer> {
  const url = requestUrl(request);
  if (!url?.pathname) return { status: 400, body: "bad request" };
  const path = url.pathname;
  if (guarded && Object.hasOwn(guarded.handlers, path)) return answerGuarded(guarded, path, url.searchParams, request);
  const handler = Object.hasOwn(handlers, path) ? handlers[path] : undefined;
  if (!handler) return { status: 404, body: "not found" };
  if (request.method !== "GET" && request.method !== "HEAD") return { status: 405, body: "method not allowed" };
  return handler(url.searchParams);
}

async function answerGuarded(
  { token, handlers }: Guarded,
  path: string,
  query: URLSearchParams,
  request: IncomingMessage,
): Promise<Answer> {
  const given = request.headers["x-admin-token"];
  const digest = (text: string) => hash("sha256", text, "buffer");
  if (typeof given !== "string" || !timingSafeEqual(digest(given), digest(token))) {
    return { status: 401, body: "wants the header x-admin-token with this daemon's ADMIN_TOKEN" };
  }
  const { method } = request;
  if (method !== "GET" && method !== "POST") return { status: 405, body: "method not allowed" };
  return handlers[path]?.({ method, query }) ?? { status: 404, body: "not found" };
}

export type HealthOptions = {
  registry: Registry;
  isReady: () => boolean;
  /** What /ready answers while ready: READY or Ready, as the daemon's guide has it. */
  readyBody: string;
  logger: Logger;
  guarded?: Guarded | undefined;
};

/** /health (OK), /ready (the guide's word, or 503 NOT_READY) and /metrics. */
export function createHealthServer({ registry, isReady, readyBody, logger, guarded }: HealthOptions): HealthServer {
  return new HealthServer(
    {
      "/health": () => ({ status: 200, body: "OK" }),
      "/ready": () => (isReady() ? { status: 200, body: readyBody } : { status: 503, body: "NOT_READY" }),
      "/metrics": async () => ({ status: 200, body: await registry.metrics(), contentType: registry.contentType }),
    },
    (error) => logger.error({ err: error }, "a health endpoint failed"),
    guarded,
  );
}
