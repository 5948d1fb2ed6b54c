import { once } from "node:events";
import { connect, createServer } from "node:net";
import { afterAll, afterEach, beforeEach, describe, expect, test } from "vitest";
import type { HubBody, HubError } from "#lib/protocol/hub-messages.ts";
import { ask, DaemonProcess, HubFleet, readMetric, waitFor } from "#lib/protocol/testing/hub-fleet.ts";

let fleet: HubFleet;
const servers = [23_101, 23_104, 23_105].map((port) => createServer((socket) => socket.destroy()).listen(port, "127.0.0.1"));

beforeEach(() => {
  fleet = new HubFleet();
});
afterEach(() => fleet.stop());
afterAll(() => {
  for (const server of servers) server.close();
});

function scanBody(changes: Partial<HubBody<"scan">> = {}): HubBody<"scan"> {
  return { target: "127.0.0.1", ports: "23100-23109", timeoutMs: 10_000, portTimeoutMs: 1_000, ...changes };
}

async function scan(client: Awaited<ReturnType<HubFleet["connectClient"]>>, changes: Partial<HubBody<"scan">> = {}) {
  const answer = await client.request({ name: "scan", body: scanBody(changes) }, { timeoutMs: 20_000 });
  if (answer.name !== "result") throw new Error(`got ${answer.name}`);
  return answer.body;
}

async function writeReadings(socketPath: string, from: number, to: number): Promise<void> {
  const socket = connect(socketPath);
  for (let i = from; i <= to; i++) socket.write(`${JSON.stringify({ sensor: "counter", value: i })}\n`);
  socket.end();
  await once(socket, "close");
}

const edgeMessages = () => readMetric(fleet.healthPort, "hub_edge_messages_total");

describe("a hub with connectors", () => {
  test("answers a client's scan with the true state of every port", async () => {
    await fleet.startHub();
    const connectors = await Promise.all([fleet.startConnector("c1"), fleet.startConnector("c2")]);
    const client = await fleet.connectClient();
    const result = await scan(client);
    expect(result.open.map(({ port }) => port)).toEqual([23_101, 23_104, 23_105]);
    expect(result).toMatchObject({
      address: "127.0.0.1",
      complete: true,
      closed: "23100,23102-23103,23106-23109",
      filtered: "",
      unknown: "",
    });
    await Promise.all(Array.from({ length: 12 }, () => scan(client)));
    const counts = await Promise.all(connectors.map(({ healthPort }) => readMetric(healthPort, "connector_scans_total")));
    expect((counts[0] ?? 0) + (counts[1] ?? 0)).toBe(13);
    expect(Math.min(...counts.map(Number))).toBeGreaterThan(0);
    expect(await readMetric(fleet.healthPort, 'hub_scans_total{result="ok"}')).toBe(13);
    expect(await readMetric(fleet.healthPort, 'request_duration_seconds_count{operation="scan"}')).toBe(13);
  });

  test("reports progress while a scan runs", async () => {
    await fleet.startHub();
    await fleet.startConnector("c1");
    const client = await fleet.connectClient();
    const seen: HubBody<"progress">[] = [];
    const body = scanBody({ ports: "1-65535", timeoutMs: 25_000 });
    await client.request({ name: "scan", body }, { timeoutMs: 30_000, onProgress: (progress) => seen.push(progress) });
    expect(seen.length).toBeGreaterThan(1);
    expect(seen[0]?.total).toBe(65_535);
    expect(seen.at(-1)?.scanned).toBeGreaterThan(seen[0]?.scanned ?? 0);
  });

  test("refuses a target outside the connector's allow-list, with the reason and a count", async () => {
    await fleet.startHub();
    const connector = await fleet.startConnector("c1", { CONNECTOR_ALLOW: "127.0.0.2" });
    const client = await fleet.connectClient();
    await expect(scan(client)).rejects.toThrow(/127\.0\.0\.1.*outside what this connector may scan/);
    await expect(scan(client, { target: "no-such-name.invalid" })).rejects.toThrow(/does not resolve/);
    expect(await readMetric(connector.healthPort, 'connector_scan_errors_total{reason="target_refused"}')).toBe(1);
    expect((await scan(client, { target: "127.0.0.2" })).address).toBe("127.0.0.2");
  });

  test("keeps tenants apart", async () => {
    await fleet.startHub();
    await fleet.startConnector("c1");
    const client = await fleet.connectClient("another");
    await expect(scan(client, { timeoutMs: 300 })).rejects.toMatchObject({ code: "no_connector" } satisfies Partial<HubError>);
  });

  test("comes back after kill -9: connectors are not ready while it is away, ready again after, and work", async () => {
    const hub = await fleet.startHub();
    const { healthPort } = await fleet.startConnector("c1");
    await waitFor(async () => (await ask(healthPort, "/ready")).status === 200 || undefined);
    expect(await ask(healthPort, "/ready")).toEqual({ status: 200, body: "Ready" });
    await hub.end("SIGKILL");
    await waitFor(async () => (await ask(healthPort, "/ready")).status === 503 || undefined);
    expect(await ask(healthPort, "/health")).toEqual({ status: 200, body: "OK" });
    expect(await readMetric(healthPort, "connector_hub_connected")).toBe(0);
    await fleet.startHub();
    await waitFor(async () => (await ask(healthPort, "/ready")).status === 200 || undefined);
    expect((await scan(await fleet.connectClient())).open).toHaveLength(3);
  });

  test("drains: a connector told to stop finishes its scan first, and exits 0", async () => {
    await fleet.startHub();
    const connector = await fleet.startConnector("c1");
    const client = await fleet.connectClient();
    const result = scan(client, { ports: "1-15000" });
    await waitFor(async () => (await readMetric(connector.healthPort, "connector_scans_running")) || undefined);
    const ended = connector.end("SIGTERM");
    expect(await result).toMatchObject({ complete: true, connector: "c1" });
    expect(await ended).toBe(0);
  });

  test("drains: a hub told to stop lets the scan finish, takes no new one, and exits 0", async () => {
    const hub = await fleet.startHub();
    const { healthPort } = await fleet.startConnector("c1");
    const client = await fleet.connectClient();
    const result = scan(client, { ports: "1-15000" });
    await waitFor(async () => (await readMetric(healthPort, "connector_scans_running")) || undefined);
    const ended = hub.end("SIGTERM");
    await hub.logged("stopping");
    await expect(scan(client)).rejects.toMatchObject({ code: "shutting_down" });
    expect((await result).complete).toBe(true);
    expect(await ended).toBe(0);
  });
});

describe("a hub with an edge", () => {
  test("counts what sensors write, each reading once, also those of the time when it was away", async () => {
    const hub = await fleet.startHub();
    const edge = await fleet.startEdge("e1");
    await writeReadings(edge.socketPath, 1, 100);
    await waitFor(async () => (await edgeMessages()) === 100 || undefined);
    // Counted and acknowledged: what a killed hub counted but did not acknowledge is sent, and counted by the next one, again.
    await waitFor(async () => (await readMetric(edge.healthPort, "edge_buffer_depth")) === 0 || undefined);
    await hub.end("SIGKILL");
    await waitFor(async () => (await readMetric(edge.healthPort, "edge_hub_connected")) === 0 || undefined);
    await writeReadings(edge.socketPath, 101, 1_600);
    expect(await waitFor(() => readMetric(edge.healthPort, "edge_buffer_depth"))).toBe(1_500);
    expect(await ask(edge.healthPort, "/ready")).toEqual({ status: 200, body: "READY" });
    await fleet.startHub();
    await waitFor(async () => (await readMetric(edge.healthPort, "edge_buffer_depth")) === 0 || undefined);
    expect(await edgeMessages()).toBe(1_500);
    expect(await readMetric(fleet.healthPort, "hub_edge_missing_total")).toBe(0);
    expect(await readMetric(fleet.healthPort, "hub_edge_duplicates_total")).toBe(0);
    expect(await readMetric(edge.healthPort, "edge_dropped_total")).toBe(0);
  });

  test("learns from the numbers how much a full buffer dropped", async () => {
    const hub = await fleet.startHub({ HUB_HEARTBEAT_INTERVAL_MS: "10000" });
    const edge = await fleet.startEdge("e1", { EDGE_OFFLINE_BUFFER_SIZE: "50", EDGE_CONNECTION_TIMEOUT_MS: "20000" });
    await writeReadings(edge.socketPath, 1, 10);
    await waitFor(async () => (await edgeMessages()) === 10 || undefined);
    await waitFor(async () => (await readMetric(edge.healthPort, "edge_buffer_depth")) === 0 || undefined);
    hub.child.kill("SIGSTOP");
    await writeReadings(edge.socketPath, 11, 11);
    await waitFor(async () => (await readMetric(edge.healthPort, "edge_buffer_depth")) === 1 || undefined);
    await writeReadings(edge.socketPath, 12, 211);
    await waitFor(async () => (await readMetric(edge.healthPort, "edge_readings_total")) === 211 || undefined);
    hub.child.kill("SIGCONT");
    await waitFor(async () => (await readMetric(edge.healthPort, "edge_buffer_depth")) === 0 || undefined);
    const dropped = Number(await readMetric(edge.healthPort, "edge_dropped_total"));
    expect(dropped).toBeGreaterThan(0);
    expect(await edgeMessages()).toBe(211 - dropped);
    expect(await readMetric(fleet.healthPort, "hub_edge_missing_total")).toBe(dropped);
  });

  test("the host sensor's readings are real and reach the hub by the local socket", async () => {
    await fleet.startHub();
    const edge = await fleet.startEdge("e1", { EDGE_HOST_SENSOR_INTERVAL_MS: "50" });
    await waitFor(async () => ((await edgeMessages()) ?? 0) > 6 || undefined);
    expect(await readMetric(edge.healthPort, "edge_readings_total")).toBeGreaterThan(6);
    expect(await readMetric(edge.healthPort, 'request_duration_seconds_count{operation="batch"}')).toBeGreaterThan(0);
  });

  test("a sensor is told what is wrong with a line, and the next line is taken", async () => {
    await fleet.startHub();
    const edge = await fleet.startEdge("e1");
    const socket = connect(edge.socketPath);
    const said: string[] = [];
    socket.setEncoding("utf8").on("data", (text: string) => said.push(text));
    socket.write('nonsense\n{"sensor":"","value":1}\n{"sensor":"s"}\n{"sensor":"s","value":0}\n');
    await waitFor(async () => (await edgeMessages()) === 1 || undefined);
    expect(
      said
        .join("")
        .trim()
        .split("\n")
        .map((line) => Object.keys(JSON.parse(line))),
    ).toEqual([["error"], ["error"], ["error"]]);
    socket.write("x".repeat(20_000));
    await once(socket, "close");
    expect(said.join("")).toContain("longer than 16384 bytes");
    expect(await readMetric(edge.healthPort, "edge_refused_lines_total")).toBe(4);
  });

  test("an edge told to stop hands over its buffer first, and exits 0", async () => {
    await fleet.startHub();
    const edge = await fleet.startEdge("e1");
    await waitFor(async () => (await readMetric(edge.healthPort, "edge_hub_connected")) || undefined);
    await writeReadings(edge.socketPath, 1, 3_000);
    expect(await edge.end("SIGTERM")).toBe(0);
    const taken = Number(await edgeMessages());
    expect(taken).toBeGreaterThan(0);
    expect(edge.lines.some(({ lost }) => lost !== undefined)).toBe(false);
    expect(await readMetric(fleet.healthPort, "hub_edge_missing_total")).toBe(0);
  });
});

describe("each daemon", () => {
  test.each(["hub", "edge", "connector"])("%s ends with exit code 78 and a line for each bad variable", async (service) => {
    const daemon = new DaemonProcess(service, { HEALTH_ADDRESS: "nowhere", LOCAL_ADDRESS: "x", RUST_LOG: "scanner=loud" });
    await once(daemon.child, "close");
    expect(daemon.child.exitCode).toBe(78);
    const lines = daemon.errors.trim().split("\n");
    for (const name of ["HEALTH_ADDRESS", "RUST_LOG"])
      expect(lines.filter((line) => line.startsWith(`${name}: `))).toHaveLength(1);
    expect(lines.every((line) => /^[A-Z_]+: .*wants /.test(line))).toBe(true);
  });

  test("has a health subcommand that exits 0 while it runs and 1 when it does not", async () => {
    const hub = await fleet.startHub();
    const [edge, connector] = await Promise.all([fleet.startEdge("e1"), fleet.startConnector("c1")]);
    const check = async (service: string, port: number) => {
      const settings = { HUB_AUTH_TOKEN: fleet.token, HUB_SELF_SIGNED: "true", HUB_ADDRESS: "h:1", MATRIX_HOST: "h:1" };
      const variables = { ...settings, MATRIX_TENANT_ID: "t", MATRIX_AUTH_TOKEN: "t", HEALTH_ADDRESS: `127.0.0.1:${port}` };
      const daemon = new DaemonProcess(service, variables, ["health"]);
      await once(daemon.child, "close");
      return daemon.child.exitCode;
    };
    const checks = [check("hub", fleet.healthPort), check("edge", edge.healthPort), check("connector", connector.healthPort)];
    expect(await Promise.all(checks)).toEqual([0, 0, 0]);
    await hub.end("SIGTERM");
    expect(await check("hub", fleet.healthPort)).toBe(1);
  });
});
