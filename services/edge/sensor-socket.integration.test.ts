import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
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

async function listen(maxConnections = 100) {
  const path = join(folder, "sensor.sock");
  const seen = { readings: 0, refused: 0 };
  const sensors = new SensorSocket({
    path,
    maxConnections,
    onReading: () => {
      seen.readings += 1;
    },
    onRefused: () => {
      seen.refused += 1;
    },
    logger: createLogger("edge", "silent"),
  });
  await sensors.listen();
  open.push(sensors);
  return { path, seen };
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
