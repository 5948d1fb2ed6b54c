import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { FrameDecoder } from "#lib/protocol/frame.ts";
import { packReadings } from "#lib/protocol/hub-batch.ts";
import { decodeMessage, encodeMessage, type HubEnvelope, maxHubPayloadBytes } from "#lib/protocol/hub-messages.ts";
import { createLogger } from "#lib/runtime/logger.ts";
import { SensorSocket } from "./sensor-socket.ts";

let folder: string;
let open: SensorSocket[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "sensors-"));
  open = [];
});
afterEach(async () => {
  await Promise.all(open.map((socket) => socket.stop()));
  rmSync(folder, { recursive: true });
});

async function listen(maxConnections = 100, watch = { beginMs: 10_000, idleMs: 0 }) {
  const path = join(folder, "sensor.sock");
  const seen = { readings: 0, refused: 0 };
  const isKept = Promise.withResolvers<void>();
  const sensors = new SensorSocket({
    path,
    maxConnections,
    watch,
    onReading: () => {
      seen.readings += 1;
    },
    onBlock: (readings) => {
      seen.readings += readings.count;
      return isKept.promise;
    },
    onRefused: () => {
      seen.refused += 1;
    },
    logger: createLogger("edge", "silent"),
  });
  await sensors.listen();
  open.push(sensors);
  return { path, seen, keep: isKept.resolve, refuse: isKept.reject };
}

test("the socket is for its owner and group only", async () => {
  const { path } = await listen();
  expect(statSync(path).mode & 0o777).toBe(0o660);
});

test("a socket file that a killed edge left behind is taken over", async () => {
  const path = join(folder, "sensor.sock");
  const script = `require("net").createServer().listen(${JSON.stringify(path)}, () => process.stdout.write("up"))`;
  const killed = spawn(process.execPath, ["-e", script], { stdio: ["ignore", "pipe", "inherit"] });
  await once(killed.stdout, "data");
  killed.kill("SIGKILL");
  await once(killed, "exit");
  expect(statSync(path).isSocket()).toBe(true);
  const { seen } = await listen();
  connect(path).end('{"sensor":"s","value":1}\n');
  await expect.poll(() => seen.readings).toBe(1);
});

test("a socket that another edge listens on is left alone", async () => {
  const { path, seen } = await listen();
  await expect(listen()).rejects.toMatchObject({ code: "EADDRINUSE" });
  connect(path).end('{"sensor":"s","value":1}\n');
  await expect.poll(() => seen.readings).toBe(1);
});

test("sensors over the limit are turned away and counted, and the connected ones go on", async () => {
  const { path, seen } = await listen(1);
  const first = connect(path);
  first.write('{"sensor":"s","value":1}\n');
  await expect.poll(() => seen.readings).toBe(1);
  const second = connect(path).on("error", () => {});
  await once(second, "close");
  expect(seen.refused).toBe(1);
  first.write('{"sensor":"s","value":2}\n');
  await expect.poll(() => seen.readings).toBe(2);
  first.destroy();
});

const toReading = (value: string) => ({ sensor: "s", atMs: 0, value });

/** A sensor that writes frames, and what it was answered. */
function connectFrames(path: string) {
  const socket = connect(path).on("error", () => {});
  const answers: HubEnvelope[] = [];
  const decoder = new FrameDecoder(maxHubPayloadBytes);
  socket.on("data", (chunk: Buffer) => decoder.push(chunk, (frame) => answers.push(decodeMessage(frame))));
  const write = (id: number, values = ["1", "2", "3"]) =>
    socket.write(encodeMessage({ name: "readings", body: { readings: packReadings(values.map(toReading)) } }, id));
  return { socket, answers, write };
}

test("a frame of many readings is acknowledged once they are kept, and not before", async () => {
  const { path, seen, keep } = await listen();
  const { answers, write, socket } = connectFrames(path);
  write(7);
  await expect.poll(() => seen.readings).toBe(3);
  expect(answers).toEqual([]);
  keep();
  await expect.poll(() => answers).toMatchObject([{ name: "ack", id: 7, reply: true, body: { accepted: 3 } }]);
  socket.destroy();
});

test("a frame that is not kept is refused with the reason", async () => {
  const { path, seen, refuse } = await listen();
  const { answers, write, socket } = connectFrames(path);
  write(1);
  await expect.poll(() => seen.readings).toBe(3);
  refuse(new Error("not kept: the disk of the buffer is full"));
  const error = { code: "busy", message: "not kept: the disk of the buffer is full" };
  await expect.poll(() => answers).toMatchObject([{ name: "error", id: 1, body: error }]);
  socket.destroy();
});

test("a sensor with 16 unanswered frames that writes another one is refused and counted", async () => {
  const { path, seen } = await listen();
  const { answers, write, socket } = connectFrames(path);
  for (let id = 1; id <= 17; id++) write(id);
  await once(socket, "close");
  expect(answers).toMatchObject([{ name: "error", body: { code: "credit_exceeded" } }]);
  expect(seen).toEqual({ readings: 48, refused: 1 });
});

test("a sensor whose frame has a value longer than a line may be is refused and counted", async () => {
  const { path, seen } = await listen();
  const { answers, write, socket } = connectFrames(path);
  write(1, ["1", "7".repeat(16_384)]);
  await expect.poll(() => seen.readings).toBe(2);
  write(2, ["1", "7".repeat(16_385)]);
  await once(socket, "close");
  expect(answers).toMatchObject([{ name: "error", body: { code: "bad_message" } }]);
  expect(seen).toEqual({ readings: 2, refused: 1 });
});

test("bytes that begin like a frame and are none end the connection with the reason", async () => {
  const { path, seen } = await listen();
  const { answers, socket } = connectFrames(path);
  socket.write("SYnonsense that is no frame");
  await once(socket, "close");
  expect(answers).toMatchObject([{ name: "error", body: { code: "bad_frame" } }]);
  expect(seen).toEqual({ readings: 0, refused: 1 });
});

test("a line that is wrong is answered with the reason and its id, and the connection goes on", async () => {
  const { path, seen } = await listen();
  const socket = connect(path);
  const lines: string[] = [];
  socket.setEncoding("utf8").on("data", (text: string) => lines.push(...text.trimEnd().split("\n")));
  const deep = `${"[".repeat(8_000)}${"]".repeat(8_000)}`;
  for (const line of ["no JSON", "5", '{"sensor":"","value":1,"id":"a"}', '{"sensor":"s","id":2}']) socket.write(`${line}\n`);
  socket.write('{"sensor":"s","value":1,"at":"9999-12-31T00:00:00Z","id":3}\n');
  socket.write(`{"sensor":"s","value":${deep}}\n{"sensor":"s","value":1,"id":"good"}\n`);
  await expect.poll(() => lines.at(-1)).toBe('{"ack":"good"}');
  expect(lines.slice(0, 5).map((line) => JSON.parse(line))).toEqual([
    { error: "a line must be one JSON object" },
    { error: expect.stringContaining("line: ") },
    { error: expect.stringContaining("sensor: "), id: "a" },
    { error: expect.stringContaining("value: "), id: 2 },
    { error: "at: wants a time in the years 0 to 6429", id: 3 },
  ]);
  expect(seen.readings + seen.refused).toBe(7);
  socket.destroy();
});

/** What a raw connection is told until the edge ends it, and after how long that was. */
async function readToEnd(socket: Socket) {
  const startedAt = performance.now();
  let text = "";
  socket.on("error", () => {});
  socket.on("data", (chunk) => {
    text += chunk;
  });
  await once(socket, "close");
  return { text, ms: performance.now() - startedAt };
}

test.each([
  ["nothing", ""],
  ["half of a line", '{"sensor":"s",'],
  ["a line and half of the next one", '{"sensor":"s","value":1}\n{"sen'],
  ["half of a frame", "SY\u0001"],
])("a sensor that has said %s for too long is turned away and counted, and another one has its place", async (_, said) => {
  const { path, seen } = await listen(1, { beginMs: 200, idleMs: 0 });
  const { ms } = await readToEnd(
    connect(path, function (this: Socket) {
      if (said) this.write(said);
    }),
  );
  expect(ms).toBeGreaterThan(150);
  expect(seen.refused).toBe(1);
  const readings = seen.readings;
  connect(path).end('{"sensor":"s","value":2}\n');
  await expect.poll(() => seen.readings).toBe(readings + 1);
});

test("bytes that drip in do not extend the time of a line, and the sensor is told why it ends", async () => {
  const { path, seen } = await listen(1, { beginMs: 300, idleMs: 0 });
  const socket = connect(path);
  const drip = setInterval(() => socket.write("x"), 50);
  const { text, ms } = await readToEnd(socket);
  clearInterval(drip);
  expect(JSON.parse(text)).toEqual({ error: "nothing whole came within 300 ms" });
  expect(ms).toBeLessThan(5_000);
  expect(seen.refused).toBe(1);
});

test("a sensor may be silent between lines, for as long as it is let", async () => {
  const { path, seen } = await listen(1, { beginMs: 100, idleMs: 600 });
  const socket = connect(path);
  socket.write('{"sensor":"s","value":1}\n');
  const { text, ms } = await readToEnd(socket);
  expect(ms).toBeGreaterThan(550);
  expect(JSON.parse(text)).toEqual({ error: "nothing came for 600 ms" });
  expect(seen).toEqual({ readings: 1, refused: 1 });
});

test("a sensor that does not read its answers is not read from, and loses none when it reads again", async () => {
  const { path, seen } = await listen(1, { beginMs: 200, idleMs: 0 });
  const socket = connect(path);
  await once(socket, "connect");
  socket.pause();
  const total = 20_000;
  let written = 0;
  const write = () => {
    while (written < total && socket.write(`{"id":"${"x".repeat(100)}${written}","sensor":"s","value":${written}}\n`))
      written += 1;
  };
  socket.on("drain", () => {
    written += 1;
    write();
  });
  write();
  let before = -1;
  await expect
    .poll(
      () => {
        const isStill = seen.readings === before && before > 0;
        before = seen.readings;
        return isStill;
      },
      { interval: 300, timeout: 10_000 },
    )
    .toBe(true);
  expect(seen.readings).toBeLessThan(total / 2);
  let answers = 0;
  socket.on("data", (chunk: Buffer) => {
    answers += chunk.toString("latin1").split("\n").length - 1;
  });
  socket.resume();
  await expect.poll(() => answers, { timeout: 20_000 }).toBe(total);
  expect(seen).toEqual({ readings: total, refused: 0 });
  socket.destroy();
});
