import { chmod, unlink } from "node:fs/promises";
import { connect, createServer, type Server, type Socket } from "node:net";
import { z } from "zod";
import { isReadingTime, type ReadingBlock } from "#lib/protocol/hub-batch.ts";
import { HubConnection } from "#lib/protocol/hub-connection.ts";
import { type HubEnvelope, HubError } from "#lib/protocol/hub-messages.ts";
import type { Logger } from "#lib/runtime/logger.ts";
import { LineReader } from "./line-reader.ts";
import type { Reading } from "./offline-buffer.ts";
import { SensorWatch, type SensorWatchOptions } from "./sensor-watch.ts";

/** What a sensor that wants an answer calls its line: it comes back as {"ack": id} or {"error": ..., "id": id}. */
const lineId = z.union([z.string().min(1).max(200), z.number()], "wants text of 1 to 200 characters, or a number");

/** What one sensor writes as one line of JSON. `at` is ISO 8601 UTC; without it, it is when the line came. */
const lineSchema = z.object({
  id: lineId.optional(),
  sensor: z.string().min(1).max(200),
  at: z.iso
    .datetime()
    .refine((at) => isReadingTime(Date.parse(at)), "wants a time in the years 0 to 6429")
    .optional(),
  value: z.unknown().refine((value) => value !== undefined, "is missing"),
});

const idSchema = z.object({ id: lineId });

export type SensorSocketOptions = {
  path: string;
  /** Keeps a reading. The sensor is acknowledged when that is done, and told the reason when it throws or rejects. */
  onReading: (reading: Reading) => Promise<void> | void;
  /** The same for the readings of a frame, which are kept all or none. */
  onBlock: (readings: ReadingBlock) => Promise<void> | void;
  /** A line that was refused, or a connection that broke a limit. */
  onRefused: () => void;
  logger: Logger;
  maxConnections?: number;
  watch: SensorWatchOptions;
};

/** The longest line, and the longest value in a frame. */
const maxLineBytes = 16_384;

/** A sensor is not read from while so many of its readings are not kept yet, or twice so many bytes of answers unread. */
const maxUnkeptReadings = 256;
const maxUnreadBytes = 65_536;

/** Of a sensor that writes frames: the largest one, and how many may be unanswered. */
const maxFrameBytes = 256 * 1024;
const maxUnansweredFrames = 16;

/** The first byte of a frame; no line of JSON begins with it. */
const frameMark = 0x53;

type Sensor = { socket: Socket; unkept: number; ended: boolean };

/**
 * The local Unix socket that sensors write to: newline-separated JSON, or frames of the hub's protocol with many readings each, as the
 * first byte tells. A line that is wrong is answered by {"error": ...} and the connection goes on; a line that is too long ends it,
 * as does a frame that is wrong.
 */
export class SensorSocket {
  readonly #options: SensorSocketOptions;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #watch: SensorWatch;

  constructor(options: SensorSocketOptions) {
    this.#options = options;
    this.#watch = new SensorWatch(options.watch);
    this.#server = createServer({ allowHalfOpen: true }, (socket) => this.#accept(socket));
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
    this.#watch.start();
  }

  /** Closes the socket for new sensors and ends the connected ones. */
  async stop(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const socket of this.#sockets) socket.destroy();
    this.#watch.stop();
    await closed;
  }

  #accept(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on("close", () => this.#sockets.delete(socket));
    socket.on("error", () => socket.destroy());
    this.#watch.add(socket, () => {
      this.#options.onRefused();
      socket.destroy();
    });
    const onEnd = () => socket.end();
    socket.once("end", onEnd);
    socket.once("data", (first: Buffer) => {
      socket.off("end", onEnd);
      if (first[0] === frameMark) this.#acceptFrames(socket);
      else this.#acceptLines(socket);
      socket.emit("data", first);
    });
  }

  #acceptFrames(socket: Socket): void {
    let unanswered = 0;
    const take = async ({ readings }: { readings: ReadingBlock }, id: number) => {
      unanswered += 1;
      try {
        await this.#options.onBlock(readings);
        connection.send({ name: "ack", body: { sequence: id, accepted: readings.count, duplicates: 0 } }, { to: id });
      } catch (error) {
        connection.sendError(new HubError("busy", error instanceof Error ? error.message : String(error)), id);
      }
      unanswered -= 1;
    };
    const receive = (message: HubEnvelope) => {
      if (message.name !== "readings") connection.refuse(new HubError("not_allowed", "a sensor sends frames of readings only"));
      else if (unanswered >= maxUnansweredFrames) {
        connection.refuse(new HubError("credit_exceeded", `more than ${maxUnansweredFrames} frames are unanswered`));
      } else if (message.body.readings.longestValue > maxLineBytes) {
        connection.refuse(new HubError("bad_message", `a value is longer than ${maxLineBytes} bytes`));
      } else void take(message.body, message.id);
    };
    const onClose = (reason: Error) => {
      if (reason instanceof HubError) this.#options.onRefused();
    };
    const connection = new HubConnection(socket, { maxPayloadBytes: maxFrameBytes, onMessage: receive, onClose });
    this.#watch.add(socket, (reason) => connection.refuse(new HubError("silent", reason)));
    socket.on("data", () => this.#watch.heard(socket, connection.isHalfRead));
  }

  #acceptLines(socket: Socket): void {
    const reader = new LineReader(maxLineBytes);
    const sensor: Sensor = { socket, unkept: 0, ended: false };
    socket.on("drain", () => setFlow(sensor));
    socket.on("end", () => {
      sensor.ended = true;
      setFlow(sensor);
    });
    const refuse = (error: string) => {
      this.#options.onRefused();
      socket.end(`${JSON.stringify({ error })}\n`);
      socket.removeAllListeners("data").removeAllListeners("drain").resume();
      setTimeout(() => socket.destroy(), 1_000).unref();
    };
    this.#watch.add(socket, refuse);
    socket.on("data", (chunk: Buffer) => {
      try {
        reader.push(chunk, (line) => this.#take(line, sensor));
        this.#watch.heard(socket, reader.isHalfRead);
        setFlow(sensor);
      } catch (error) {
        refuse(error instanceof RangeError ? error.message : "this line cannot be taken");
      }
    });
  }

  #take(line: string, sensor: Sensor): void {
    if (line === "") return;
    const { onReading, onRefused, logger } = this.#options;
    const parsed = parseLine(line);
    if ("error" in parsed) {
      onRefused();
      logger.debug({ reason: parsed.error }, "a sensor's line was refused");
      reply(sensor, parsed);
      return;
    }
    const { id, reading } = parsed;
    const kept = onReading(reading);
    if (kept) void this.#answerWhenKept(kept, id, sensor);
    else if (id !== undefined) reply(sensor, { ack: id });
  }

  async #answerWhenKept(kept: Promise<void>, id: LineId, sensor: Sensor): Promise<void> {
    sensor.unkept += 1;
    try {
      await kept;
      if (id !== undefined) reply(sensor, { ack: id });
    } catch (error) {
      reply(sensor, { error: error instanceof Error ? error.message : String(error), id });
    }
    sensor.unkept -= 1;
    setFlow(sensor);
  }
}

type LineId = z.output<typeof lineId> | undefined;

/** A complaint that asks for no answer is left out when the sensor does not read; acknowledgements never are. */
function reply({ socket }: Sensor, answer: { ack?: LineId; error?: string; id?: LineId }): void {
  const isOwed = answer.ack !== undefined || answer.id !== undefined;
  if (socket.writable && (isOwed || socket.writableLength < maxUnreadBytes)) socket.write(`${JSON.stringify(answer)}\n`);
}

/** Reads on or waits; ends the connection when the sensor has ended its side and everything of it is answered. */
function setFlow({ socket, unkept, ended }: Sensor): void {
  if (ended && unkept === 0) socket.end();
  else if (unkept > maxUnkeptReadings || socket.writableLength > 2 * maxUnreadBytes) socket.pause();
  else socket.resume();
}

function parseLine(line: string): { reading: Reading; id: LineId } | { error: string; id?: LineId } {
  let given: unknown;
  try {
    given = JSON.parse(line);
  } catch {
    return { error: "a line must be one JSON object" };
  }
  const result = lineSchema.safeParse(given);
  if (!result.success) {
    const issue = result.error.issues[0];
    return { error: `${issue?.path.join(".") || "line"}: ${issue?.message}`, id: idSchema.safeParse(given).data?.id };
  }
  const { id, sensor, at, value } = result.data;
  try {
    return { reading: { sensor, atMs: at === undefined ? Date.now() : Date.parse(at), value: JSON.stringify(value) }, id };
  } catch {
    return { error: "value: is nested too deeply", id };
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
