/**
 * The client of the node processes. @kubernetes/client-node costs 80 MB in a process that imports it, which a machine with
 * a kubelet per node cannot afford, so this speaks the same HTTPS with node:https: JSON requests and watch streams.
 */
import { readFileSync } from "node:fs";
import type { IncomingMessage } from "node:http";
import { Agent, request as httpsRequest, type RequestOptions } from "node:https";
import { dirname, resolve } from "node:path";
import { parse } from "yaml";

/** A refusal by the API server, from its v1 Status. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly code: number;
  readonly reason: string;

  constructor(code: number, reason: string, message: string) {
    super(message);
    this.code = code;
    this.reason = reason;
  }
}

export type Connection = { server: URL; ca?: Buffer; cert?: Buffer; key?: Buffer; token?: string };

export type WatchEvent<T> = { type: "ADDED" | "MODIFIED" | "DELETED" | "BOOKMARK" | "ERROR"; object: T };

type Body = { method: "POST" | "PUT" | "PATCH" | "DELETE"; json: unknown; contentType?: string };

const requestTimeoutMs = 15_000;

export class ApiClient {
  readonly #connection: Connection;
  readonly #agent: Agent;

  constructor(connection: Connection) {
    this.#connection = connection;
    const { ca, cert, key } = connection;
    this.#agent = new Agent({ keepAlive: true, maxSockets: 16, ca, cert, key });
  }

  /** The certificate of the cluster's authority, in PEM; empty when the system's are trusted. */
  get authority(): string {
    return this.#connection.ca?.toString() ?? "";
  }

  async get<T>(path: string): Promise<T> {
    return (await this.#json({ method: "GET" }, path)) as T;
  }

  async send<T>(path: string, body: Body): Promise<T> {
    return (await this.#json(body, path)) as T;
  }

  /** Watch events until the server ends the stream; throws ApiError on a refusal and when nothing came for `silentMs`. */
  async *watch<T>(path: string, silentMs: number, signal: AbortSignal): AsyncGenerator<WatchEvent<T>> {
    const response = await this.#request(path, { method: "GET", signal }, undefined, silentMs);
    if (response.statusCode !== 200) throw toError(response.statusCode ?? 0, await readText(response));
    response.socket.setKeepAlive(true, 10_000);
    response.setEncoding("utf8");
    let rest = "";
    for await (const part of response) {
      const lines = (rest + part).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) if (line) yield JSON.parse(line) as WatchEvent<T>;
    }
  }

  close(): void {
    this.#agent.destroy();
  }

  async #json(body: Body | { method: "GET" }, path: string): Promise<unknown> {
    const text = "json" in body ? JSON.stringify(body.json) : undefined;
    const headers = "json" in body ? { "content-type": body.contentType ?? "application/json" } : {};
    const signal = AbortSignal.timeout(requestTimeoutMs);
    const response = await this.#request(path, { method: body.method, headers, signal }, text, requestTimeoutMs);
    const answer = await readText(response);
    const status = response.statusCode ?? 0;
    if (status < 200 || status > 299) throw toError(status, answer);
    return JSON.parse(answer);
  }

  #request(path: string, options: RequestOptions, body: string | undefined, silentMs: number): Promise<IncomingMessage> {
    const { server, token } = this.#connection;
    const headers: Record<string, string | number> = { accept: "application/json", ...(options.headers as object) };
    if (token) headers.authorization = `Bearer ${token}`;
    if (body !== undefined) headers["content-length"] = Buffer.byteLength(body);
    return new Promise((resolvePromise, reject) => {
      const request = httpsRequest(new URL(path, server), { ...options, headers, agent: this.#agent }, resolvePromise);
      request.on("error", reject);
      request.setTimeout(silentMs, () => request.destroy(new Error(`no answer for ${silentMs} ms`)));
      request.end(body);
    });
  }
}

type Named = { name: string };
type Kubeconfig = {
  "current-context": string;
  clusters: (Named & {
    cluster: { server: string; "certificate-authority"?: string; "certificate-authority-data"?: string };
  })[];
  contexts: (Named & { context: { cluster: string; user: string } })[];
  users: (Named & { user: Record<string, string | undefined> })[];
};

/** Reads the current context of a kubeconfig: client certificates and tokens, in the file or beside it. */
export function readKubeconfig(path: string): Connection {
  const config = parse(readFileSync(path, "utf8")) as Kubeconfig;
  const context = find(config.contexts, config["current-context"], "context").context;
  const { cluster } = find(config.clusters, context.cluster, "cluster");
  const { user } = find(config.users, context.user, "user");
  const load = (data: string | undefined, file: string | undefined) => {
    if (data) return Buffer.from(data, "base64");
    return file ? readFileSync(resolve(dirname(path), file)) : undefined;
  };
  return {
    server: new URL(cluster.server),
    ca: load(cluster["certificate-authority-data"], cluster["certificate-authority"]),
    cert: load(user["client-certificate-data"], user["client-certificate"]),
    key: load(user["client-key-data"], user["client-key"]),
    token: user.token ?? load(undefined, user.tokenFile)?.toString().trim(),
  };
}

function find<T extends Named>(entries: T[], name: string, kind: string): T {
  const entry = entries.find((candidate) => candidate.name === name);
  if (!entry) throw new Error(`the kubeconfig has no ${kind} named ${name}`);
  return entry;
}

async function readText(response: IncomingMessage): Promise<string> {
  response.setEncoding("utf8");
  let text = "";
  for await (const part of response) text += part;
  return text;
}

function toError(status: number, text: string): ApiError {
  try {
    const { reason, message } = JSON.parse(text) as { reason?: string; message?: string };
    return new ApiError(status, reason ?? "Unknown", message ?? text);
  } catch {
    return new ApiError(status, "Unknown", text.slice(0, 500) || `HTTP ${status}`);
  }
}
