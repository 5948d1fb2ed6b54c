import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { HealthServer } from "./health-server.ts";

const onError = vi.fn();
let server: HealthServer;
let url: string;

beforeEach(async () => {
  onError.mockClear();
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
  const { port } = await server.listen("127.0.0.1", 0);
  url = `http://127.0.0.1:${port}`;
});
afterEach(() => server.stop());

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
