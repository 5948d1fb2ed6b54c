import { randomUUID } from "node:crypto";
import { connect, type Socket } from "node:net";
import { createInterface } from "node:readline";
import { z } from "zod";
import { packReadings } from "#lib/protocol/hub-batch.ts";
import { HubError } from "#lib/protocol/hub-messages.ts";
import type { HubPool } from "#lib/protocol/hub-pool.ts";

/** Where messages of the prober go in. */
export type MessageEntry = {
  /** Whether a message that was not acknowledged is given again under its number: what is behind counts it once. */
  readonly isRepeatable: boolean;
  /** Resolves when the message is acknowledged. Rejects when that is not so, or not known. */
  send(message: { sensor: string; number: number; timeoutMs: number }): Promise<void>;
  stop(): Promise<void> | void;
};

/** As an edge that has no sensors: an acknowledged message is in the hub's store. */
export class EdgeEntry implements MessageEntry {
  readonly isRepeatable = true;
  readonly #pool: HubPool;
  readonly #onDoubled: () => void;
  readonly #stream = randomUUID();
  #sent = 0;

  /** `onDoubled` is called when the hub takes a message for a repeat that was never sent before. */
  constructor(pool: HubPool, onDoubled: () => void) {
    this.#pool = pool;
    this.#onDoubled = onDoubled;
  }

  send({ sensor, number, timeoutMs }: { sensor: string; number: number; timeoutMs: number }): Promise<void> {
    return this.#pool.use(async (client) => {
      const readings = packReadings([{ sensor, atMs: Date.now(), value: String(number) }]);
      const wasSent = this.#sent >= number;
      if (client.isConnected) this.#sent = number;
      const answer = await client.request(
        { name: "batch", body: { stream: this.#stream, first: number, readings } },
        { timeoutMs },
      );
      if (answer.name !== "ack") throw new Error(`the hub answered a message with ${answer.name}`);
      const { sequence, duplicates } = answer.body;
      if (sequence !== number) throw new Error(`the hub acknowledged ${sequence} instead of ${number}`);
      if (duplicates > 0 && !wasSent) this.#onDoubled();
    });
  }

  stop(): Promise<void> {
    return this.#pool.stop();
  }
}

const answerSchema = z.object({ ack: z.number().optional(), error: z.string().optional(), id: z.number().optional() });

/** As a sensor of an edge: an acknowledged message is kept by the edge, and on its way to the hub. */
export class SensorEntry implements MessageEntry {
  readonly isRepeatable = false;
  readonly #path: string;
  readonly #waiting = new Map<number, { resolve: () => void; reject: (error: Error) => void }>();
  #socket: Socket | undefined;

  constructor(path: string) {
    this.#path = path;
  }

  send({ sensor, number, timeoutMs }: { sensor: string; number: number; timeoutMs: number }): Promise<void> {
    const socket = this.#open();
    return new Promise((resolve, reject) => {
      const late = new HubError("timeout", `the edge did not answer within ${timeoutMs} ms`);
      const timer = setTimeout(() => this.#settle(number, late), timeoutMs);
      const done = <T extends unknown[]>(settle: (...results: T) => void) => {
        return (...results: T) => {
          clearTimeout(timer);
          settle(...results);
        };
      };
      this.#waiting.set(number, { resolve: done(resolve), reject: done(reject) });
      socket.write(`${JSON.stringify({ id: number, sensor, at: new Date().toISOString(), value: number })}\n`);
    });
  }

  stop(): void {
    this.#socket?.destroy();
  }

  #open(): Socket {
    if (this.#socket && !this.#socket.destroyed) return this.#socket;
    const socket = connect(this.#path);
    this.#socket = socket;
    let failure = new Error("the edge closed the connection");
    socket.on("error", (error) => {
      failure = error;
    });
    socket.on("close", () => {
      for (const number of [...this.#waiting.keys()]) this.#settle(number, failure);
    });
    const lines = createInterface(socket);
    lines.on("error", () => {});
    lines.on("line", (line) => {
      const { ack, error, id } = answerSchema.safeParse(parse(line)).data ?? {};
      if (ack !== undefined) this.#settle(ack);
      else if (id !== undefined) this.#settle(id, new Error(`the edge refused a message: ${error}`));
    });
    return socket;
  }

  #settle(number: number, error?: Error): void {
    const waiting = this.#waiting.get(number);
    this.#waiting.delete(number);
    if (error) waiting?.reject(error);
    else waiting?.resolve();
  }
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
