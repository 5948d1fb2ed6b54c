import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { createInterface } from "node:readline";
import { afterEach, beforeEach, expect, test } from "vitest";
import { batchBytes, packReadings } from "#lib/protocol/hub-batch.ts";
import { HubConnection } from "#lib/protocol/hub-connection.ts";
import { type HubCredit, type HubEnvelope, maxHubPayloadBytes } from "#lib/protocol/hub-messages.ts";
import { HubFleet, readMetric, waitFor } from "#lib/protocol/testing/hub-fleet.ts";
import { startRedis } from "#lib/protocol/testing/relay-stack.ts";
import { createSelfSignedCertificate } from "#lib/runtime/certificates.ts";
import { createLogger } from "#lib/runtime/logger.ts";
import { freePort } from "#lib/runtime/testing/free-port.ts";
import { Intake } from "./batch-intake.ts";
import { HubMetrics } from "./metrics.ts";
import { HubUpstream } from "./upstream.ts";

/** The central hub with what belongs to it, and the regional one with its edges. */
let central: HubFleet;
let region: HubFleet;
beforeEach(() => {
  central = new HubFleet();
  region = new HubFleet();
});
afterEach(async () => {
  await region.stop();
  await central.stop();
});

const startRegion = () =>
  region.startHub({
    HUB_NAME: "region",
    HUB_UPSTREAM_ADDRESS: `127.0.0.1:1, 127.0.0.1:${central.port}`,
    HUB_UPSTREAM_AUTH_TOKEN: central.token,
    HUB_UPSTREAM_CA_FILE: `${central.folder}/ca.pem`,
  });
const centralCount = (name: string) => readMetric(central.healthPort, name);

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

/** The upstream of a region whose central hub acknowledges a batch when the test says so. */
async function startUpstream(credit: HubCredit) {
  const came: { numbers: [number, number]; acknowledge: () => void }[] = [];
  let connections = 0;
  const receive = ({ name, id, body }: HubEnvelope, connection: HubConnection) => {
    const welcome = { protocolVersion: 2, hub: "central", version: "test", heartbeatIntervalMs: 10_000, credit };
    if (name === "hello") connection.send({ name: "welcome", body: welcome }, { to: id });
    if (name !== "batch") return;
    const { count } = body.readings;
    const sequence = body.first + count - 1;
    const ack = { sequence, accepted: count, duplicates: 0 };
    came.push({
      numbers: [body.first, sequence],
      acknowledge: () => connection.send({ name: "ack", body: ack }, { to: id }),
    });
  };
  const server = createServer((socket: Socket) => {
    connections += 1;
    const connection: HubConnection = new HubConnection(socket, { onMessage: (message) => receive(message, connection) });
    ends.push(() => socket.destroy());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  ends.push(() => server.close());
  const hubs = [{ host: "127.0.0.1", port: (server.address() as AddressInfo).port }];
  const settings = { token: () => "secret", tls: () => false as const, timeoutMs: 20_000, name: "region", version: "test" };
  const upstream = new HubUpstream({ hubs, ...settings, logger: createLogger("hub", "silent") });
  ends.push(() => upstream.stop());
  upstream.start();
  await expect.poll(() => upstream.isAway, { timeout: 10_000 }).toBe(false);
  return { upstream, came, numbers: () => came.map(({ numbers }) => numbers), connections: () => connections };
}

const origin = { role: "edge" as const, tenant: "t", instance: "e" };
const batchOf = (first: number, count: number, value = "1") => {
  const readings = packReadings(Array.from({ length: count }, () => ({ sensor: "s", atMs: 0, value })));
  return { stream: "a", first, readings };
};

test("what waits for credit is not sent on once its sender has left", async () => {
  const { upstream, came, numbers } = await startUpstream({ readings: 10, bytes: 10_000 });
  let isThere = true;
  const first = upstream.take(origin, batchOf(1, 10));
  const left = expect(upstream.take(origin, batchOf(11, 10), () => isThere)).rejects.toMatchObject({ code: "cancelled" });
  const again = upstream.take(origin, batchOf(11, 5));
  await expect.poll(numbers, { timeout: 10_000 }).toEqual([[1, 10]]);
  isThere = false;
  came[0]?.acknowledge();
  await Promise.all([first, left]);
  await expect.poll(numbers, { timeout: 10_000 }).toEqual([
    [1, 10],
    [11, 15],
  ]);
  came[1]?.acknowledge();
  expect((await again).sequence).toBe(15);
});

test("a batch that can never be passed on is refused, and those behind it go on", async () => {
  const { upstream, came, numbers, connections } = await startUpstream({ readings: 10, bytes: 8 * 1024 * 1024 });
  const whole = batchOf(1, 1, "7".repeat(maxHubPayloadBytes - 41));
  expect(batchBytes(whole)).toBeLessThan(maxHubPayloadBytes);
  await expect(upstream.take(origin, whole)).rejects.toMatchObject({ code: "bad_message" });
  await expect(upstream.take(origin, batchOf(1, 11))).rejects.toMatchObject({ code: "busy" });
  const next = upstream.take({ ...origin, instance: "f" }, batchOf(1, 10));
  await expect.poll(numbers, { timeout: 10_000 }).toEqual([[1, 10]]);
  came[0]?.acknowledge();
  expect((await next).sequence).toBe(10);
  expect(connections()).toBe(1);
});

test("a region grants its own peers no more than the central hub takes at a time", async () => {
  const credit = { readings: 10, bytes: 2_000_000 };
  const { upstream } = await startUpstream(credit);
  const { cert } = await createSelfSignedCertificate(["127.0.0.1"]);
  const shared = { metrics: new HubMetrics("test", cert), logger: createLogger("hub", "silent") };
  expect(new Intake({ sink: upstream, ...shared }).credit).toEqual(credit);
  const least = { readings: 16_384, bytes: 1_000_000 };
  expect(new Intake({ sink: upstream, credit: least, ...shared }).credit).toEqual({ readings: 10, bytes: 1_000_000 });
});

/** Writes numbered readings, a few at a time, until it is told to stop; each is written once. */
class Sensor {
  acknowledged = 0;
  written = 0;
  #isOver = false;
  readonly #socket;

  constructor(path: string, name: string) {
    this.#socket = connect(path).on("error", () => {});
    const write = () => {
      this.written += 1;
      this.#socket.write(`${JSON.stringify({ id: this.written, sensor: name, value: this.written })}\n`);
    };
    createInterface(this.#socket).on("line", (line) => {
      expect(JSON.parse(line)).toEqual({ ack: this.acknowledged + 1 });
      this.acknowledged += 1;
      if (!this.#isOver) write();
    });
    for (let i = 0; i < 5; i++) write();
  }

  async finish(): Promise<number> {
    this.#isOver = true;
    await waitFor(() => this.acknowledged === this.written || undefined);
    this.#socket.destroy();
    return this.written;
  }
}

test("readings go from edges through a regional hub to the central one, which counts each once although it is killed twice", async () => {
  const port = await freePort();
  const redis = await startRedis(port);
  try {
    const variables = { HUB_NAME: "central", REDIS_URL: `redis://127.0.0.1:${port}` };
    let hub = await central.startHub(variables);
    await startRegion();
    const size = { EDGE_OFFLINE_BUFFER_SIZE: "1000000" };
    const edges = await Promise.all([region.startEdge("e1", size), region.startEdge("e2", { ...size, TENANT_ID: "u" })]);
    const sensors = edges.map(({ socketPath }, i) => new Sensor(socketPath, `s${i}`));
    const stored = async () => (await centralCount("hub_edge_messages_stored")) ?? 0;
    for (const _ of [1, 2]) {
      const before = await stored();
      await waitFor(async () => (await stored()) > before + 300 || undefined);
      await hub.end("SIGKILL");
      hub = await central.startHub(variables);
    }
    const written = (await Promise.all(sensors.map((sensor) => sensor.finish()))).reduce((sum, count) => sum + count, 0);
    for (const { healthPort } of edges) {
      await waitFor(async () => (await readMetric(healthPort, "edge_buffer_depth")) === 0 || undefined);
      expect(await readMetric(healthPort, "edge_dropped_total")).toBe(0);
    }
    expect(await stored()).toBe(written);
    expect(await centralCount('hub_peers{role="hub"}')).toBe(1);
  } finally {
    await redis.end("SIGKILL");
  }
}, 180_000);

test("while the central hub is away edges stay connected without credit and keep their readings", async () => {
  await central.startHub();
  const { port } = central;
  await central.stop();
  central = new HubFleet();
  central.port = port;
  await startRegion();
  const edge = await region.startEdge("e1");
  await waitFor(async () => (await readMetric(edge.healthPort, "edge_hub_connected")) || undefined);
  const sensor = new Sensor(edge.socketPath, "s");
  await waitFor(() => sensor.acknowledged > 100 || undefined);
  const written = await sensor.finish();
  expect(await readMetric(edge.healthPort, "edge_buffer_depth")).toBe(written);
  expect(await readMetric(edge.healthPort, "errors_total")).toBe(0);
  await central.startHub();
  await waitFor(async () => (await readMetric(edge.healthPort, "edge_buffer_depth")) === 0 || undefined);
  expect(await centralCount("hub_edge_messages_total")).toBe(written);
  expect(await readMetric(edge.healthPort, "handshakes_total")).toBe(1);
}, 60_000);
