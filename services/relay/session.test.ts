import { randomUUID } from "node:crypto";
import { EventEmitter } from "node:events";
import { setImmediate as macrotask } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { WebSocket } from "ws";
import type { ServerMessage } from "#lib/protocol/relay-messages.ts";
import { Session, type SessionContext } from "./session.ts";
import { MemoryStore, Replica } from "./testing/replicas-in-memory.ts";

const limits = {
  joinTimeoutMs: 10_000,
  maxBufferedBytes: 1000,
  heartbeatIntervalMs: 30_000,
  heartbeatTimeoutMs: 60_000,
  cursorThrottleMs: 50,
  typingDebounceMs: 500,
};

/** A connection of which the test says what has not been sent yet. */
class Socket extends EventEmitter {
  readonly OPEN = 1;
  readyState = 1;
  bufferedAmount = 0;
  readonly sent: ServerMessage[] = [];
  readonly pongs: string[] = [];
  pings = 0;
  code: number | undefined;
  isTerminated = false;

  send(data: string | Buffer, ...rest: unknown[]): void {
    this.sent.push(JSON.parse(data.toString()) as ServerMessage);
    const done = rest.at(-1);
    if (typeof done === "function") done();
  }

  ping(): void {
    this.pings += 1;
  }

  pong(data: Buffer): void {
    this.pongs.push(data.toString());
  }

  close(code: number): void {
    this.code ??= code;
  }

  terminate(): void {
    this.isTerminated = true;
  }
}

let replica: Replica;
let socket: Socket;
let session: Session;
const submitted = vi.fn<SessionContext["submit"]>();

function open(expiresAtMs = Number.MAX_VALUE, permissions: ("read" | "write")[] = ["read", "write"], actor = "a"): void {
  socket = new Socket();
  const trace = { trace_id: "", request_id: "" };
  const identity = { documentId: randomUUID(), actor, permissions, expiresAtMs, trace };
  session = new Session(socket as unknown as WebSocket, identity, { ...replica.context, submit: submitted, limits }, () => {});
}

async function join(clientId = randomUUID()): Promise<void> {
  say({ type: "join", clientId });
  await vi.waitFor(() => expect(socket.sent.at(-1)?.type).toBe("joined"));
}

const frame = Buffer.from('{"type":"operations","operations":[]}');
const say = (message: object) => socket.emit("message", Buffer.from(JSON.stringify(message)), false);
const submit = (sequence: number) => say({ type: "submit", base: 0, operations: [{ sequence, delta: [{ insert: "a" }] }] });

function passTime(ms: number, everySecond: () => void = () => {}): void {
  for (let passed = 0; passed < ms; passed += 1000) {
    vi.advanceTimersByTime(1000);
    everySecond();
    session.sweep();
  }
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date", "performance", "setTimeout", "clearTimeout"] });
  replica = new Replica("r", new MemoryStore(), () => {});
  submitted.mockReset().mockReturnValue(new Promise(() => {}));
  open();
});
afterEach(() => {
  vi.useRealTimers();
});

describe("a client that does not read", () => {
  it("is closed with 1013 as soon as more than the limit waits for it, gets nothing more, and is cut off soon after", async () => {
    await join();
    const { length } = socket.sent;
    socket.bufferedAmount = limits.maxBufferedBytes;
    session.send(frame);
    expect(socket.sent).toHaveLength(length + 1);
    expect(socket.code).toBeUndefined();
    socket.bufferedAmount += 1;
    for (let more = 0; more < 10; more += 1) session.send(frame);
    expect(socket.sent).toHaveLength(length + 1);
    expect(socket.code).toBe(1013);
    vi.advanceTimersByTime(2000);
    expect(socket.isTerminated).toBe(true);
  });

  it("does not get what is dispensable while a quarter of the limit waits for it", async () => {
    await join();
    const { length } = socket.sent;
    socket.bufferedAmount = limits.maxBufferedBytes / 4 + 1;
    session.send(frame, true);
    expect(socket.sent).toHaveLength(length);
    session.send(frame);
    expect(socket.sent).toHaveLength(length + 1);
    expect(socket.code).toBeUndefined();
  });

  it("gets no answers to its pings while more than the limit waits for it", async () => {
    await join();
    socket.emit("ping", Buffer.from("one"));
    socket.bufferedAmount = limits.maxBufferedBytes + 1;
    for (let more = 0; more < 1000; more += 1) socket.emit("ping", Buffer.from("more"));
    socket.bufferedAmount = 0;
    socket.emit("ping", Buffer.from("last"));
    expect(socket.pongs).toEqual(["one", "last"]);
  });
});

describe("a client that joins with a snapshot longer than may wait for a client", () => {
  it("gets it, and nothing else until it has been sent", async () => {
    let sent = () => {};
    const send = socket.send.bind(socket);
    socket.send = (data, ...rest) => {
      const isSnapshot = data.toString().includes('"snapshot"');
      if (!isSnapshot) return send(data, ...rest);
      socket.bufferedAmount = 16 * limits.maxBufferedBytes;
      send(data);
      sent = () => {
        socket.bufferedAmount = 0;
        const done = rest.at(-1);
        if (typeof done === "function") done();
      };
    };
    say({ type: "join", clientId: randomUUID() });
    await vi.waitFor(() => expect(socket.sent).toHaveLength(1));
    await macrotask();
    expect(socket.sent.map(({ type }) => type)).toEqual(["snapshot"]);
    sent();
    await vi.waitFor(() => expect(socket.sent.map(({ type }) => type)).toContain("joined"));
    expect(socket.code).toBeUndefined();
  });
});

describe("a client id that another user has joined with", () => {
  const clientId = randomUUID();

  it("cannot be joined with by one who may write, so that nobody acknowledges what another submits", async () => {
    await join(clientId);
    open(Number.MAX_VALUE, ["read", "write"], "mallory");
    say({ type: "join", clientId });
    await vi.waitFor(() => expect(socket.code).toBe(4400));
    submit(1);
    await macrotask();
    expect(socket.sent).toEqual([]);
    expect(submitted).not.toHaveBeenCalled();
  });

  it("is still its own user's on the next connection", async () => {
    await join(clientId);
    open();
    await join(clientId);
    expect(socket.code).toBeUndefined();
  });
});

describe("a connection", () => {
  it("is closed with 4408 when it has not joined after 10 s, not before", () => {
    passTime(10_000);
    expect(socket.code).toBeUndefined();
    passTime(1000);
    expect(socket.code).toBe(4408);
  });

  it("is asked every HEARTBEAT_INTERVAL_SECS, and cut when it was silent for longer than HEARTBEAT_TIMEOUT_SECS", async () => {
    await join();
    passTime(120_000, () => socket.pings > 3 || socket.emit("pong"));
    expect(socket.pings).toBe(4);
    expect(socket.isTerminated).toBe(false);
    passTime(60_000);
    expect(socket.isTerminated).toBe(false);
    passTime(1000);
    expect(socket.isTerminated).toBe(true);
  });

  it("is closed with 4401 at the second at which its token expires", async () => {
    open(Date.now() + 90_000);
    await join();
    passTime(89_000, () => socket.emit("pong"));
    expect(socket.code).toBeUndefined();
    passTime(1000);
    expect(socket.code).toBe(4401);
  });

  it("may have one submission under way and one that waits; a third is refused with in_flight", async () => {
    await join();
    for (const sequence of [1, 2, 3]) submit(sequence);
    await vi.waitFor(() => expect(socket.sent.at(-1)).toMatchObject({ type: "refused", sequences: [3], code: "in_flight" }));
    expect(socket.code).toBeUndefined();
  });

  it("is told overloaded when too much waits to be committed", async () => {
    submitted.mockResolvedValue({ kind: "overloaded" });
    await join();
    submit(1);
    await vi.waitFor(() => expect(socket.sent.at(-1)).toMatchObject({ type: "refused", sequences: [1], code: "overloaded" }));
  });
});
