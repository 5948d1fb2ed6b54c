import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { HealthServer } from "./health-server.ts";

const onError = vi.fn();
let server: HealthServer;
let url: string;
let port: number;
let sockets: Socket[];

beforeEach(async () => {
  onError.mockClear();
  sockets = [];
  server = new HealthServer(
    {
      "/health": () => ({ status: 200, body: "OK" }),
      "/broken": () => Promise.reject(new Error("hush")),
    },
    onError,
    {
      token: "the token of this test",
      handlers: { "/admin": ({ method, query }) => ({ status: 200, body: { method, state: query.get("state") } }) },
    },
  );
  ({ port } = await server.listen("127.0.0.1", 0));
  url = `http://127.0.0.1:${port}`;
});
afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  await server.stop();
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

/** What the server says until it ends the connection, and after how long that was. */
async function readToEnd(socket: Socket): Promise<{ text: string; ms: number }> {
  const startedAt = performance.now();
  let text = "";
  socket.on("data", (chunk) => {
    text += chunk;
  });
  if (!socket.closed) await once(socket, "close");
  return { text, ms: performance.now() - startedAt };
}

test("the health server refuses what is no URL, no path and no reading, and none of it is an error", async () => {
  const status = async (path: string, method = "GET") => (await fetch(url + path, { method })).status;
  expect(await status("/health")).toBe(200);
  expect(await status("/health", "HEAD")).toBe(200);
  expect(await status("/health", "POST")).toBe(405);
  expect(await status("/none")).toBe(404);
  expect(await status("//")).toBe(400);
  expect(onError).not.toHaveBeenCalled();
});

test("the health server answers 500 without the message of a handler that fails, which is told", async () => {
  const answer = await fetch(`${url}/broken`);
  expect([answer.status, await answer.text()]).toEqual([500, "internal error"]);
  expect(onError).toHaveBeenCalledTimes(1);
});

test("a guarded path wants the token, and takes GET and POST", async () => {
  const ask = (method: string, token?: string) =>
    fetch(`${url}/admin?state=open`, { method, headers: token === undefined ? {} : { "x-admin-token": token } });
  expect((await ask("POST")).status).toBe(401);
  expect((await ask("POST", "another")).status).toBe(401);
  expect((await ask("DELETE", "the token of this test")).status).toBe(405);
  expect(await (await ask("POST", "the token of this test")).json()).toEqual({ method: "POST", state: "open" });
  expect(await (await ask("GET", "the token of this test")).json()).toEqual({ method: "GET", state: "open" });
});

test("the health server closes the connections that are more than 64, and answers again when there is room", async () => {
  for (let count = 0; count < 64; count += 1) await open();
  expect((await readToEnd(await open("GET /health HTTP/1.1\r\nHost: x\r\n\r\n"))).text).toBe("");
  sockets[0]?.destroy();
  await expect
    .poll(async () => (await readToEnd(await open("GET /health HTTP/1.0\r\n\r\n"))).text, { timeout: 10_000 })
    .toContain("200 OK");
});

test("the health server answers 431 to headers of more than 8 KiB", async () => {
  const socket = await open(`GET /health HTTP/1.1\r\nHost: x\r\nX-Long: ${"x".repeat(9_000)}\r\n\r\n`);
  expect((await readToEnd(socket)).text).toMatch(/^HTTP\/1.1 431 /);
});

test.each([
  ["nothing", "", 5_000],
  ["half of its headers", "GET /health HTTP/1.1\r\nHost: x\r\n", 5_000],
  ["headers and half of a body", "POST /health HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{", 10_000],
])("the health server ends a connection that has said %s", { timeout: 20_000 }, async (_, text, limitMs) => {
  const { ms } = await readToEnd(await open(text));
  expect(ms).toBeLessThan(limitMs + 3_000);
});
