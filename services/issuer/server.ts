import { createHash, timingSafeEqual } from "node:crypto";
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tokenRequestSchema } from "#lib/protocol/relay-token-request.ts";
import type { Faults } from "#lib/runtime/faults.ts";
import type { Answer } from "#lib/runtime/health-server.ts";
import type { Logger } from "#lib/runtime/logger.ts";
import { requestUrl } from "#lib/runtime/request-url.ts";
import { traceOf } from "#lib/runtime/trace.ts";
import type { KeyRing } from "./key-ring.ts";
import type { IssuerMetrics } from "./metrics.ts";

const maxBodyBytes = 16_384;
const stopMs = 1000;

export type IssuerServerOptions = {
  keys: KeyRing;
  metrics: IssuerMetrics;
  clientSecret: string;
  faults: Faults;
  logger: Logger;
};

/** The issuer over HTTP: the key set, and tokens for those who know the client secret. */
export class IssuerServer {
  readonly #options: IssuerServerOptions;
  readonly #server: Server;

  constructor(options: IssuerServerOptions) {
    this.#options = options;
    const limits = { maxHeaderSize: 8192, headersTimeout: 5000, requestTimeout: 10_000, connectionsCheckingInterval: 500 };
    this.#server = createServer(limits, async (request, response) => {
      const trace = traceOf(request.headers);
      const answer = await this.#answer(request).catch((error: unknown): Answer => {
        options.logger.error({ ...trace, err: error }, "a request failed");
        return { status: 500, body: { error: "server_error" } };
      });
      const { method, url } = request;
      options.logger.debug({ ...trace, method, path: url?.slice(0, 200), status: answer.status }, "answered");
      const isText = typeof answer.body === "string";
      const cache = request.url === "/.well-known/jwks.json" ? "public, max-age=30" : "no-store";
      response.writeHead(answer.status, {
        "content-type": answer.contentType ?? "application/json",
        "cache-control": cache,
        "x-request-id": trace.request_id,
      });
      response.end(request.method === "HEAD" ? undefined : isText ? answer.body : JSON.stringify(answer.body));
    });
    this.#server.maxConnections = 1024;
  }

  get isListening(): boolean {
    return this.#server.listening;
  }

  listen(host: string, port: number): Promise<AddressInfo> {
    return new Promise((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen(port, host, () => resolve(this.#server.address() as AddressInfo));
    });
  }

  /** Answers what was asked already, for a second at most; then cuts the connections that are left. */
  async stop(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeIdleConnections();
    const cut = setTimeout(() => this.#server.closeAllConnections(), stopMs);
    await closed;
    clearTimeout(cut);
  }

  async #answer(request: IncomingMessage): Promise<Answer> {
    const { keys, faults } = this.#options;
    const pathname = requestUrl(request)?.pathname;
    if (!pathname) return { status: 400, body: { error: "invalid_request" } };
    const isWork = pathname === "/token" || pathname === "/.well-known/jwks.json";
    if (isWork && (await faults.inject())) return { status: 503, body: { error: "temporarily_unavailable" } };
    if (pathname === "/token") return this.#token(request);
    if (request.method !== "GET" && request.method !== "HEAD") return { status: 405, body: { error: "method_not_allowed" } };
    if (pathname === "/.well-known/jwks.json") return { status: 200, body: keys.keySet() };
    return { status: 404, body: { error: "not_found" } };
  }

  async #token(request: IncomingMessage): Promise<Answer> {
    const { keys, metrics, clientSecret } = this.#options;
    if (request.method !== "POST") return { status: 405, body: { error: "method_not_allowed" } };
    const secret = /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? "")?.[1] ?? "";
    if (!isEqual(secret, clientSecret)) {
      metrics.token("refused");
      return { status: 401, body: { error: "invalid_client" } };
    }
    const body = await readBody(request);
    if (body === undefined)
      return { status: 413, body: { error: "invalid_request", error_description: "the body is too large" } };
    const parsed = tokenRequestSchema.safeParse(parseJson(body));
    if (!parsed.success) {
      metrics.token("invalid");
      const issue = parsed.error.issues[0];
      const description = `${issue?.path.join(".") || "body"}: ${issue?.message}`;
      return { status: 400, body: { error: "invalid_request", error_description: description } };
    }
    const { token, ttlSeconds } = await keys.sign(parsed.data);
    metrics.token("issued");
    return { status: 200, body: { access_token: token, token_type: "Bearer", expires_in: ttlSeconds } };
  }
}

function isEqual(given: string, wanted: string): boolean {
  const digest = (text: string) => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(given), digest(wanted));
}

async function readBody(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > maxBodyBytes) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
