import {
  Agent,
  type ClientRequest,
  createServer,
  request as httpRequest,
  type IncomingMessage,
  type ServerResponse,
} from "node:http";
import type { Socket } from "node:net";
import { pipeline } from "node:stream";
import { openUpgradeResponse } from "../upgrade-response.ts";
import type { Backend } from "./backends.ts";
import { connectTimeoutMs, join, reset } from "./connection.ts";
import { endToEndHeaders, headerPairs, headLines } from "./headers.ts";
import type { ServicePort, Target } from "./routes/plan.ts";

export type HttpRouterOptions = {
  /** Where the request is to go. */
  route: (request: IncomingMessage) => Target;
  choose: (target: ServicePort, client: string, tried: readonly Backend[]) => Backend | undefined;
};

const maxHeaderSize = 64 * 1024;
/** Below the 5 s after which Node's servers close a connection that is not used. */
const idleUpstreamMs = 4_000;

/**
 * Routes HTTP/1.1 request by request: two requests of one connection may go to different backends. A WebSocket is routed once,
 * by the request that opens it. Headers pass unchanged but for those of the connection itself; bodies are streamed both ways.
 */
export class HttpRouter {
  readonly #options: HttpRouterOptions;
  readonly #pool = new Agent({ keepAlive: true, timeout: idleUpstreamMs, maxFreeSockets: 32 });
  readonly #server = createServer({
    maxHeaderSize,
    requestTimeout: 0,
    keepAliveTimeout: 75_000,
    shouldUpgradeCallback: ({ headers }) => headers.upgrade?.toLowerCase() === "websocket",
  });

  constructor(options: HttpRouterOptions) {
    this.#options = options;
    this.#server.on("request", (request, response) => this.#relay(request, response));
    this.#server.on("upgrade", (request, socket, head) => this.#relayUpgrade(request, socket as Socket, head));
  }

  take(client: Socket): void {
    this.#server.emit("connection", client);
  }

  close(): void {
    this.#pool.destroy();
  }

  #relay(request: IncomingMessage, response: ServerResponse): void {
    const isReplayable = hasNoBody(request);
    const headers = endToEndHeaders(request.rawHeaders);
    let current: ClientRequest | undefined;
    response.once("close", () => {
      if (!response.writableFinished) current?.destroy();
    });
    this.#send(request, (status, why) => refuse(request, response, status, why), {
      headers,
      // A kept connection may be closed just as it is used: only what can be sent again may go over one.
      agent: isReplayable ? this.#pool : false,
      onSent: (upstream, retry) => {
        current = upstream;
        upstream.once("response", (answer) => relayAnswer(answer, response));
        upstream.once("error", (error) => {
          if (response.headersSent) response.destroy();
          else if (upstream.reusedSocket && !response.destroyed) retry();
          else refuse(request, response, 503, `the backend ended the connection: ${error.message}`);
        });
        if (isReplayable) upstream.end();
        else request.pipe(upstream);
      },
    });
  }

  #relayUpgrade(request: IncomingMessage, client: Socket, head: Buffer): void {
    client.on("error", () => {});
    const response = openUpgradeResponse(request, client);
    if (!response) return;
    this.#send(request, (status, why) => refuse(request, response, status, why), {
      headers: request.rawHeaders,
      agent: false,
      onSent: (upstream) => {
        client.once("close", () => upstream.destroy());
        upstream.once("upgrade", (answer, peer, peerHead) => {
          response.detachSocket(client);
          client.write(headLines(answer));
          if (peerHead.length > 0) client.write(peerHead);
          if (head.length > 0) peer.write(head);
          join(client, peer);
        });
        upstream.once("response", (answer) => relayAnswer(answer, response));
        upstream.once("error", (error) => {
          if (response.headersSent) reset(client);
          else refuse(request, response, 503, `the backend ended the connection: ${error.message}`);
        });
        upstream.end();
      },
    });
  }

  /** Connects to a backend of the request's target, passing over those that do not answer, and hands the request over. */
  #send(request: IncomingMessage, refuseWith: (status: number, why: string) => void, sending: Sending): void {
    const client = request.socket.remoteAddress ?? "";
    const target = this.#options.route(request);
    if ("status" in target) {
      refuseWith(target.status, target.why);
      return;
    }
    const tried: Backend[] = [];
    const attempt = (agent: Agent | false): void => {
      if (request.socket.destroyed) return;
      const backend = this.#options.choose(target, client, tried);
      if (!backend) {
        const why = tried.length > 0 ? "takes no connection" : "has no ready endpoint";
        refuseWith(503, `Service ${target.service} ${why}`);
        return;
      }
      const upstream = httpRequest({
        ...backend,
        method: request.method ?? "GET",
        path: request.url ?? "/",
        headers: sending.headers,
        localAddress: client,
        agent,
        maxHeaderSize,
      });
      const failed = () => {
        tried.push(backend);
        attempt(agent);
      };
      const connected = () => {
        if (request.socket.destroyed) {
          upstream.destroy();
          return;
        }
        upstream.off("error", failed);
        sending.onSent(upstream, () => attempt(false));
      };
      upstream.once("error", failed);
      upstream.once("socket", (socket) => {
        if (!socket.connecting) {
          connected();
          return;
        }
        const timer = setTimeout(() => socket.destroy(new Error("connecting took too long")), connectTimeoutMs);
        socket.once("connect", connected);
        for (const event of ["connect", "close"]) socket.once(event, () => clearTimeout(timer));
      });
    };
    attempt(sending.agent);
  }
}

type Sending = {
  headers: string[];
  agent: Agent | false;
  /** Called once a backend has taken the connection. `retry` sends the request again, over a new one. */
  onSent: (upstream: ClientRequest, retry: () => void) => void;
};

function relayAnswer(answer: IncomingMessage, response: ServerResponse): void {
  response.sendDate = false;
  response.writeHead(
    answer.statusCode ?? 502,
    answer.statusMessage ?? "",
    endToEndHeaders(answer.rawHeaders, "transfer-encoding"),
  );
  response.flushHeaders();
  answer.once("end", () => {
    if (answer.rawTrailers.length > 0) response.addTrailers(headerPairs(answer.rawTrailers));
  });
  pipeline(answer, response, () => {});
}

function refuse(request: IncomingMessage, response: ServerResponse, status: number, why: string): void {
  if (response.destroyed || response.headersSent) return;
  request.unpipe();
  request.resume();
  const body = `${why}\n`;
  response.writeHead(status, { "content-type": "text/plain; charset=utf-8", "content-length": Buffer.byteLength(body) });
  response.end(body);
}

function hasNoBody({ method = "", headers }: IncomingMessage): boolean {
  const isIdempotent = ["GET", "HEAD", "OPTIONS", "TRACE", "DELETE"].includes(method);
  return isIdempotent && headers["transfer-encoding"] === undefined && Number(headers["content-length"] ?? 0) === 0;
}
