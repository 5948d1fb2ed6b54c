import { once } from "node:events";
import { type AddressInfo, connect, createServer } from "node:net";
import { createInterface } from "node:readline";
import { afterAll, afterEach, beforeEach, expect, test } from "vitest";
import { HubFleet, readMetric, waitFor } from "#lib/protocol/testing/hub-fleet.ts";
import { startRedis } from "#lib/protocol/testing/relay-stack.ts";
import { freePort } from "#lib/runtime/testing/free-port.ts";

let fleet: HubFleet;
let redis: Awaited<ReturnType<typeof startRedis>>;
let state: Record<string, string>;
const openPort = await freePort();
const server = createServer((socket) => socket.destroy()).listen(openPort, "127.0.0.1");

beforeEach(async () => {
  fleet = new HubFleet();
  const port = await freePort();
  redis = await startRedis(port);
  state = { REDIS_URL: `redis://127.0.0.1:${port}`, HUB_LEASE_MS: "1000" };
});
afterEach(async () => {
  await fleet.stop();
  await redis.end("SIGKILL");
});
afterAll(() => void server.close());

async function ask(job: string, ports = `${openPort}`) {
  const client = await fleet.connectClient();
  const body = { target: "127.0.0.1", ports, timeoutMs: 60_000, portTimeoutMs: 1_000, job };
  const answer = await client.request({ name: "scan", body }, { timeoutMs: 60_000 });
  if (answer.name !== "result") throw new Error(`got ${answer.name}`);
  return answer.body;
}

test("jobs whose hub is killed while they wait and run are done after the restart, and each counts once", async () => {
  const first = await fleet.startHub(state);
  const connector = await fleet.startConnector("c1", { MAX_CONCURRENT_SCANS: "1", CONNECTOR_MAX_RATE: "1000" });
  const runs = ask("runs", "1-5000").catch((error: Error) => error);
  await waitFor(async () => (await readMetric(connector.healthPort, "connector_scans_running")) || undefined);
  const waits = ask("waits").catch((error: Error) => error);
  await waitFor(async () => (await readMetric(fleet.healthPort, "hub_scans_waiting")) === 1 || undefined);
  await first.end("SIGKILL");
  await Promise.all([runs, waits]);
  const second = await fleet.startHub(state);
  await waitFor(async () => (await readMetric(fleet.healthPort, 'hub_jobs_total{result="ok"}')) === 2 || undefined);
  await second.end("SIGKILL");
  await fleet.startHub(state);
  expect(await ask("runs", "1-5000")).toMatchObject({ complete: true });
  expect((await ask("waits")).open).toHaveLength(1);
  expect(await readMetric(fleet.healthPort, 'hub_jobs_total{result="ok"}')).toBe(0);
});

/** Listens on as many ports, and counts how often each is connected to. */
async function listenOnMany(count: number) {
  const accepted = new Map<number, number>();
  const servers = Array.from({ length: count }, () => {
    const server = createServer((socket) => {
      const { localPort } = socket;
      if (localPort !== undefined) accepted.set(localPort, (accepted.get(localPort) ?? 0) + 1);
      socket.on("error", () => {}).destroy();
    });
    return server.listen(0, "127.0.0.1");
  });
  await Promise.all(servers.map((each) => each.listening || once(each, "listening")));
  const ports = servers.map((each) => (each.address() as AddressInfo).port).sort((a, b) => a - b);
  return { ports, accepted, close: () => servers.map((each) => each.close()) };
}

test("a hub that is killed in mid-scan costs nothing: the connector scans on, each port once, and the result comes once", async () => {
  const witness = await listenOnMany(300);
  try {
    const hub = await fleet.startHub({ ...state, HUB_LEASE_MS: "20000" });
    const connector = await fleet.startConnector("c1", { CONNECTOR_MAX_RATE: "150" });
    const lost = ask("j", witness.ports.join(",")).catch((error: Error) => error);
    await waitFor(() => witness.accepted.size > 30 || undefined);
    await hub.end("SIGKILL");
    expect(await lost).toBeInstanceOf(Error);
    expect(witness.accepted.size).toBeLessThan(300);
    await fleet.startHub({ ...state, HUB_LEASE_MS: "20000" });
    await fleet.startConnector("c2");
    const result = await ask("j", witness.ports.join(","));
    expect(result).toMatchObject({ connector: "c1", complete: true, closed: "", filtered: "", unknown: "" });
    expect(result.open.map(({ port }) => port)).toEqual(witness.ports);
    expect([...witness.accepted.values()].filter((times) => times !== 1)).toEqual([]);
    expect(await readMetric(connector.healthPort, "connector_scans_total")).toBe(1);
    expect(await readMetric(fleet.healthPort, 'hub_jobs_total{result="ok"}')).toBe(1);
    await waitFor(async () => (await readMetric(connector.healthPort, "connector_results_held")) === 0 || undefined);
  } finally {
    witness.close();
  }
});

test("a hub that is killed in mid-scan is followed by another one of its cluster, with the same scan", async () => {
  const witness = await listenOnMany(200);
  try {
    const first = await fleet.startHub({ ...state, HUB_LEASE_MS: "20000" });
    const firstPort = fleet.port;
    [fleet.port, fleet.healthPort] = [0, 0];
    await fleet.startHub({ ...state, HUB_LEASE_MS: "20000" });
    const hosts = { MATRIX_HOST: `127.0.0.1:${firstPort},127.0.0.1:${fleet.port}` };
    const connector = await fleet.startConnector("c1", { ...hosts, CONNECTOR_MAX_RATE: "100" });
    const result = ask("j", witness.ports.join(","));
    await waitFor(() => witness.accepted.size > 20 || undefined);
    await first.end("SIGKILL");
    expect(witness.accepted.size).toBeLessThan(200);
    expect(await result).toMatchObject({ connector: "c1", complete: true, closed: "", filtered: "", unknown: "" });
    expect([...witness.accepted.values()].filter((times) => times !== 1)).toEqual([]);
    expect(witness.accepted.size).toBe(200);
    expect(await readMetric(connector.healthPort, "connector_scans_total")).toBe(1);
    expect(await readMetric(fleet.healthPort, 'hub_jobs_total{result="ok"}')).toBe(1);
  } finally {
    witness.close();
  }
});

test("a result that came while no hub was there is kept by the connector until one has stored it", async () => {
  const hub = await fleet.startHub({ ...state, HUB_LEASE_MS: "20000" });
  const connector = await fleet.startConnector("c1", { CONNECTOR_MAX_RATE: "500" });
  const lost = ask("j", "1-500").catch((error: Error) => error);
  await waitFor(async () => (await readMetric(connector.healthPort, "connector_scans_running")) || undefined);
  await hub.end("SIGKILL");
  await lost;
  await waitFor(async () => (await readMetric(connector.healthPort, "connector_results_held")) || undefined);
  await fleet.startHub(state);
  expect(await ask("j", "1-500")).toMatchObject({ connector: "c1", complete: true });
  await waitFor(async () => (await readMetric(connector.healthPort, "connector_results_held")) === 0 || undefined);
  expect(await readMetric(connector.healthPort, "connector_scans_total")).toBe(1);
});

test("a hub that keeps its jobs in memory does not know them after a restart, and has the connector give them up", async () => {
  const hub = await fleet.startHub();
  const connector = await fleet.startConnector("c1", { CONNECTOR_MAX_RATE: "50" });
  const lost = ask("j", "1-5000").catch((error: Error) => error);
  await waitFor(async () => (await readMetric(connector.healthPort, "connector_scans_running")) || undefined);
  await hub.end("SIGKILL");
  await lost;
  expect(await readMetric(connector.healthPort, "connector_scans_running")).toBe(1);
  await fleet.startHub();
  await connector.logged("scan cancelled");
  expect(await readMetric(connector.healthPort, "connector_scans_running")).toBe(0);
});

test("a job whose connector is killed in the middle is done by another one, once", async () => {
  await fleet.startHub(state);
  const first = await fleet.startConnector("c1", { CONNECTOR_MAX_RATE: "50" });
  const result = ask("j", "1-3000");
  await waitFor(async () => (await readMetric(first.healthPort, "connector_scans_running")) || undefined);
  const second = await fleet.startConnector("c2");
  await first.end("SIGKILL");
  expect(await result).toMatchObject({ connector: "c2", complete: true });
  expect(await readMetric(second.healthPort, "connector_scans_total")).toBe(1);
  expect(await readMetric(fleet.healthPort, 'hub_jobs_total{result="ok"}')).toBe(1);
});

test("hub and edge killed together neither lose nor double what sensors were acknowledged", async () => {
  let hub = await fleet.startHub(state);
  const settings = { EDGE_BUFFER_DIR: `${fleet.folder}/buffer` };
  let written = 0;
  for (let round = 0; round < 2; round++) {
    const edge = await fleet.startEdge("e1", settings);
    const socket = connect(edge.socketPath).on("error", () => {});
    const before = written;
    for (; written < before + 700; written++) socket.write(`${JSON.stringify({ id: written, sensor: "s", value: 1 })}\n`);
    let acknowledged = 0;
    createInterface(socket)
      .on("line", () => (acknowledged += 1))
      .on("error", () => {});
    await waitFor(() => acknowledged === 700 || undefined);
    await Promise.all([hub.end("SIGKILL"), edge.end("SIGKILL")]);
    if (!socket.closed) await once(socket, "close").catch(() => {});
    hub = await fleet.startHub(state);
  }
  const edge = await fleet.startEdge("e1", settings);
  await waitFor(async () => (await readMetric(edge.healthPort, "edge_hub_connected")) || undefined);
  await waitFor(async () => (await readMetric(edge.healthPort, "edge_buffer_depth")) === 0 || undefined);
  await expect.poll(() => readMetric(fleet.healthPort, "hub_edge_messages_stored")).toBe(written);
  expect(await readMetric(fleet.healthPort, "hub_edge_missing_total")).toBe(0);
});
