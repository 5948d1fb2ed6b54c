import { connect } from "node:net";
import { createInterface } from "node:readline";
import { afterEach, beforeEach, expect, test } from "vitest";
import { HubFleet, readMetric, waitFor } from "#lib/protocol/testing/hub-fleet.ts";
import { freePort, startRedis } from "#lib/protocol/testing/relay-stack.ts";

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
