import { once } from "node:events";
import { type AddressInfo, connect } from "node:net";
import { createInterface } from "node:readline";
import { createServer, type TLSSocket } from "node:tls";
import { afterEach, beforeEach, expect, test } from "vitest";
import { HubConnection } from "#lib/protocol/hub-connection.ts";
import { HubFleet, readMetric, waitFor } from "#lib/protocol/testing/hub-fleet.ts";

let fleet: HubFleet;
beforeEach(() => {
  fleet = new HubFleet();
});
afterEach(() => fleet.stop());

type Said = { sensor: string; n: number };

/** A hub that writes down what it takes over, once for each stream and number; every 2,000 of them it hangs up instead of acknowledging. */
class RecordingHub {
  readonly taken: Said[] = [];
  readonly #seen = new Map<string, string>();
  readonly #sockets = new Set<TLSSocket>();
  readonly #server = createServer(fleet.certificate, (socket) => this.#accept(socket));
  repeats = 0;
  conflicts = 0;
  isAway = false;
  #hangUpAt = 2_000;

  async listen(): Promise<void> {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    fleet.port = (this.#server.address() as AddressInfo).port;
  }

  goAway(): void {
    this.isAway = true;
    for (const socket of this.#sockets) socket.destroy();
  }

  close(): void {
    this.goAway();
    this.#server.close();
  }

  #accept(socket: TLSSocket): void {
    if (this.isAway) socket.destroy();
    this.#sockets.add(socket);
    socket.on("close", () => this.#sockets.delete(socket));
    const connection = new HubConnection(socket, {
      onMessage: (message) => {
        const to = { to: message.id };
        const credit = { readings: 5_000, bytes: 1_000_000 };
        const welcome = { protocolVersion: 2, hub: "h", version: "test", heartbeatIntervalMs: 500, credit };
        if (message.name === "hello") connection.send({ name: "welcome", body: welcome }, to);
        if (message.name === "heartbeat") connection.send({ name: "heartbeat", body: {} }, to);
        if (message.name !== "batch") return;
        const { stream, first, readings } = message.body;
        let next = first;
        for (const { value } of readings) this.#take(`${stream}/${next++}`, value.toString());
        if (this.taken.length >= this.#hangUpAt) {
          this.#hangUpAt = this.taken.length + 2_000;
          return connection.destroy();
        }
        connection.send({ name: "ack", body: { sequence: next - 1, accepted: readings.count, duplicates: 0 } }, to);
      },
    });
  }

  #take(id: string, value: string): void {
    const known = this.#seen.get(id);
    this.#seen.set(id, value);
    if (known === undefined) this.taken.push(JSON.parse(value));
    else if (known === value) this.repeats += 1;
    else this.conflicts += 1;
  }
}

/** A sensor that keeps up to 100 readings on their way, and knows which ones were acknowledged. */
class Sensor {
  readonly acknowledged: number[] = [];
  readonly name: string;
  written = 0;

  constructor(name: string) {
    this.name = name;
  }

  /** Writes until the edge is gone. */
  async writeTo(path: string): Promise<void> {
    const socket = connect(path).on("error", () => {});
    const write = () => {
      const n = ++this.written;
      socket.write(`${JSON.stringify({ id: n, sensor: this.name, value: { sensor: this.name, n } })}\n`);
    };
    const answers = createInterface(socket).on("error", () => {});
    answers.on("line", (line) => {
      this.acknowledged.push(JSON.parse(line).ack);
      write();
    });
    for (let i = 0; i < 100; i++) write();
    await new Promise((resolve) => socket.on("close", resolve));
  }
}

test("kill -9 under load, three times: every acknowledged reading reaches the hub, each once, in each sensor's order", async () => {
  const hub = new RecordingHub();
  await hub.listen();
  const sensors = ["a", "b", "c", "d"].map((name) => new Sensor(name));
  const acknowledged = () => sensors.reduce((sum, sensor) => sum + sensor.acknowledged.length, 0);
  const settings = { EDGE_BUFFER_DIR: `${fleet.folder}/buffer`, EDGE_OFFLINE_BUFFER_SIZE: "1000000" };
  try {
    for (const round of [1, 2, 3]) {
      hub.isAway = false;
      const edge = await fleet.startEdge("e1", settings);
      const writing = sensors.map((sensor) => sensor.writeTo(edge.socketPath));
      const before = acknowledged();
      await waitFor(() => acknowledged() > before + 1_000 || undefined);
      if (round < 3) await waitFor(async () => (await readMetric(edge.healthPort, "edge_hub_connected")) || undefined);
      if (round === 2) hub.goAway();
      const then = acknowledged();
      await waitFor(() => acknowledged() > then + 2_000 || undefined);
      await edge.end("SIGKILL");
      await Promise.all(writing);
    }
    hub.isAway = false;
    const last = await fleet.startEdge("e1", settings);
    // Many thousands, and a hang-up for each two of them, on a machine that may be busy.
    await waitFor(async () => (await readMetric(last.healthPort, "edge_buffer_depth")) === 0 || undefined, 40_000);
    expect(await readMetric(last.healthPort, "edge_dropped_total")).toBe(0);
    for (const { name, acknowledged: wanted, written } of sensors) {
      const got = hub.taken.filter(({ sensor }) => sensor === name).map(({ n }) => n);
      const present = new Set(got);
      expect(wanted.filter((n) => !present.has(n))).toEqual([]);
      expect(got.filter((n, i) => i > 0 && n <= (got[i - 1] ?? 0))).toEqual([]);
      expect(got.length).toBeLessThanOrEqual(written);
    }
    expect(hub.conflicts).toBe(0);
    expect(hub.repeats).toBeGreaterThan(0);
    expect(await last.end("SIGTERM")).toBe(0);
  } finally {
    hub.close();
  }
}, 240_000);

test("kill -9 while the hub is away: the hub's own count has each reading once after the restart", async () => {
  const hub = await fleet.startHub();
  const settings = { EDGE_BUFFER_DIR: `${fleet.folder}/buffer`, EDGE_OFFLINE_BUFFER_SIZE: "1000000" };
  const edge = await fleet.startEdge("e1", settings);
  await waitFor(async () => (await readMetric(edge.healthPort, "edge_hub_connected")) || undefined);
  await hub.end("SIGKILL");
  const sensor = new Sensor("a");
  const writing = sensor.writeTo(edge.socketPath);
  await waitFor(() => sensor.acknowledged.length > 2_000 || undefined);
  await edge.end("SIGKILL");
  await writing;
  await fleet.startHub();
  const next = await fleet.startEdge("e1", settings);
  await waitFor(async () => (await readMetric(next.healthPort, "edge_buffer_depth")) === 0 || undefined);
  const counted = Number(await readMetric(fleet.healthPort, "hub_edge_messages_total"));
  expect(counted).toBeGreaterThanOrEqual(sensor.acknowledged.length);
  expect(counted).toBeLessThanOrEqual(sensor.written);
  expect(await readMetric(fleet.healthPort, "hub_edge_missing_total")).toBe(0);
}, 120_000);

test("an edge told to stop without a hub leaves its readings on disk for the next one", async () => {
  await fleet.startHub().then((hub) => hub.end("SIGKILL"));
  const settings = { EDGE_BUFFER_DIR: `${fleet.folder}/buffer` };
  const edge = await fleet.startEdge("e1", settings);
  const socket = connect(edge.socketPath);
  socket.end('{"id":"x","sensor":"s","value":1}\n{"id":"y","sensor":"s"}\n');
  const answers: unknown[] = [];
  for await (const line of createInterface(socket)) answers.push(JSON.parse(line));
  expect(answers).toContainEqual({ ack: "x" });
  expect(answers).toContainEqual({ error: expect.stringContaining("value"), id: "y" });
  expect(await edge.end("SIGTERM")).toBe(0);
  const next = await fleet.startEdge("e1", settings);
  expect(await readMetric(next.healthPort, "edge_buffer_depth")).toBe(1);
}, 120_000);

test("a folder for the buffer that cannot be used ends the process with exit code 78 and says so", async () => {
  await fleet.startHub();
  const folder = `${fleet.folder}/ca.pem/buffer`;
  await expect(fleet.startEdge("e1", { EDGE_BUFFER_DIR: folder })).rejects.toThrow(
    /ended with 78: EDGE_BUFFER_DIR: got ".*ca\.pem\/buffer"; wants a folder of its own \(ENOTDIR/,
  );
});
