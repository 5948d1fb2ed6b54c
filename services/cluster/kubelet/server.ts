import { createHash, timingSafeEqual } from "node:crypto";
import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer, type Server } from "node:https";
import type { Logger } from "#lib/runtime/logger.ts";
import { requestUrl } from "#lib/runtime/request-url.ts";
import { ExecServer, type OpenExec } from "./exec-server.ts";
import { type LogQuery, readLog } from "./log-reader.ts";
import type { LogFile } from "./logs.ts";

/** Where a container's log is, or why there is none. */
export type LogSource = { path: string; live?: LogFile } | { status: number; message: string };

export type KubeletServerOptions = {
  certificate: Buffer;
  key: Buffer;
  /** Read for each request, so that a new token counts at once. */
  token: () => string;
  findLog: (namespace: string, pod: string, container: string, previous: boolean) => LogSource;
  openExec: OpenExec;
  metrics: () => string;
  /** Kubernetes' stats/v1alpha1 Summary. */
  summary: () => object;
  logger: Logger;
};

/** The kubelet's HTTPS API: container logs, commands in containers, metrics, health. */
export class KubeletServer {
  readonly #options: KubeletServerOptions;
  readonly #server: Server;
  readonly #exec: ExecServer;

  constructor(options: KubeletServerOptions) {
    this.#options = options;
    const { certificate, key } = options;
    const isAllowed = (request: IncomingMessage) => isTokenOf(request.headers.authorization, options.token());
    this.#exec = new ExecServer({ isAllowed, open: options.openExec, logger: options.logger });
    const limits = { maxHeaderSize: 16_384, headersTimeout: 10_000, requestTimeout: 30_000 };
    this.#server = createServer({ cert: certificate, key, ...limits }, (request, response) => {
      this.#answer(request, response).catch((error: unknown) => {
        options.logger.error({ err: error, path: request.url }, "a request failed");
        if (!response.headersSent) reply(response, 500, "internal error");
        else response.destroy();
      });
    });
    this.#server.on("upgrade", (request, socket, head) => this.#exec.handleUpgrade(request, socket, head));
  }

  async listen(host: string, port: number): Promise<void> {
    this.#server.listen(port, host);
    await once(this.#server, "listening");
  }

  async stop(): Promise<void> {
    if (!this.#server.listening) return;
    this.#exec.stop();
    const closed = once(this.#server, "close");
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = requestUrl(request);
    if (!url) return reply(response, 400, "the request's target is no URL");
    if (request.method !== "GET") return reply(response, 405, "method not allowed");
    if (url.pathname === "/healthz") return reply(response, 200, "ok");
    if (!isTokenOf(request.headers.authorization, this.#options.token())) return reply(response, 401, "Unauthorized");
    if (url.pathname === "/metrics/cadvisor") return reply(response, 200, this.#options.metrics(), "text/plain; version=0.0.4");
    if (url.pathname === "/stats/summary")
      return reply(response, 200, JSON.stringify(this.#options.summary()), "application/json");
    if (url.pathname.startsWith("/exec/")) return reply(response, 400, "wants an upgrade to websocket");
    const match = /^\/containerLogs\/([^/]+)\/([^/]+)\/([^/]+)$/.exec(url.pathname);
    if (!match) return reply(response, 404, "404 page not found");
    const [namespace = "", pod = "", container = ""] = match.slice(1).map(decodeURIComponent);
    const query = parseQuery(url.searchParams);
    if (typeof query === "string") return reply(response, 400, query);
    const source = this.#options.findLog(namespace, pod, container, url.searchParams.get("previous") === "true");
    if ("status" in source) return reply(response, source.status, source.message);
    await sendLog(response, source, query);
  }
}

async function sendLog(
  response: ServerResponse,
  { path, live }: { path: string; live?: LogFile },
  query: LogQuery,
): Promise<void> {
  const abort = new AbortController();
  response.once("close", () => abort.abort());
  response.writeHead(200, { "content-type": "text/plain; charset=utf-8", "cache-control": "no-store" });
  response.flushHeaders();
  for await (const text of readLog(path, query, live, abort.signal)) {
    if (abort.signal.aborted) return;
    if (!response.write(text)) await once(response, "drain", { signal: abort.signal }).catch(() => {});
  }
  response.end();
}

/** The query of a log request; a sentence when it cannot be used. */
export function parseQuery(params: URLSearchParams): LogQuery | string {
  const number = (name: string) => {
    const text = params.get(name);
    return text === null || text === "" ? undefined : Number(text);
  };
  const [tailLines, sinceSeconds, limitBytes] = ["tailLines", "sinceSeconds", "limitBytes"].map(number);
  for (const value of [tailLines, sinceSeconds, limitBytes]) {
    if (value !== undefined && !(Number.isInteger(value) && value >= 0))
      return "tailLines, sinceSeconds and limitBytes want whole numbers";
  }
  const sinceTime = params.get("sinceTime");
  const sinceMs = sinceTime ? Date.parse(sinceTime) : sinceSeconds === undefined ? undefined : Date.now() - sinceSeconds * 1000;
  if (Number.isNaN(sinceMs)) return "sinceTime wants an RFC 3339 time";
  return {
    follow: params.get("follow") === "true",
    timestamps: params.get("timestamps") === "true",
    ...(tailLines === undefined ? {} : { tailLines }),
    ...(limitBytes === undefined ? {} : { limitBytes }),
    ...(sinceMs === undefined ? {} : { sinceMs }),
  };
}

function isTokenOf(header: string | undefined, token: string): boolean {
  const digest = (text: string) => createHash("sha256").update(text).digest();
  return token !== "" && timingSafeEqual(digest(header ?? ""), digest(`Bearer ${token}`));
}

function reply(response: ServerResponse, status: number, body: string, contentType = "text/plain; charset=utf-8"): void {
  response.writeHead(status, { "content-type": contentType, "cache-control": "no-store" });
  response.end(body);
}
