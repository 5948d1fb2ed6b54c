import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { afterEach, beforeEach, expect, it } from "vitest";
import { FaultProxy } from "./fault-proxy.ts";

let proxy: FaultProxy;
let port: number;
let pieces: number[];
const sockets: Socket[] = [];
const server = createServer({ allowHalfOpen: true }, (socket) => {
  sockets.push(socket.on("error", () => {}));
  socket.on("data", (bytes) => {
    pieces.push(bytes.length);
    socket.write(bytes);
  });
  socket.on("end", () => socket.end());
});

beforeEach(async () => {
  pieces = [];
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  proxy = new FaultProxy(() => ({ host: "127.0.0.1", port: (server.address() as AddressInfo).port }));
  port = await proxy.listen();
});

afterEach(async () => {
  await proxy.close();
  for (const socket of sockets.splice(0)) socket.destroy();
  await new Promise((resolve) => server.close(resolve));
});

async function dial(): Promise<Socket> {
  const socket = connect(port, "127.0.0.1").on("error", () => {});
  sockets.push(socket);
  await once(socket, "connect");
  return socket;
}

/** Sends, and gives what came back once as much came back. */
async function echo(socket: Socket, text: string): Promise<{ text: string; tookMs: number }> {
  const startedAt = performance.now();
  let got = "";
  socket.write(text);
  await new Promise<void>((resolve) => {
    socket.on("data", (bytes) => {
      got += bytes.toString("latin1");
      if (got.length >= text.length) resolve();
    });
  });
  return { text: got, tookMs: performance.now() - startedAt };
}

const long = Array.from({ length: 5_000 }, (_, index) => `${index},`).join("");

it("passes bytes and ends unchanged when it is told nothing", async () => {
  const socket = await dial();
  expect((await echo(socket, long)).text).toBe(long);
  expect(proxy.connections).toBe(1);
  socket.end();
  socket.resume();
  await once(socket, "close");
  await expect.poll(() => proxy.connections).toBe(0);
});

it("delays each way by the latency, without reordering", async () => {
  const socket = await dial();
  proxy.faults = { latencyMs: 60 };
  const { text, tookMs } = await echo(socket, long);
  expect(text).toBe(long);
  expect(tookMs).toBeGreaterThanOrEqual(115);
});

it("keeps to the bandwidth", async () => {
  const socket = await dial();
  proxy.faults = { bytesPerSecond: 20_000 };
  const { text, tookMs } = await echo(socket, "x".repeat(6_000));
  expect(text).toHaveLength(6_000);
  expect(tookMs).toBeGreaterThanOrEqual(280);
});

it("slices, and all bytes arrive in order", async () => {
  const socket = await dial();
  proxy.faults = { sliceBytes: 1 };
  const text = long.slice(0, 500);
  expect((await echo(socket, text)).text).toBe(text);
  expect(pieces.length).toBeGreaterThan(20);
});

it("holds everything on a half-open connection, and lets it go when the fault is over", async () => {
  const socket = await dial();
  proxy.faults = { timeoutMs: 0 };
  let isBack = false;
  const answer = echo(socket, "held").then((got) => {
    isBack = true;
    return got;
  });
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect({ isBack, pieces }).toEqual({ isBack: false, pieces: [] });
  proxy.faults = {};
  expect((await answer).text).toBe("held");
});

it("closes a connection that it has held for the timeout", async () => {
  const socket = await dial();
  proxy.faults = { timeoutMs: 50 };
  socket.write("never arrives");
  socket.resume();
  await once(socket, "close");
  expect(pieces).toEqual([]);
});

it("resets in the middle: after so many bytes, with exactly these delivered", async () => {
  const socket = await dial();
  proxy.faults = { resetAfterBytes: 1_000 };
  socket.write("x".repeat(3_000));
  const [error] = await once(socket, "error");
  expect(error.code).toBe("ECONNRESET");
  expect(pieces.reduce((sum, length) => sum + length, 0)).toBeLessThanOrEqual(1_000);
});

it("cuts: open connections and new ones are reset until it is mended", async () => {
  const socket = await dial();
  const failed = once(socket, "error");
  await echo(socket, "a");
  proxy.cut();
  expect((await failed)[0].code).toBe("ECONNRESET");
  const refused = connect(port, "127.0.0.1");
  expect((await once(refused, "error"))[0].code).toBe("ECONNRESET");
  proxy.mend();
  expect((await echo(await dial(), "b")).text).toBe("b");
});

it("closes slowly: the other side hears of the end later", async () => {
  const socket = await dial();
  await echo(socket, "a");
  proxy.faults = { slowCloseMs: 80 };
  const startedAt = performance.now();
  socket.end();
  socket.resume();
  await once(socket, "close");
  expect(performance.now() - startedAt).toBeGreaterThanOrEqual(155);
});
