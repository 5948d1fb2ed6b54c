import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { afterEach, beforeEach, expect, it } from "vitest";
import { createFaults } from "#lib/runtime/faults.ts";
import { createLogger } from "#lib/runtime/logger.ts";
import { KeyRing } from "./key-ring.ts";
import { IssuerMetrics } from "./metrics.ts";
import { IssuerServer } from "./server.ts";

const clientSecret = "a-secret-of-the-test";
let keys: KeyRing;
let server: IssuerServer;
let port: number;
let sockets: Socket[];

beforeEach(async () => {
  sockets = [];
  const logger = createLogger("issuer", "silent");
  keys = new KeyRing({ rotateSeconds: 600, logger });
  const faults = createFaults({ latencyMs: 0, errorRatio: 0 });
  server = new IssuerServer({ keys, metrics: new IssuerMetrics(() => keys.count), clientSecret, faults, logger });
  await keys.start();
  ({ port } = await server.listen("127.0.0.1", 0));
});

afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  await server.stop();
  await keys.stop();
});

/** A raw connection that says this and no more. */
async function open(text = ""): Promise<Socket> {
  const socket = connect(port, "127.0.0.1");
  sockets.push(socket);
  socket.on("error", () => {});
  await once(socket, "connect");
  if (text) socket.write(text);
  return socket;
}

/** What the issuer says until it ends the connection, and after how long that was. */
async function readToEnd(socket: Socket): Promise<{ text: string; ms: number }> {
  const startedAt = performance.now();
  let text = "";
  socket.on("data", (chunk) => {
    text += chunk;
  });
  if (!socket.closed) await once(socket, "close");
  return { text, ms: performance.now() - startedAt };
}

it("answers 431 to headers of more than 8 KiB", async () => {
  const socket = await open(`GET /.well-known/jwks.json HTTP/1.1\r\nHost: x\r\nX-Long: ${"x".repeat(9_000)}\r\n\r\n`);
  expect((await readToEnd(socket)).text).toMatch(/^HTTP\/1.1 431 /);
});

it("answers 413 as soon as a body is longer than 16 KiB, and reads no further", async () => {
  const head = `POST /token HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${clientSecret}\r\nContent-Length: 100000000\r\n\r\n`;
  const socket = await open(head + "x".repeat(20_000));
  const answer = once(socket, "data");
  expect(String((await answer)[0])).toMatch(/^HTTP\/1.1 413 /);
});

it("reads no body of a client that does not show the secret", async () => {
  const socket = await open("POST /token HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer wrong\r\nContent-Length: 100\r\n\r\n");
  expect(String((await once(socket, "data"))[0])).toMatch(/^HTTP\/1.1 401 /);
});

it.each([
  ["nothing", "", 5_000],
  ["half of its headers", "GET / HTTP/1.1\r\nHost: x\r\n", 5_000],
  [
    "half of its body",
    `POST /token HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${clientSecret}\r\nContent-Length: 9\r\n\r\n{`,
    10_000,
  ],
])("ends a connection that has said %s", { timeout: 20_000 }, async (_, text, limitMs) => {
  const { ms } = await readToEnd(await open(text));
  expect(ms).toBeGreaterThan(limitMs - 1_000);
  expect(ms).toBeLessThan(limitMs + 3_000);
});

it("closes the connections that are more than 1,024, and those that it has go on", { timeout: 20_000 }, async () => {
  const first = await open();
  for (let count = 1; count < 1_024; count += 1) await open();
  expect((await readToEnd(await open("GET / HTTP/1.1\r\nHost: x\r\n\r\n"))).text).toBe("");
  first.write("GET /.well-known/jwks.json HTTP/1.1\r\nHost: x\r\n\r\n");
  expect(String((await once(first, "data"))[0])).toMatch(/^HTTP\/1.1 200 /);
});
