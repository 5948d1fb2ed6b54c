import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import { FullBacklog } from "../../loss/listeners.ts";
import { portOf } from "./peers.ts";

/** A way to a port that can be taken away, connections and listener together, and put back at the same address. */
export class TcpLink {
  readonly #to: number;
  readonly #sockets = new Set<Socket>();
  #server: Server | undefined;
  #backlog: FullBacklog | undefined;
  #silent: Socket[] = [];
  port = 0;

  constructor(to: number) {
    this.#to = to;
  }

  async open(): Promise<void> {
    await this.#backlog?.close();
    this.#backlog = undefined;
    for (const socket of this.#silent.splice(0)) socket.destroy();
    const server = createServer((near) => {
      const far = connect(this.#to, "127.0.0.1");
      for (const socket of [near, far]) {
        this.#sockets.add(socket);
        socket
          .on("error", () => {})
          .once("close", () => {
            this.#sockets.delete(socket);
            near.destroy();
            far.destroy();
          });
      }
      near.pipe(far).pipe(near);
    });
    server.listen(this.port, "127.0.0.1");
    await once(server, "listening");
    this.port = portOf(server);
    this.#server = server;
  }

  /** As `cut`, but nobody is told: packets vanish, both those of connections and those that ask for one. */
  async vanish(): Promise<void> {
    const [server, sockets] = [this.#server, [...this.#sockets]];
    if (!server) return;
    this.#server = undefined;
    for (const socket of sockets) socket.unpipe().pause();
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    // The listener is gone at once; its connections stay until the link is back, and are then reset.
    this.#silent = sockets;
    this.#backlog = await FullBacklog.open("127.0.0.1", this.port);
    void closed;
  }

  async cut(): Promise<void> {
    const server = this.#server;
    if (!server) return;
    this.#server = undefined;
    const closed = once(server, "close");
    server.close();
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }
}
