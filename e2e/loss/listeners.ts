import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import { createInterface } from "node:readline";
import { eventually } from "#lib/protocol/testing/relay-stack.ts";
import { freePort } from "#lib/runtime/testing/free-port.ts";

/** Listens on many ports of one loopback address, and counts who comes. */
export class Listeners {
  readonly address: string;
  readonly ports: number[] = [];
  readonly #servers: Server[] = [];
  readonly #sockets = new Set<Socket>();

  private constructor(address: string) {
    this.address = address;
  }

  /** `onAccept` is told of every connection. */
  static async open(address: string, count: number, onAccept: (port: number, socket: Socket) => void): Promise<Listeners> {
    const listeners = new Listeners(address);
    const first = await freePort();
    for (let port = first; listeners.ports.length < count; port += 1) {
      const server = createServer((socket) => listeners.#accept(socket, port, onAccept));
      const isBound = await new Promise<boolean>((resolve) => {
        server.once("error", () => resolve(false));
        server.listen(port, address, () => resolve(true));
      });
      if (!isBound) continue;
      listeners.ports.push(port);
      listeners.#servers.push(server);
    }
    return listeners;
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy();
    for (const server of this.#servers) server.close();
  }

  #accept(socket: Socket, port: number, onAccept: (port: number, socket: Socket) => void): void {
    this.#sockets.add(socket);
    socket.on("close", () => this.#sockets.delete(socket)).on("error", () => {});
    onAccept(port, socket);
  }
}

/** A port whose queue of connections is full: its process listens with room for one, and never takes any. */
export class FullBacklog {
  readonly port: number;
  readonly #process: ChildProcess;
  readonly #fillers: Socket[];

  private constructor(port: number, process: ChildProcess, fillers: Socket[]) {
    this.port = port;
    this.#process = process;
    this.#fillers = fillers;
  }

  static async open(address: string, wanted?: number): Promise<FullBacklog> {
    const port = wanted ?? (await freePort());
    const listen = { port, host: address, backlog: 1 };
    const program = `
      const server = require("node:net").createServer();
      server.listen(${JSON.stringify(listen)}, () => process.stdout.write("listening\\n", () => process.kill(process.pid, "SIGSTOP")));`;
    const child = spawn(process.execPath, ["-e", program], { stdio: ["ignore", "pipe", "inherit"] });
    await once(createInterface(child.stdout), "line");
    const fillers: Socket[] = [];
    // The queue is full when a connection is not made at once any more.
    for (let isFull = false; !isFull; ) {
      const filler = connect(port, address).on("error", () => {});
      fillers.push(filler);
      isFull = !(await eventually(() => filler.readyState === "open", 500).catch(() => false));
    }
    return new FullBacklog(port, child, fillers);
  }

  async close(): Promise<void> {
    for (const filler of this.#fillers) filler.destroy();
    const gone = once(this.#process, "exit");
    this.#process.kill("SIGKILL");
    await gone;
  }
}
