import { once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";
import { type Choose, forwardConnection } from "./connection.ts";

export type ForwarderOptions = {
  host: string;
  port: number;
  choose: Choose;
  /** Takes a connection whose requests are to be routed one by one; false leaves it to be forwarded as it is. */
  route?: (client: Socket) => boolean;
};

/** Listens at one address and forwards its connections to backends. */
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
    const server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => this.#take(client));
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

  #take(client: Socket): void {
    this.#connections.add(client);
    client.once("close", () => this.#connections.delete(client));
    if (!this.#options.route?.(client)) forwardConnection(client, this.#options.choose);
  }
}
