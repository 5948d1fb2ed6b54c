import { type AddressInfo, createServer } from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import { HubFleet, readMetric, waitFor } from "#lib/protocol/testing/hub-fleet.ts";

let fleet: HubFleet;
beforeEach(() => {
  fleet = new HubFleet();
});
afterEach(() => fleet.stop());

const scan = (ports: string, more = {}) =>
  ({ name: "scan", body: { target: "127.0.0.1", ports, timeoutMs: 600_000, portTimeoutMs: 1_000, ...more } }) as const;

async function startScan(settings: Record<string, string>, ports = "1-2000") {
  await fleet.startHub();
  const connector = await fleet.startConnector("c1", settings);
  const metric = async (sample: string) => (await readMetric(connector.healthPort, sample)) ?? Number.NaN;
  await waitFor(async () => (await metric("connector_hub_connected")) || undefined);
  const client = await fleet.connectClient();
  const startedAt = performance.now();
  const answer = client.request(scan(ports), { timeoutMs: 60_000 }).then(({ name, body }) => {
    if (name !== "result") throw new Error(`a scan was answered by ${name}`);
    return { ...body, ms: performance.now() - startedAt };
  });
  return { connector, metric, client, answer };
}

test("after CONNECTOR_DRAIN_TIMEOUT_MS a connector that stops hands back what its scans have", async () => {
  const { connector, metric, answer } = await startScan({ CONNECTOR_MAX_RATE: "50", CONNECTOR_DRAIN_TIMEOUT_MS: "200" });
  await waitFor(async () => (await metric("connector_scans_running")) === 1 || undefined);
  const startedAt = performance.now();
  expect(await connector.end("SIGTERM")).toBe(0);
  expect(performance.now() - startedAt).toBeLessThan(15_000);
  const { complete, unknown } = await answer;
  expect(complete).toBe(false);
  expect(unknown).not.toBe("");
});

test("TIMEOUT_SECONDS ends a scan that asks for more time", async () => {
  const { answer } = await startScan({ CONNECTOR_MAX_RATE: "50", TIMEOUT_SECONDS: "1" });
  const { complete, durationMs } = await answer;
  expect(complete).toBe(false);
  expect(durationMs).toBeGreaterThan(900);
  expect(durationMs).toBeLessThan(5_000);
});

test("CONNECTOR_MAX_RATE_PER_TARGET bounds the connections to one address, and what it measured is in the metrics", async () => {
  const { answer, metric } = await startScan(
    { CONNECTOR_MAX_RATE_PER_TARGET: "50", MAX_CONCURRENT_SCANS: "3", SERVICE_VERSION: "7.8.9" },
    "1-150",
  );
  expect((await answer).durationMs).toBeGreaterThan(1_000);
  expect(await metric("connector_scans_limit")).toBe(3);
  expect(await metric("connections_active")).toBe(1);
  expect(await metric("handshakes_total")).toBe(1);
  expect(await metric("errors_total")).toBe(0);
  expect(await metric('service_build_info{service="connector",version="7.8.9"}')).toBe(1);
  expect(await metric('request_duration_seconds_count{operation="scan"}')).toBe(1);
  const [sent, received] = [await metric("messages_sent"), await metric("messages_received")];
  // Hello, holding and the result; welcome, holding, and the scan.
  expect(sent).toBeGreaterThanOrEqual(3);
  expect(received).toBeGreaterThanOrEqual(3);
  expect(await metric("messages_total")).toBeGreaterThanOrEqual(sent + received);
});

test("CONNECTOR_BREAKER_FAILURES connections that fail in a row open the breaker", async () => {
  let tries = 0;
  const server = createServer((socket) => {
    tries += 1;
    socket.on("error", () => {}).destroy();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const settings = { CONNECTOR_BREAKER_FAILURES: "2", CONNECTOR_BREAKER_OPEN_MS: "600000" };
  const connector = await fleet.startConnector("c1", { MATRIX_HOST: `127.0.0.1:${port}`, ...settings });
  await waitFor(() => connector.lines.find(({ breaker }) => breaker === "open"));
  expect(tries).toBe(2);
  server.close();
});
