import { chmod, unlink } from "node:fs/promises";
import { connect, createServer, type Server, type Socket } from "node:net";
import { z } from "zod";
import type { EdgeMessage } from "#lib/protocol/hub-messages.ts";
import type { Logger } from "#lib/runtime/logger.ts";
import { LineReader } from "./line-reader.ts";

/** What one sensor writes as one line of JSON. `at` is ISO 8601 UTC; without it, it is when the line came. */
const lineSchema = z.object({
  sensor: z.string().min(1).max(200),
  at: z.iso.datetime().optional(),
  value: z.unknown().refine((value) => value !== undefined, "is missing"),
});

export type SensorSocketOptions = {
  path: string;
  onReading: (reading: Omit<EdgeMessage, "sequence">, bytes: number) => void;
  /** A line that was refused, or a connection that broke a limit. */
  onRefused: () => void;
  logger: Logger;
  maxConnections?: number;
  maxLineBytes?: number;
};

/**
 * The local Unix socket that sensors write newline-separated JSON to. A line that is wrong is answered by {"error": ...} and
 * the connection goes on; a line that is too long ends it.
 */
export class SensorSocket {
  readonly #options: SensorSocketOptions;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  constructor(options: SensorSocketOptions) {
    this.#options = options;
    this.#server = createServer((socket) => this.#accept(socket));
    this.#server.maxConnections = options.maxConnections ?? 100;
    this.#server.on("drop", () => options.onRefused());
  }

  get isListening(): boolean {
    return this.#server.listening;
  }

  /** Listens. A socket file that nobody listens on is taken over; rejects with EADDRINUSE when somebody does. */
  async listen(): Promise<void> {
    const { path } = this.#options;
    if (await isAbandoned(path)) await unlink(path);
    await new Promise<void>((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen(path, () => {
        this.#server.off("error", reject);
        resolve();
      });
    });
    await chmod(path, 0o660);
  }

  /** Closes the socket for new sensors and ends the connected ones. */
  async stop(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  #accept(socket: Socket): void {
    const reader = new LineReader(this.#options.maxLineBytes ?? 16_384);
    this.#sockets.add(socket);
    socket.on("close", () => this.#sockets.delete(socket));
    socket.on("error", () => socket.destroy());
    socket.on("data", (chunk: Buffer) => {
      try {
        reader.push(chunk, (line) => this.#take(line, socket));
      } catch (error) {
        this.#options.onRefused();
        socket.end(`${JSON.stringify({ error: error instanceof RangeError ? error.message : "this line cannot be taken" })}\n`);
        socket.removeAllListeners("data").resume();
        setTimeout(() => socket.destroy(), 1_000).unref();
      }
    });
  }

  #take(line: string, socket: Socket): void {
    if (line === "") return;
    const reading = parseLine(line);
    if ("error" in reading) {
      this.#options.onRefused();
      this.#options.logger.debug({ reason: reading.error }, "a sensor's line was refused");
      if (socket.writable && socket.writableLength < 65_536) socket.write(`${JSON.stringify(reading)}\n`);
      return;
    }
    this.#options.onReading(reading, line.length);
  }
}

function parseLine(line: string): Omit<EdgeMessage, "sequence"> | { error: string } {
  try {
    const result = lineSchema.safeParse(JSON.parse(line));
    if (!result.success) {
      const issue = result.error.issues[0];
      return { error: `${issue?.path.join(".") || "line"}: ${issue?.message}` };
    }
    const { sensor, at = new Date().toISOString(), value } = result.data;
    JSON.stringify(value);
    return { sensor, at, value };
  } catch {
    return { error: "a line must be one JSON object" };
  }
}

function isAbandoned(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once("connect", () => {
      socket.destroy();
      resolve(false);
    });
    socket.once("error", (error: NodeJS.ErrnoException) => resolve(error.code === "ECONNREFUSED"));
  });
}
