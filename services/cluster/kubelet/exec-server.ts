import { type IncomingMessage, STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";
import { type WebSocket, WebSocketServer } from "ws";
import type { Logger } from "#lib/runtime/logger.ts";
import { requestUrl } from "#lib/runtime/request-url.ts";
import type { ExecProcess } from "./exec-process.ts";
import { type ExecRequest, execProtocols, parseExecRequest } from "./exec-protocol.ts";
import { runExecSession } from "./exec-session.ts";

export type Refusal = { status: number; message: string };

/** Starts a command in a container; or why that cannot be. */
export type OpenExec = (namespace: string, pod: string, container: string, request: ExecRequest) => ExecProcess | Refusal;

export type ExecServerOptions = {
  isAllowed: (request: IncomingMessage) => boolean;
  open: OpenExec;
  logger: Logger;
  maxSessions?: number;
};

const maxFrameBytes = 1024 * 1024;
const defaultMaxSessions = 64;

/** Takes upgrades of /exec/NAMESPACE/POD/CONTAINER to the remote command protocol. */
export class ExecServer {
  readonly #options: ExecServerOptions;
  readonly #sockets: WebSocketServer;

  constructor(options: ExecServerOptions) {
    this.#options = options;
    this.#sockets = new WebSocketServer({
      noServer: true,
      maxPayload: maxFrameBytes,
      perMessageDeflate: false,
      handleProtocols: (offered) => execProtocols.find((protocol) => offered.has(protocol)) ?? false,
    });
  }

  handleUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on("error", () => {});
    const wanted = this.#read(request);
    if ("status" in wanted) {
      refuse(socket, wanted);
      return;
    }
    const { namespace, pod, container, exec } = wanted;
    const opened = this.#options.open(namespace, pod, container, exec);
    if ("status" in opened) {
      refuse(socket, opened);
      return;
    }
    // A client that leaves before the upgrade is done leaves no command behind.
    socket.once("close", () => opened.kill());
    this.#sockets.handleUpgrade(request, socket, head, (client) => this.#run(client, opened, exec));
  }

  stop(): void {
    for (const client of this.#sockets.clients) client.terminate();
  }

  #run(client: WebSocket, opened: ExecProcess, request: ExecRequest): void {
    runExecSession(client, opened, request).catch((error: unknown) => {
      this.#options.logger.error({ err: error }, "a command's session failed");
      client.terminate();
    });
  }

  #read(request: IncomingMessage): Refusal | { namespace: string; pod: string; container: string; exec: ExecRequest } {
    const url = requestUrl(request);
    if (!url) return { status: 400, message: "the request's target is no URL" };
    if (!this.#options.isAllowed(request)) return { status: 401, message: "Unauthorized" };
    const match = /^\/exec\/([^/]+)\/([^/]+)\/([^/]+)$/.exec(url.pathname);
    if (request.method !== "GET" || !match) return { status: 404, message: "404 page not found" };
    const offered = (request.headers["sec-websocket-protocol"] ?? "").split(",").map((protocol) => protocol.trim());
    if (!execProtocols.some((protocol) => offered.includes(protocol))) {
      return { status: 400, message: `wants one of the subprotocols ${execProtocols.join(", ")}` };
    }
    if (this.#sockets.clients.size >= (this.#options.maxSessions ?? defaultMaxSessions)) {
      return { status: 429, message: "too many commands run through this kubelet: try again when some have ended" };
    }
    const exec = parseExecRequest(url.searchParams);
    if (typeof exec === "string") return { status: 400, message: exec };
    const [namespace = "", pod = "", container = ""] = match.slice(1).map(decode);
    return { namespace, pod, container, exec };
  }
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function refuse(socket: Duplex, { status, message }: Refusal): void {
  const body = Buffer.from(message);
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? "Refused"}`,
    "content-type: text/plain; charset=utf-8",
    `content-length: ${body.length}`,
    "connection: close",
  ];
  socket.end(Buffer.concat([Buffer.from(`${head.join("\r\n")}\r\n\r\n`), body]));
}
