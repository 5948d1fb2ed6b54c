import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import { ask, HubFleet, readMetric, waitFor } from "#lib/protocol/testing/hub-fleet.ts";

let fleet: HubFleet;
const server = createServer((socket) => socket.on("error", () => {}).end("220 ready\r\n"));

beforeEach(async () => {
  fleet = new HubFleet();
  if (!server.listening) await once(server.listen(0, "127.0.0.1"), "listening");
});
afterEach(async () => {
  await fleet.stop();
  server.close();
});

test("a connector has the guide's endpoints, metrics and log lines, and shows its token in none of them", async () => {
  await fleet.startHub();
  const connector = await fleet.startConnector("c1", {
    MATRIX_API_URL: "https://api.example",
    RUST_LOG: "info",
    RUST_BACKTRACE: "1",
  });
  const { healthPort } = connector;
  await waitFor(async () => (await ask(healthPort, "/ready")).status === 200 || undefined);
  expect(await ask(healthPort, "/ready")).toEqual({ status: 200, body: "Ready" });
  expect(await ask(healthPort, "/health")).toEqual({ status: 200, body: "OK" });
  expect(connector.lines.find(({ msg }) => msg === "started")).toMatchObject({ apiUrl: "https://api.example", tenant: "t" });
  expect(connector.lines.some(({ variable }) => variable === "RUST_BACKTRACE")).toBe(true);

  const client = await fleet.connectClient();
  const traceId = "0af7651916cd43dd8448eb211c80319c";
  const { port } = server.address() as AddressInfo;
  const body = { target: "127.0.0.1", ports: `${port}`, timeoutMs: 20_000, portTimeoutMs: 5_000, banners: true };
  const traced = { ...body, traceparent: `00-${traceId}-b7ad6b7169203331-01` };
  const answer = await client.request({ name: "scan", body: traced }, { timeoutMs: 20_000 });
  expect(answer.body).toMatchObject({ connector: "c1", complete: true, open: [{ port, banner: "220 ready" }] });
  expect(await connector.logged("scan started")).toMatchObject({ trace_id: traceId, target: "127.0.0.1", level: "info" });
  expect(await connector.logged("scan completed")).toMatchObject({ trace_id: traceId, open: 1, complete: true });

  expect(await readMetric(healthPort, "connector_scans_total")).toBe(1);
  expect(await readMetric(healthPort, "connector_scan_duration_seconds_count")).toBe(1);
  expect(await readMetric(healthPort, "connector_hub_connected")).toBe(1);
  await waitFor(async () => (await readMetric(healthPort, "connector_results_held")) === 0 || undefined);
  expect(await connector.end("SIGTERM")).toBe(0);
  expect(JSON.stringify(connector.lines) + connector.errors).not.toContain(fleet.token);
});

test("a connector goes to the next address when the first one does not answer", async () => {
  await fleet.startHub();
  const hosts = { MATRIX_HOST: `127.0.0.1:1,127.0.0.1:${fleet.port}` };
  const { healthPort } = await fleet.startConnector("c1", hosts);
  await waitFor(async () => (await ask(healthPort, "/ready")).status === 200 || undefined);
});
