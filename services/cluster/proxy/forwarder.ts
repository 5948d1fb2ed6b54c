import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import type { Backend } from "./backends.ts";

export type ForwarderOptions = {
  host: string;
  port: number;
  choose: (client: string) => Backend | undefined;
};

const connectTimeoutMs = 10_000;

/**
 * Forwards the connections of one address to backends. Bytes are piped, so a slow side slows the other and nothing is buffered
 * beyond a socket's own; each direction ends on its own (half-close); a reset on one side resets the other.
 */
export class Forwarder {
  readonly #options: ForwarderOptions;
  readonly #connections = new Set<Socket>();
  #server: Server | undefined;

  constructor(options: ForwarderOptions) {
    this.#options = options;
  }

  get listening(): boolean {
    return this.#server !== undefined;
  }

  get port(): number {
    const address = this.#server?.address();
    return typeof address === "object" && address ? address.port : this.#options.port;
  }

  /** Listens; rejects with the system's error, e.g. EADDRINUSE. */
  async listen(): Promise<void> {
    if (this.#server) return;
    const { host, port } = this.#options;
    const server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => this.#forward(client));
    server.listen({ host, port, backlog: 1024 });
    await once(server, "listening");
    server.on("error", () => {});
    this.#server = server;
  }

  /** Stops listening, so that new connections are refused. Those that exist go on. */
  async refuse(): Promise<void> {
    this.#server?.close();
    this.#server = undefined;
  }

  /** Stops listening and ends every connection. */
  async stop(): Promise<void> {
    await this.refuse();
    for (const socket of this.#connections) socket.destroy();
  }

  #forward(client: Socket): void {
    const source = client.remoteAddress ?? "";
    const backend = this.#options.choose(source);
    if (!backend) {
      client.on("error", () => {});
      client.resetAndDestroy();
      return;
    }
    // From the client's own address, so that the backend sees who it is.
    const upstream = connect({ ...backend, localAddress: source, allowHalfOpen: true, noDelay: true });
    const timer = setTimeout(() => upstream.destroy(new Error("connecting took too long")), connectTimeoutMs);
    upstream.once("connect", () => {
      clearTimeout(timer);
      client.pipe(upstream);
      upstream.pipe(client);
    });
    upstream.once("close", () => clearTimeout(timer));
    this.#bind(client, upstream);
    this.#bind(upstream, client);
  }

  #bind(socket: Socket, other: Socket): void {
    this.#connections.add(socket);
    socket.on("error", () => {
      if (!other.destroyed) other.resetAndDestroy();
    });
    socket.once("close", () => {
      this.#connections.delete(socket);
      if (!other.destroyed && !other.writableEnded) other.resetAndDestroy();
    });
  }
}
