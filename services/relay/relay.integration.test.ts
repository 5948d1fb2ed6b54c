import { randomUUID } from "node:crypto";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { RelayClient, type RelayClientOptions } from "#lib/protocol/relay-client.ts";
import { textOf } from "#lib/protocol/relay-delta.ts";
import { eventually, type RelayStack, startRelayStack, type TestRelay } from "#lib/protocol/testing/relay-stack.ts";

let stack: RelayStack;
let first: TestRelay;
let second: TestRelay;
const clients: RelayClient[] = [];

beforeAll(async () => {
  stack = await startRelayStack();
  [first, second] = await Promise.all([
    stack.startRelay({ RELAY_VERSION: "2.1.0", RUST_LOG: "info,relay=debug", TOKIO_WORKER_THREADS: "4" }),
    stack.startRelay({ RELAY_VERSION: "2.1.0" }),
  ]);
});

afterAll(async () => {
  await Promise.all(clients.map((client) => client.stop()));
  await stack?.stop();
});

function openClient(relay: TestRelay, documentId: string, options: Partial<RelayClientOptions> = {}): RelayClient {
  const backoff = { initialMs: 20, maxMs: 200 };
  const client = new RelayClient({ url: relay.url, documentId, token: () => stack.token(), backoff, ...options });
  clients.push(client);
  client.start();
  return client;
}

async function storedOperations(documentId: string): Promise<{ client_id: string; sequence: number; revision: number }[]> {
  const database = new pg.Client(stack.postgres.url);
  await database.connect();
  try {
    const { rows } = await database.query(
      "SELECT client_id, sequence::int, revision::int FROM operations WHERE document_id = $1 ORDER BY revision",
      [documentId],
    );
    return rows;
  } finally {
    await database.end();
  }
}

describe("the relay's ports", () => {
  it("answer /health and /ready with the bodies of the guide", async () => {
    const health = await fetch(`${first.httpUrl}/health`);
    expect(health.status).toBe(200);
    expect(await health.json()).toEqual({
      status: "healthy",
      version: "2.1.0",
      uptime_seconds: expect.any(Number),
      active_connections: 0,
      active_documents: 0,
    });
    const ready = await fetch(`${first.httpUrl}/ready`);
    expect(await ready.json()).toEqual({ status: "ready", checks: { database: "ok", redis: "ok", jwt_keys: "ok" } });
    expect(ready.status).toBe(200);
  });

  it("serve the metrics of the guide on a port of their own", async () => {
    const text = await (await fetch(first.metricsUrl)).text();
    expect(text).toContain('materi_websocket_connections_active{document_id="other"} 0');
    expect(text).toContain('materi_operations_processed_total{operation_type="insert",status="error"} 0');
    expect(text).toContain('materi_operation_latency_seconds_bucket{le="0.025"} 0');
    expect(text).toContain("materi_presence_broadcasts_total 0");
    expect(text).toContain("process_resident_memory_bytes");
    expect((await fetch(`${first.httpUrl}/metrics`)).status).toBe(404);
  });

  it("tell which variables of the Rust runtime have no effect", () => {
    expect(first.process.output()).toContain("TOKIO_WORKER_THREADS");
  });
});

describe("a document on two replicas", () => {
  it("brings an acknowledged operation of one client to the others, on both replicas", async () => {
    const documentId = randomUUID();
    const [writer, near, far] = [openClient(first, documentId), openClient(first, documentId), openClient(second, documentId)];
    await eventually(() => [writer, near, far].every((client) => client.isLive));
    const { revision } = await writer.insert(0, "hello");
    expect(revision).toBe(1);
    await eventually(() => near.text === "hello" && far.text === "hello");
    await far.format(0, 5, { bold: true });
    await eventually(() => writer.revision === 2);
    expect(writer.confirmed).toEqual([{ insert: "hello", attributes: { bold: true } }]);
    expect(await storedOperations(documentId)).toHaveLength(2);
  });

  it("converges when many clients write at the same time", async () => {
    const documentId = randomUUID();
    const writers = [first, second, first, second].map((relay) => openClient(relay, documentId));
    await Promise.all(
      writers.map(async (client, number) => {
        await Promise.all(
          Array.from({ length: 50 }, (_, index) =>
            index % 5 === 4 ? client.delete(index % 7, 2) : client.insert((index * 7) % 11, `${number}${index},`),
          ),
        );
      }),
    );
    await eventually(() => writers.every((client) => client.revision === 200));
    expect(new Set(writers.map((client) => JSON.stringify(client.confirmed))).size).toBe(1);
    const stored = await storedOperations(documentId);
    expect(stored.map(({ revision }) => revision)).toEqual(Array.from({ length: 200 }, (_, index) => index + 1));
    expect(new Set(stored.map(({ client_id, sequence }) => `${client_id}:${sequence}`)).size).toBe(200);
  });

  it("keeps its clients and serves readers when Redis is away, is not ready, and refuses writes after a while", async () => {
    const documentId = randomUUID();
    const [writer, far] = [openClient(first, documentId), openClient(second, documentId)];
    await eventually(() => writer.isLive && far.isLive);
    await writer.insert(0, "with redis");
    await eventually(() => far.text === "with redis");
    const ends: number[] = [];
    for (const client of [writer, far]) client.on("disconnected", ({ code }) => ends.push(code));
    await stack.redis.end();
    await eventually(async () => (await fetch(`${first.httpUrl}/ready`)).status === 503);
    const ready = await fetch(`${first.httpUrl}/ready`);
    expect(await ready.json()).toEqual({ status: "not_ready", checks: { database: "ok", redis: "error", jwt_keys: "ok" } });
    await expect(writer.insert(0, "without redis, ")).rejects.toMatchObject({ code: "unavailable" });
    const reader = openClient(second, documentId);
    await eventually(() => reader.text === "with redis");
    await stack.redis.start();
    await eventually(async () => (await fetch(`${first.httpUrl}/ready`)).ok && (await fetch(`${second.httpUrl}/ready`)).ok);
    await writer.insert(0, "again ");
    await eventually(() => [writer, far, reader].every(({ text }) => text === "again with redis"));
    expect(ends).toEqual([]);
  });

  it("gives a client that joins late the whole document, from the snapshot on", async () => {
    const documentId = randomUUID();
    const writer = openClient(first, documentId);
    await Promise.all(Array.from({ length: 620 }, (_, index) => (index < 600 ? writer.insert(0, "x") : writer.delete(0, 20))));
    const late = openClient(second, documentId);
    const seen: number[] = [];
    late.on("operation", ({ revision }) => seen.push(revision));
    const snapshot = new Promise<number>((resolve) => late.on("snapshot", ({ revision }) => resolve(revision)));
    await eventually(() => late.revision === 620);
    expect(late.text).toBe("x".repeat(200));
    expect(await snapshot).toBeGreaterThanOrEqual(500);
    const next = (await snapshot) + 1;
    expect(seen).toEqual(Array.from({ length: 621 - next }, (_, index) => next + index));
  });
});

describe("a relay that dies", () => {
  it("has committed what it acknowledged, and clients go on elsewhere without loss or doubling", async () => {
    const documentId = randomUUID();
    const doomed = await stack.startRelay();
    let current = doomed.url;
    const writer = openClient(doomed, documentId, {});
    const moving = new RelayClient({
      get url() {
        return current;
      },
      documentId,
      token: () => stack.token(),
      backoff: { initialMs: 20, maxMs: 200 },
    });
    clients.push(moving);
    moving.start();
    await eventually(() => writer.isLive && moving.isLive);
    const acknowledged: number[] = [];
    const submitted = Array.from({ length: 300 }, (_, index) =>
      moving.insert(0, `${index} `).then(({ sequence }) => acknowledged.push(sequence)),
    );
    await eventually(() => acknowledged.length >= 64);
    await doomed.process.end("SIGKILL");
    const before = new Set(acknowledged);
    const stored = await storedOperations(documentId);
    for (const sequence of before) expect(stored.some((row) => row.sequence === sequence)).toBe(true);
    current = second.url;
    await Promise.all(submitted);
    const all = await storedOperations(documentId);
    expect(all.map(({ sequence }) => sequence)).toEqual(Array.from({ length: 300 }, (_, index) => index + 1));
    expect(textOf(moving.confirmed).split(" ").length).toBe(301);
  });

  it("waits for PostgreSQL to come back and then commits", async () => {
    const documentId = randomUUID();
    const writer = openClient(first, documentId);
    await eventually(() => writer.isLive);
    await stack.postgres.stop();
    const waiting = writer.insert(0, "patience");
    await eventually(async () => (await (await fetch(`${first.httpUrl}/ready`)).json()).checks.database === "error");
    await stack.postgres.start();
    expect(await waiting).toEqual({ sequence: 1, revision: 1 });
    await eventually(async () => (await fetch(`${first.httpUrl}/ready`)).ok && (await fetch(`${second.httpUrl}/ready`)).ok);
  });

  it("survives a crash of PostgreSQL in the middle of a batch, and commits the batch when it is back", async () => {
    const documentId = randomUUID();
    const writer = openClient(first, documentId);
    await writer.insert(0, "a");
    const database = new pg.Client(stack.postgres.url);
    database.on("error", () => {});
    await database.connect();
    await database.query("BEGIN");
    await database.query("SELECT 1 FROM documents WHERE id = $1 FOR UPDATE", [documentId]);
    const waiting = writer.insert(1, "b");
    const blocked = "SELECT pid FROM pg_stat_activity WHERE application_name = 'relay' AND wait_event_type = 'Lock'";
    const pid = await eventually(async () => (await database.query<{ pid: number }>(blocked)).rows[0]?.pid);
    process.kill(pid ?? 0, "SIGKILL");
    expect(await waiting).toEqual({ sequence: 2, revision: 2 });
    await eventually(async () => (await fetch(`${first.httpUrl}/ready`)).ok && (await fetch(`${second.httpUrl}/ready`)).ok);
    expect(first.process.output()).not.toContain("uncaught error");
  });

  it("takes new clients with the keys that it has while the issuer is away", async () => {
    const token = await stack.token();
    stack.issuer.process.child.kill("SIGSTOP");
    try {
      const client = openClient(first, randomUUID(), { token: async () => token });
      await eventually(() => client.isLive, 3000);
    } finally {
      stack.issuer.process.child.kill("SIGCONT");
    }
  });

  it("makes its schema again when the database was replaced by an empty one, and has its clients start again", async () => {
    const documentId = randomUUID();
    const writer = openClient(first, documentId);
    await writer.insert(0, "of the old database");
    const database = new pg.Client(stack.postgres.url);
    await database.connect();
    await database.query("DROP TABLE operations, documents, document_clients, relay_migrations");
    await database.end();
    await eventually(async () => (await storedOperations(documentId)).length === 0);
    await eventually(() => writer.isLive && writer.text === "");
    expect(await writer.insert(0, "new")).toEqual({ sequence: 2, revision: 1 });
    await eventually(async () => (await fetch(`${first.httpUrl}/ready`)).ok && (await fetch(`${second.httpUrl}/ready`)).ok);
  });

  it("drains on SIGTERM: not ready, a notice to its clients, exit 0", async () => {
    const documentId = randomUUID();
    const leaving = await stack.startRelay();
    const stays = await openRawJoin(leaving, documentId);
    const ended = leaving.process.end("SIGTERM");
    await eventually(() => stays.messages.some(({ type }) => type === "shutdown"));
    const ready = await fetch(`${leaving.httpUrl}/ready`);
    expect(ready.status).toBe(503);
    expect(await ready.json()).toMatchObject({ status: "not_ready", checks: { accepting: "error" } });
    stays.socket.close();
    expect(await ended).toBe(0);
  });
});

describe("faults on demand", () => {
  it("refuse a share of the operations before they are committed, and count them as errors", async () => {
    const documentId = randomUUID();
    const faulty = await stack.startRelay({ FAULT_ERROR_RATIO: "0.5" });
    const writer = openClient(faulty, documentId);
    let refused = 0;
    for (let index = 0; index < 40; index += 1) {
      await writer.insert(0, "a").catch((error: { code: string }) => {
        expect(error.code).toBe("injected_fault");
        refused += 1;
      });
    }
    expect(refused).toBeGreaterThan(5);
    expect(refused).toBeLessThan(35);
    expect(await storedOperations(documentId)).toHaveLength(40 - refused);
    expect(writer.text).toBe("a".repeat(40 - refused));
    const metrics = await (await fetch(faulty.metricsUrl)).text();
    expect(metrics).toContain(`materi_operations_processed_total{operation_type="insert",status="error"} ${refused}`);
    expect(metrics).toContain(`materi_operations_processed_total{operation_type="insert",status="ok"} ${40 - refused}`);
    expect(metrics).toContain(`materi_operation_latency_seconds_count ${40 - refused}`);
    expect(metrics).toContain(`materi_websocket_connections_active{document_id="${documentId}"} 1`);
  });
});

async function openRawJoin(relay: TestRelay, documentId: string) {
  const { WebSocket } = await import("ws");
  const socket = new WebSocket(`${relay.url}/collab?document=${documentId}`, ["relay.v1", `bearer.${await stack.token()}`]);
  const messages: { type: string }[] = [];
  socket.on("message", (data) => messages.push(JSON.parse(data.toString())));
  socket.on("open", () => socket.send(JSON.stringify({ type: "join", clientId: randomUUID() })));
  await eventually(() => messages.some(({ type }) => type === "joined"));
  return { socket, messages };
}
