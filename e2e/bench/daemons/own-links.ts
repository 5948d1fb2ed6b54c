import { once } from "node:events";
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { packReadings, type ReadingBlock } from "#lib/protocol/hub-batch.ts";
import { HubClient } from "#lib/protocol/hub-client.ts";
import { HubConnection } from "#lib/protocol/hub-connection.ts";
import type { HubBody } from "#lib/protocol/hub-messages.ts";
import { type HubFleet, readMetric, waitFor } from "#lib/protocol/testing/hub-fleet.ts";
import { createLogger } from "#lib/runtime/logger.ts";
import type { Link } from "./link-peers.ts";

const timeoutMs = 60_000;
/** Below 128 KiB, from which on each buffer is a mapping of its own. */
const mostBytesOfBatch = 64 * 1024;
const mostReadingsOfBatch = 1_000;

/** Clients of role edge -> hub over TLS, in batches that the hub acknowledges. */
export async function startHubLink(fleet: HubFleet, connections = 1): Promise<Link> {
  const senders = await Promise.all(
    Array.from({ length: connections }, (_, index) => BatchSender.connect(fleet, `bench-${index}`)),
  );
  return {
    pids: [],
    async send(count, payloadBytes) {
      const startedAt = performance.now();
      await Promise.all(senders.map((sender) => sender.send(Math.round(count / connections), payloadBytes)));
      return (performance.now() - startedAt) / 1000;
    },
    end() {
      for (const sender of senders) void sender.client.stop();
    },
  };
}

class BatchSender {
  readonly client: HubClient;
  readonly #stream = crypto.randomUUID();
  readonly #credit: { readings: number };
  #first = 1;

  private constructor(client: HubClient, credit: { readings: number }) {
    this.client = client;
    this.#credit = credit;
  }

  static async connect(fleet: HubFleet, instance: string): Promise<BatchSender> {
    const welcomed = Promise.withResolvers<HubBody<"welcome">>();
    const client = new HubClient({
      hubs: [{ host: "127.0.0.1", port: fleet.port }],
      hello: { role: "edge", tenant: "t", instance, version: "bench", token: () => fleet.token },
      tls: { ca: fleet.certificate.cert },
      connectTimeoutMs: 30_000,
      logger: createLogger("bench", "silent"),
      onConnect: welcomed.resolve,
    });
    client.start();
    return new BatchSender(client, (await welcomed.promise).credit ?? { readings: mostReadingsOfBatch });
  }

  /** Keeps as many batches on the way as half of the credit allows. */
  async send(count: number, payloadBytes: number): Promise<void> {
    const size = batchSize(payloadBytes);
    const atOnce = Math.max(1, Math.min(8, Math.floor(this.#credit.readings / 2 / size)));
    const end = this.#first + count;
    const work = async () => {
      while (this.#first < end) {
        const readings = readingsOf(Math.min(size, end - this.#first), payloadBytes);
        const body = { stream: this.#stream, first: this.#first, readings };
        this.#first += readings.count;
        await this.client.request({ name: "batch", body }, { timeoutMs });
      }
    };
    await Promise.all(Array.from({ length: atOnce }, work));
  }
}

/** Sensor -> edge over its Unix socket, in frames that the edge acknowledges -> hub over TLS, in batches that the hub acknowledges. */
export async function startEdgeLink(fleet: HubFleet, socketPath: string): Promise<Link> {
  const socket = connect(socketPath);
  await once(socket, "connect");
  const connection = new HubConnection(socket, { onMessage: () => {} });
  return {
    pids: [],
    async send(count, payloadBytes) {
      const target = (await readCounted(fleet)) + count;
      const size = batchSize(payloadBytes);
      const startedAt = performance.now();
      let left = count;
      const work = async () => {
        while (left > 0) {
          const readings = readingsOf(Math.min(size, left), payloadBytes);
          left -= readings.count;
          await connection.request({ name: "readings", body: { readings } }, { timeoutMs });
        }
      };
      await Promise.all(Array.from({ length: 8 }, work));
      await untilCounted(fleet, target);
      return (performance.now() - startedAt) / 1000;
    },
    end: () => connection.destroy(),
  };
}

/** The same with lines of JSON that ask for no answer. */
export async function startLineLink(fleet: HubFleet, socketPath: string): Promise<Link> {
  const socket = connect(socketPath).on("error", () => {});
  await once(socket, "connect");
  return {
    pids: [],
    async send(count, payloadBytes) {
      const target = (await readCounted(fleet)) + count;
      const line = `{"sensor":"s","value":${jsonOf(payloadBytes)}}\n`;
      const startedAt = performance.now();
      for (let sent = 0; sent < count; sent += 100) if (!socket.write(line.repeat(100))) await once(socket, "drain");
      await untilCounted(fleet, target);
      return (performance.now() - startedAt) / 1000;
    },
    end: () => void socket.destroy(),
  };
}

/** Messages of edges that the hub has counted since it started, each once. */
export async function readCounted(fleet: HubFleet): Promise<number> {
  return (await readMetric(fleet.healthPort, "hub_edge_messages_total")) ?? 0;
}

/** To some 10 ms. */
export async function untilCounted(fleet: HubFleet, target: number): Promise<void> {
  await waitFor(async () => {
    const counted = await readCounted(fleet);
    if (counted > target) throw new Error(`the hub counted ${counted - target} messages more than were sent`);
    return counted === target || (await sleep(5));
  });
}

function batchSize(payloadBytes: number): number {
  return Math.max(1, Math.min(mostReadingsOfBatch, Math.floor(mostBytesOfBatch / (payloadBytes + 12))));
}

function readingsOf(count: number, payloadBytes: number): ReadingBlock {
  const reading = { sensor: "s", atMs: Date.now(), value: jsonOf(payloadBytes) };
  return packReadings(Array.from({ length: count }, () => reading));
}

/** JSON of so many bytes. */
function jsonOf(bytes: number): string {
  return `"${"x".repeat(bytes - 2)}"`;
}
