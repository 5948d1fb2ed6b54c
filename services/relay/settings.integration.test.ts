import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, it } from "vitest";
import { WebSocket } from "ws";
import { RelayClient } from "#lib/protocol/relay-client.ts";
import { eventually, type RelayStack, startRelayStack, type TestRelay } from "#lib/protocol/testing/relay-stack.ts";

let stack: RelayStack;
let relay: TestRelay;
const clients: RelayClient[] = [];

beforeAll(async () => {
  stack = await startRelayStack();
  relay = await stack.startRelay({
    METRICS_BIND: "127.0.0.2",
    RELAY_USER_CONNECTIONS: "1",
    RELAY_REDIS_PATIENCE_MS: "0",
  });
});

afterAll(async () => {
  await Promise.all(clients.map((client) => client.stop()));
  await stack?.stop();
});

it("METRICS_BIND is where the metrics are, and nowhere else", async () => {
  const url = new URL(relay.metricsUrl);
  await expect(fetch(url)).rejects.toThrow("fetch failed");
  url.hostname = "127.0.0.2";
  expect(await (await fetch(url)).text()).toContain("materi_");
});

it("RELAY_USER_CONNECTIONS is how many connections one user may have, and a write is refused at once with RELAY_REDIS_PATIENCE_MS=0", async () => {
  const documentId = randomUUID();
  const client = new RelayClient({ url: relay.url, documentId, token: () => stack.token() });
  clients.push(client);
  client.start();
  await eventually(() => client.isLive);
  await client.insert(0, "with redis");
  const second = new WebSocket(`${relay.url}/collab?document=${documentId}`, ["relay.v1"], {
    headers: { authorization: `Bearer ${await stack.token()}` },
  });
  const status = new Promise((resolve) => {
    second.on("unexpected-response", (_request, response) => resolve(response.statusCode));
    second.on("open", () => resolve(101));
  });
  second.on("error", () => {});
  expect(await status).toBe(429);
  await stack.redis.end();
  await eventually(async () => (await fetch(`${relay.httpUrl}/ready`)).status === 503);
  const startedAt = performance.now();
  await expect(client.insert(0, "without redis")).rejects.toMatchObject({ code: "unavailable" });
  expect(performance.now() - startedAt).toBeLessThan(2_000);
});
