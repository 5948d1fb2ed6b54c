import { once } from "node:events";
import { type Socket, connect as tcpConnect } from "node:net";
import { type ConnectionOptions, type TLSSocket, connect as tlsConnect } from "node:tls";
import { afterEach, describe, expect, test } from "vitest";
import { encodeFrame, FrameDecoder } from "#lib/protocol/frame.ts";
import { type BatchOrigin, type HubBatch, packReadings } from "#lib/protocol/hub-batch.ts";
import {
  decodeMessage,
  encodeMessage,
  type HubCredit,
  type HubEnvelope,
  type HubMessage,
  type HubRole,
  hubProtocolVersion,
  maxHubPayloadBytes,
} from "#lib/protocol/hub-messages.ts";
import { createSelfSignedCertificate } from "#lib/runtime/certificates.ts";
import { createFaults } from "#lib/runtime/faults.ts";
import { createLogger } from "#lib/runtime/logger.ts";
import { Intake } from "./batch-intake.ts";
import { ScanDispatcher } from "./dispatcher.ts";
import { EdgeLedger, type ReadingSink, type Taken } from "./edge-ledger.ts";
import { JobRunner } from "./jobs.ts";
import { MemoryJobs } from "./memory-jobs.ts";
import { HubMetrics } from "./metrics.ts";
import { MemoryPeers, PeerRegistry } from "./peers.ts";
import { MemoryReadings } from "./readings.ts";
import { HubServer } from "./server.ts";
import { type HubLimits, maxHelloBytes } from "./session.ts";

const certificate = await createSelfSignedCertificate(["127.0.0.1"]);
const token = "token-of-the-test";
const ends: (() => unknown)[] = [];

afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

async function startHub(limits: Partial<HubLimits> = {}, { sink, credit }: { sink?: ReadingSink; credit?: HubCredit } = {}) {
  const metrics = new HubMetrics("test", certificate.cert);
  const logger = createLogger("hub", "silent");
  const dispatcher = new ScanDispatcher();
  const hub = new HubServer({
    ...certificate,
    name: "hub",
    version: "test",
    token,
    limits: { maxConnections: 10, handshakeTimeoutMs: 300, heartbeatIntervalMs: 200, ...limits },
    dispatcher,
    jobs: new JobRunner({
      store: new MemoryJobs(),
      dispatcher,
      queueSize: 10,
      leaseMs: 5_000,
      logger,
    }),
    intake: new Intake({ sink: sink ?? new EdgeLedger(new MemoryReadings()), credit, metrics, logger }),
    peers: new PeerRegistry({ store: new MemoryPeers(), hub: "hub", heartbeatIntervalMs: 200, logger }),
    faults: createFaults({ latencyMs: 0, errorRatio: 0 }),
    metrics,
    logger,
  });
  const { port } = await hub.listen("127.0.0.1", 0);
  ends.push(() => hub.stop(0));
  const count = async (sample: string) => {
    const line = (await metrics.registry.metrics()).split("\n").find((text) => text.startsWith(`${sample} `));
    return Number(line?.slice(sample.length + 1));
  };
  const rejected = (reason: string) => count(`hub_rejected_connections_total{reason="${reason}"}`);
  return { port, count, rejected };
}

function keep<S extends Socket>(socket: S): S {
  ends.push(() => socket.destroy());
  socket.on("error", () => {});
  return socket;
}

async function connectTcp(port: number): Promise<Socket> {
  const socket = keep(tcpConnect(port, "127.0.0.1"));
  await once(socket, "connect");
  return socket;
}

async function connectTls(port: number, options: ConnectionOptions = {}): Promise<TLSSocket> {
  const socket = keep(tlsConnect({ port, host: "127.0.0.1", ca: certificate.cert, ...options }));
  await once(socket, "secureConnect");
  return socket;
}

/** Everything that the hub says until it closes the connection, and after how long that was. */
async function readToEnd(socket: Socket): Promise<{ messages: HubEnvelope[]; ms: number }> {
  const messages: HubEnvelope[] = [];
  const decoder = new FrameDecoder(maxHubPayloadBytes);
  const startedAt = performance.now();
  socket.on("data", (chunk: Buffer) => decoder.push(chunk, (frame) => messages.push(decodeMessage(frame))));
  if (!socket.closed) await once(socket, "close");
  return { messages, ms: performance.now() - startedAt };
}

function hello(role: HubRole = "client", changes: { token?: string; protocolVersion?: number; instance?: string } = {}): Buffer {
  const body = { protocolVersion: hubProtocolVersion, role, tenant: "t", instance: "i", token, version: "test", ...changes };
  return encodeMessage({ name: "hello", body }, 1);
}

function errorCodes(messages: HubEnvelope[]): string[] {
  return messages.flatMap((message) => (message.name === "error" ? [message.body.code] : []));
}

describe("before it knows a peer, the hub", () => {
  test("closes a connection that does not begin TLS in time", async () => {
    const { port, rejected } = await startHub();
    const { ms } = await readToEnd(await connectTcp(port));
    expect(ms).toBeGreaterThan(250);
    expect(ms).toBeLessThan(2_000);
    await expect.poll(() => rejected("handshake_timeout")).toBe(1);
  });

  test("closes a connection that speaks something else than TLS", async () => {
    const { port, rejected } = await startHub();
    const socket = await connectTcp(port);
    socket.write("GET / HTTP/1.1\r\n\r\n");
    await readToEnd(socket);
    await expect.poll(() => rejected("tls_failed")).toBe(1);
  });

  test("counts a port scan, but not as an error", async () => {
    const { port, rejected, count } = await startHub();
    (await connectTcp(port)).destroy();
    await expect.poll(() => rejected("no_tls")).toBe(1);
    expect(await count("errors_total")).toBe(0);
  });

  test("speaks no TLS older than 1.3", async () => {
    const { port } = await startHub();
    await expect(connectTls(port, { maxVersion: "TLSv1.2" })).rejects.toThrow(/protocol version|alert/);
    expect((await connectTls(port)).getProtocol()).toBe("TLSv1.3");
  });

  test("closes a connection that says no hello in time, with the reason", async () => {
    const { port, rejected } = await startHub();
    const { messages, ms } = await readToEnd(await connectTls(port));
    expect(errorCodes(messages)).toEqual(["handshake_timeout"]);
    expect(ms).toBeLessThan(2_000);
    expect(await rejected("handshake_timeout")).toBe(1);
  });

  test("closes a connection whose hello drips in byte by byte past the time", async () => {
    const { port } = await startHub();
    const socket = await connectTls(port);
    const bytes = hello();
    let at = 0;
    const drip = setInterval(() => socket.writable && socket.write(bytes.subarray(at, ++at)), 20);
    ends.push(() => clearInterval(drip));
    const { messages } = await readToEnd(socket);
    expect(errorCodes(messages)).toEqual(["handshake_timeout"]);
    expect(at).toBeLessThan(bytes.length);
  });

  test("refuses a first message over 4 KiB by its header, without waiting for the rest", async () => {
    const { port } = await startHub({ handshakeTimeoutMs: 10_000 });
    const socket = await connectTls(port);
    socket.write(encodeFrame({ type: 1, flags: 0, id: 1, payload: Buffer.alloc(maxHelloBytes + 1) }).subarray(0, 20));
    const { messages, ms } = await readToEnd(socket);
    expect(errorCodes(messages)).toEqual(["bad_frame"]);
    expect(ms).toBeLessThan(5_000);
  });

  test("refuses bytes that are no frame", async () => {
    const { port, rejected } = await startHub({ handshakeTimeoutMs: 10_000 });
    const socket = await connectTls(port);
    socket.write("GET / HTTP/1.1\r\nHost: hub\r\n\r\n");
    expect(errorCodes((await readToEnd(socket)).messages)).toEqual(["bad_frame"]);
    expect(await rejected("bad_message")).toBe(1);
  });

  test("takes no message but hello", async () => {
    const { port } = await startHub();
    const socket = await connectTls(port);
    socket.write(encodeMessage({ name: "heartbeat", body: {} }, 1));
    expect(errorCodes((await readToEnd(socket)).messages)).toEqual(["bad_message"]);
  });

  test.each([
    ["a wrong token", { token: "token-of-the-tesT" }, "unauthorized"],
    ["no token", { token: "" }, "unauthorized"],
    ["another protocol version", { protocolVersion: 1 }, "unsupported_version"],
  ])("refuses a hello with %s", async (_what, changes, code) => {
    const { port, count } = await startHub();
    const socket = await connectTls(port);
    socket.write(hello("client", changes));
    expect(errorCodes((await readToEnd(socket)).messages)).toEqual([code]);
    expect(await count("handshakes_total")).toBe(0);
    expect(await count("connections_active")).toBe(0);
  });

  test("holds no more connections than allowed, whoever they are", async () => {
    const { port, rejected } = await startHub({ maxConnections: 3, handshakeTimeoutMs: 10_000 });
    for (let i = 0; i < 3; i++) await connectTcp(port);
    const { ms } = await readToEnd(await connectTcp(port));
    expect(ms).toBeLessThan(5_000);
    expect(await rejected("too_many")).toBe(1);
  });
});

test("peers that come all at once are all welcomed, and none is late", async () => {
  const peers = 300;
  const { port, count, rejected } = await startHub({
    maxConnections: peers,
    handshakeTimeoutMs: 60_000,
    heartbeatIntervalMs: 60_000,
  });
  const greet = async (instance: string) => {
    const socket = await connectTls(port);
    socket.write(hello("edge", { instance }));
    const [answer] = await once(socket, "data");
    return answer;
  };
  await Promise.all(Array.from({ length: peers }, (_, index) => greet(`i${index}`)));
  expect(await count("handshakes_total")).toBe(peers);
  expect(await count('hub_peers{role="edge"}')).toBe(peers);
  for (const reason of ["handshake_timeout", "no_tls", "tls_failed", "too_many"]) expect(await rejected(reason)).toBe(0);
});

describe("of a peer that it knows, the hub", () => {
  test("cuts one that is silent for three heartbeats", async () => {
    const { port, count } = await startHub();
    const socket = await connectTls(port);
    socket.write(hello());
    const { messages, ms } = await readToEnd(socket);
    expect(messages.map(({ name }) => name)).toEqual(["welcome"]);
    expect(ms).toBeGreaterThan(550);
    expect(ms).toBeLessThan(3_000);
    expect(await count("connections_active")).toBe(0);
  });

  test("stops reading one that asks without end and reads no answer, and cuts it", async () => {
    const { port, count } = await startHub({ heartbeatIntervalMs: 500 });
    const socket = await connectTls(port);
    socket.write(hello());
    await once(socket, "data");
    socket.pause();
    const beats = Buffer.concat(Array.from({ length: 2_000 }, (_, i) => encodeMessage({ name: "heartbeat", body: {} }, i + 1)));
    let sent = 0;
    const send = () => {
      while (!socket.destroyed && sent < 200e6 && socket.writableLength < 1e6) {
        sent += beats.length;
        socket.write(beats);
      }
    };
    socket.on("drain", send);
    send();
    await expect.poll(() => count("connections_active"), { timeout: 20_000 }).toBe(0);
    const received = await count("messages_received");
    expect(received).toBeGreaterThan(1_000);
    expect(received * 22).toBeLessThan(30e6);
    expect(sent).toBeLessThan(200e6);
  });

  test("takes no scans from an edge and no batches from a connector", async () => {
    const { port } = await startHub({ heartbeatIntervalMs: 10_000 });
    const scan: HubMessage = { name: "scan", body: { target: "a", ports: "1", timeoutMs: 100, portTimeoutMs: 100 } };
    const batch = batchOf(1, 1);
    for (const [role, message] of [
      ["edge", scan],
      ["connector", batch],
    ] as const) {
      const socket = await connectTls(port);
      socket.end(Buffer.concat([hello(role), encodeMessage(message, 2)]));
      const { messages } = await readToEnd(socket);
      expect(messages.map(({ name, id }) => [name, id])).toEqual([
        ["welcome", 1],
        ["error", 2],
      ]);
      expect(errorCodes(messages)).toEqual(["not_allowed"]);
    }
  });

  test("keeps one connection an instance: the newer one", async () => {
    const { port, count } = await startHub({ heartbeatIntervalMs: 10_000 });
    const older = await connectTls(port);
    older.write(hello("connector"));
    await expect.poll(() => count("connections_active")).toBe(1);
    const newer = await connectTls(port);
    newer.write(hello("connector"));
    expect(errorCodes((await readToEnd(older)).messages)).toEqual(["replaced"]);
    await expect.poll(() => count('hub_peers{role="connector"}')).toBe(1);
    expect(newer.destroyed).toBe(false);
  });
});

/** Readings numbered in a row from `first`. */
function batchOf(first: number, count: number, origin?: BatchOrigin): HubMessage & { name: "batch" } {
  const readings = packReadings(Array.from({ length: count }, () => ({ sensor: "s", atMs: 0, value: "1" })));
  return { name: "batch", body: { stream: "s", first, readings, origin } };
}

/** Takes batches when the test says so. */
class SlowSink implements ReadingSink {
  readonly waiting: { batch: HubBatch; answer: (taken: Taken) => void; fail: (error: Error) => void }[] = [];
  isAway = false;
  #listener = () => {};

  take(_origin: BatchOrigin, batch: HubBatch): Promise<Taken> {
    return new Promise((answer, fail) => this.waiting.push({ batch, answer, fail }));
  }

  watch(listener: () => void): void {
    this.#listener = listener;
  }

  setAway(isAway: boolean): void {
    this.isAway = isAway;
    this.#listener();
  }

  answerAll(): void {
    for (const { batch, answer } of this.waiting.splice(0)) {
      const { count } = batch.readings;
      answer({ sequence: batch.first + count - 1, accepted: count, duplicates: 0 });
    }
  }
}

describe("the credit for readings", () => {
  const quiet = { heartbeatIntervalMs: 10_000 };
  const credit = { readings: 10, bytes: 100_000 };

  async function connectEdge(port: number, role: HubRole = "edge") {
    const socket = await connectTls(port);
    const messages: HubEnvelope[] = [];
    const decoder = new FrameDecoder(maxHubPayloadBytes);
    socket.on("data", (chunk: Buffer) => decoder.push(chunk, (frame) => messages.push(decodeMessage(frame))));
    socket.write(hello(role));
    await expect.poll(() => messages.map(({ name }) => name)).toEqual(["welcome"]);
    const send = (message: HubMessage, id: number) => socket.write(encodeMessage(message, id));
    const answers = () => messages.slice(1).map(({ name, id, body }) => [name, id, "code" in body ? body.code : undefined]);
    return { socket, messages, send, answers };
  }

  test("is told with the welcome, and comes back with each acknowledgement", async () => {
    const sink = new SlowSink();
    const { port } = await startHub(quiet, { sink, credit });
    const edge = await connectEdge(port);
    expect(edge.messages[0]?.body).toMatchObject({ credit });
    edge.send(batchOf(1, 6), 2);
    edge.send(batchOf(7, 4), 3);
    await expect.poll(() => sink.waiting.length).toBe(2);
    sink.answerAll();
    await expect.poll(edge.answers).toHaveLength(2);
    edge.send(batchOf(11, 10), 4);
    await expect.poll(() => sink.waiting.length).toBe(1);
    sink.answerAll();
    await expect.poll(() => edge.answers().map(([name, id]) => [name, id])).toEqual([2, 3, 4].map((id) => ["ack", id]));
  });

  test.each([
    ["readings", credit, 5],
    ["bytes", { readings: 1_000, bytes: 100 }, 5],
  ])(
    "in %s may not be overrun: the connection ends with credit_exceeded, and what was within it is taken",
    async (_in, given, count) => {
      const sink = new SlowSink();
      const { port } = await startHub(quiet, { sink, credit: given });
      const edge = await connectEdge(port);
      edge.send(batchOf(1, count), 2);
      edge.send(batchOf(6, count + 1), 3);
      edge.send(batchOf(12, 1), 4);
      await expect.poll(() => edge.socket.closed).toBe(true);
      expect(edge.answers()).toEqual([
        ["error", 3, "credit_exceeded"],
        ["error", 0, "credit_exceeded"],
      ]);
      expect(sink.waiting.map(({ batch }) => batch.first)).toEqual([1]);
    },
  );

  test("is withheld while readings cannot be stored, and given once they can", async () => {
    const sink = new SlowSink();
    const { port } = await startHub(quiet, { sink, credit });
    const edge = await connectEdge(port);
    sink.setAway(true);
    await expect.poll(() => edge.messages.at(-1)?.body).toEqual({ readings: 0, bytes: 0 });
    const late = await connectEdge(port, "client");
    expect(late.messages[0]?.body).toMatchObject({ credit: { readings: 0, bytes: 0 } });
    sink.setAway(false);
    for (const { messages } of [edge, late])
      await expect.poll(() => messages.at(-1)).toMatchObject({ name: "credit", body: credit });
    late.send(batchOf(1, 10), 2);
    await expect.poll(() => sink.waiting.length).toBe(1);
  });

  test("that was never given may not be used", async () => {
    const sink = new SlowSink();
    sink.isAway = true;
    const { port } = await startHub(quiet, { sink, credit });
    const edge = await connectEdge(port);
    edge.send(batchOf(1, 1), 2);
    await expect.poll(() => edge.socket.closed).toBe(true);
    expect(edge.answers()).toContainEqual(["error", 2, "credit_exceeded"]);
    expect(sink.waiting).toEqual([]);
  });

  test("ends with a batch that is not taken: none after it is, so that the peer can send all of them again", async () => {
    const sink = new SlowSink();
    const { port } = await startHub(quiet, { sink, credit });
    const edge = await connectEdge(port);
    edge.send(batchOf(1, 2), 2);
    await expect.poll(() => sink.waiting.length).toBe(1);
    sink.waiting[0]?.fail(new Error("the store is away"));
    await expect.poll(edge.answers).toContainEqual(["error", 2, "busy"]);
    edge.send(batchOf(3, 2), 3);
    await expect.poll(() => edge.socket.closed).toBe(true);
    expect(sink.waiting).toHaveLength(1);
  });
});

describe("readings that a peer passes on for another one", () => {
  const foreign: BatchOrigin = { role: "edge", tenant: "another", instance: "e9" };

  test.each([
    ["an edge for another tenant", "edge", foreign, "not_allowed"],
    ["an edge for its own tenant", "edge", { ...foreign, tenant: "t" }, undefined],
    ["a hub for any tenant", "hub", foreign, undefined],
    ["a hub without saying for whom", "hub", undefined, "not_allowed"],
  ] as const)("%s", async (_what, role, origin, code) => {
    const { port } = await startHub({ heartbeatIntervalMs: 10_000 });
    const socket = await connectTls(port);
    socket.end(Buffer.concat([hello(role), encodeMessage(batchOf(1, 2, origin), 2)]));
    const { messages } = await readToEnd(socket);
    expect(messages.find(({ id }) => id === 2)).toMatchObject(code ? { body: { code } } : { name: "ack", body: { accepted: 2 } });
  });
});
