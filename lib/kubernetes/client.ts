import http, { type IncomingMessage } from "node:http";
import https from "node:https";
import type { ClusterAccess } from "./cluster-access.ts";
import { noAnswerError, readStatusError } from "./errors.ts";
import type { JsonPatch, Metadata } from "./objects.ts";
import { followWatch, type WatchFollower } from "./watch-connection.ts";

type Query = Record<string, string | number | boolean | undefined>;

type Request = {
  method: "GET" | "PATCH" | "POST" | "DELETE";
  path: string;
  query?: Query;
  body?: string;
  contentType?: string;
  headers?: Record<string, string>;
  signal?: AbortSignal;
};

const requestTimeoutMs = 10_000;
const maxAnswerBytes = 64 * 1024 * 1024;

/**
 * The Kubernetes API as plain JSON, over the connection and credentials of a ClusterAccess, e.g. client-node's KubeConfig. Every method rejects with
 * KubernetesError. Connections are kept alive, and a peer that vanished is noticed by TCP keep-alive within half a minute.
 */
export class KubernetesClient {
  readonly #access: ClusterAccess;
  readonly #server: URL;
  #agent: http.Agent | undefined;
  #credentials: string | undefined;

  constructor(access: ClusterAccess) {
    const server = access.getCurrentCluster()?.server;
    if (!server) throw new Error("the kubeconfig names no current cluster");
    this.#access = access;
    this.#server = new URL(server);
  }

  /** The address of the API server. */
  get server(): string {
    return this.#server.origin;
  }

  /** Reads one object or list. */
  async get<T>(path: string, query?: Query, signal?: AbortSignal): Promise<T> {
    return (await this.#json({ method: "GET", path, query, signal })) as T;
  }

  /** The bytes of one object or list, for those who do not need all of it. */
  async getBytes(path: string, query?: Query, signal?: AbortSignal): Promise<Buffer> {
    return this.#bytes({ method: "GET", path, query, signal });
  }

  /** Reads every page of a list. */
  async list<T>(path: string, query: Query = {}): Promise<T[]> {
    const items: T[] = [];
    let next: string | undefined;
    do {
      const page = await this.get<{ metadata: { continue?: string }; items: T[] }>(path, {
        ...query,
        limit: 500,
        continue: next,
      });
      items.push(...page.items);
      next = page.metadata.continue || undefined;
    } while (next);
    return items;
  }

  /** Applies a JSON Patch and returns the object after it; with `dryRun` the server writes nothing (dryRun=All). */
  async patch<T>(path: string, patch: JsonPatch, options: { dryRun?: boolean } = {}): Promise<T> {
    return (await this.#json({
      method: "PATCH",
      path,
      query: { dryRun: options.dryRun ? "All" : undefined, fieldManager: "switchyard" },
      body: JSON.stringify(patch),
      contentType: "application/json-patch+json",
    })) as T;
  }

  /** Creates an object in a collection, and returns it; with `dryRun` the server writes nothing. */
  async create<T>(path: string, object: object, options: { dryRun?: boolean } = {}): Promise<T> {
    return (await this.#json({
      method: "POST",
      path,
      query: { dryRun: options.dryRun ? "All" : undefined, fieldManager: "switchyard" },
      body: JSON.stringify(object),
      contentType: "application/json",
    })) as T;
  }

  /**
   * Deletes exactly the object that was read, in the background; one that was made anew is a conflict (409), and with a resourceVersion so is
   * one that has changed since. `graceSeconds` 0 ends a pod at once, without a word to its processes.
   */
  async remove(
    path: string,
    { uid, resourceVersion }: Pick<Metadata, "uid"> & { resourceVersion?: string },
    { graceSeconds }: { graceSeconds?: number } = {},
  ): Promise<void> {
    await this.#json({
      method: "DELETE",
      path,
      body: JSON.stringify({
        propagationPolicy: "Background",
        preconditions: { uid, resourceVersion },
        gracePeriodSeconds: graceSeconds,
      }),
      contentType: "application/json",
    });
  }

  /** Asks a pod through the API server (paths.podProxy), and returns the text of its answer. Authorization does not reach the pod. */
  async proxy(
    path: string,
    { method, query, headers }: { method: "GET" | "POST"; query?: Query; headers?: Record<string, string> },
  ): Promise<string> {
    return (await this.#bytes({ method, path, query, headers })).toString("utf8");
  }

  /** Opens an answer that goes on (a watch, a log). The time limit is for its headers only; `signal` ends it. */
  async stream(path: string, query: Query, signal: AbortSignal): Promise<IncomingMessage> {
    const answer = await this.#send({ method: "GET", path, query, signal });
    if (isSuccess(answer)) return answer;
    throw readStatusError(answer.statusCode ?? 0, (await readBody(answer, 64 * 1024)).toString("utf8"));
  }

  /** Follows a watch to its end. Rejects also with what `follower.take` throws. */
  async watch(path: string, query: Query, signal: AbortSignal, follower: WatchFollower): Promise<void> {
    if (this.#access.getCurrentCluster()?.proxyUrl) {
      const answer = await this.stream(path, query, signal);
      follower.onOpen();
      for await (const piece of answer) await follower.take(piece as Buffer);
      return;
    }
    const options: https.RequestOptions = {};
    await this.#access.applyToHTTPSOptions(options).catch((error: unknown) => {
      throw noAnswerError(error);
    });
    const { ca, cert, key, pfx, passphrase, rejectUnauthorized, servername, auth, headers } = options;
    const basic: Record<string, string> = auth ? { authorization: `Basic ${Buffer.from(auth).toString("base64")}` } : {};
    const request = {
      url: this.#url({ method: "GET", path, query }),
      headers: { ...asStrings(headers), ...basic, accept: "application/json", "user-agent": "switchyard" },
      tls: { ca, cert, key, pfx, passphrase, rejectUnauthorized, servername },
      timeoutMs: requestTimeoutMs,
      signal,
    };
    await followWatch(request, follower);
  }

  close(): void {
    this.#agent?.destroy();
  }

  async #json(request: Request): Promise<unknown> {
    return JSON.parse((await this.#bytes(request)).toString("utf8"));
  }

  async #bytes(request: Request): Promise<Buffer> {
    const answer = await this.#send(request);
    const timer = setTimeout(() => answer.destroy(new Error("the answer took too long")), requestTimeoutMs);
    try {
      const body = await readBody(answer, maxAnswerBytes);
      if (!isSuccess(answer)) throw readStatusError(answer.statusCode ?? 0, body.toString("utf8"));
      return body;
    } finally {
      clearTimeout(timer);
    }
  }

  async #send(request: Request): Promise<IncomingMessage> {
    const options: https.RequestOptions = {};
    await this.#access.applyToHTTPSOptions(options).catch((error: unknown) => {
      throw noAnswerError(error);
    });
    const secure = this.#server.protocol === "https:";
    const { ca, cert, key, rejectUnauthorized, servername } = options;
    // client-node's own agent opens a connection for every request; it is kept only where it leads through a proxy.
    if (!this.#access.getCurrentCluster()?.proxyUrl) {
      const credentials = JSON.stringify([ca, cert, key].map(String));
      if (this.#credentials !== credentials) {
        // An agent's own certificates come before a request's: with new ones it is made anew, and what is open goes on.
        this.#agent = secure
          ? new https.Agent({ keepAlive: true, ca, cert, key, rejectUnauthorized, servername })
          : new http.Agent({ keepAlive: true });
        this.#credentials = credentials;
      }
      options.agent = this.#agent;
    }
    const url = this.#url(request);
    return new Promise((resolve, reject) => {
      const outgoing = (secure ? https : http).request(url, {
        ...options,
        method: request.method,
        signal: request.signal,
        headers: {
          ...options.headers,
          ...request.headers,
          accept: "application/json",
          "user-agent": "switchyard",
          ...(request.body === undefined
            ? {}
            : { "content-type": request.contentType, "content-length": Buffer.byteLength(request.body) }),
        },
      });
      const timer = setTimeout(() => outgoing.destroy(new Error("it took too long.")), requestTimeoutMs);
      outgoing.once("socket", (socket) => socket.setKeepAlive(true, 15_000));
      outgoing.once("response", (answer) => {
        clearTimeout(timer);
        resolve(answer);
      });
      outgoing.on("error", (error) => {
        clearTimeout(timer);
        reject(noAnswerError(error));
      });
      outgoing.end(request.body);
    });
  }

  #url({ path, query = {} }: Request): URL {
    const url = new URL(this.#server.pathname.replace(/\/$/, "") + path, this.#server);
    for (const [name, value] of Object.entries(query)) if (value !== undefined) url.searchParams.set(name, String(value));
    return url;
  }
}

function asStrings(headers: object = {}): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]));
}

function isSuccess(answer: IncomingMessage): boolean {
  const status = answer.statusCode ?? 0;
  return status >= 200 && status < 300;
}

async function readBody(answer: IncomingMessage, limit: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of answer) {
      size += (chunk as Buffer).length;
      if (size > limit) throw new Error(`the answer is longer than ${limit} bytes`);
      chunks.push(chunk as Buffer);
    }
  } catch (error) {
    throw noAnswerError(error);
  }
  return Buffer.concat(chunks);
}
