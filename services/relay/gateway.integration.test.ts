import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { WebSocket } from "ws";
import { eventually } from "#lib/protocol/testing/relay-stack.ts";
import type { TokenVerifier } from "./auth.ts";
import { Gateway } from "./gateway.ts";
import { RateLimiter } from "./rate-limiter.ts";
import { MemoryStore, Replica } from "./testing/replicas-in-memory.ts";

const maxConnections = 2;
/** Beside those of clients, for health checks and refusals. */
const spare = 256;

let gateway: Gateway;
let replica: Replica;
let port: number;
const sockets: { destroy: () => void }[] = [];

beforeEach(async () => {
  replica = new Replica("r", new MemoryStore(), () => {});
  const verifier = { verify: async (sub: string) => ({ sub, exp: 1e10, documents: { "*": ["read", "write"] } }) };
  gateway = new Gateway({
    handlers: {},
    verifier: verifier as unknown as TokenVerifier,
    context: replica.context,
    upgradeRate: new RateLimiter({ perSecond: 1e6, burstSeconds: 1 }),
    limits: { maxConnections, maxConnectionsPerUser: 1, maxMessageBytes: 1000, headersTimeoutMs: 500 },
  });
  ({ port } = await gateway.listen("127.0.0.1", 0));
});

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await gateway.stop();
});

async function join(user = "any") {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/collab?document=${randomUUID()}`, ["relay.v1", `bearer.${user}`]);
  sockets.push({ destroy: () => socket.terminate() });
  const types: string[] = [];
  socket.on("message", (data) => types.push((JSON.parse(data.toString()) as { type: string }).type));
  socket.on("open", () => socket.send(JSON.stringify({ type: "join", clientId: randomUUID() })));
  const closed = new Promise<number>((resolve) => socket.on("close", resolve));
  await eventually(() => types.includes("joined"));
  return { socket, types, closed };
}

function openRaw(): { socket: Socket; isClosed: () => boolean } {
  const socket = connect(port, "127.0.0.1");
  sockets.push(socket);
  let isClosed = false;
  socket.on("error", () => {});
  socket.on("close", () => {
    isClosed = true;
  });
  socket.resume();
  return { socket, isClosed: () => isClosed };
}

describe("draining", () => {
  it("tells the clients, waits, and closes those that stay with 1001; what they submitted before has its outcome", async () => {
    const client = await join();
    client.socket.send('{"type":"submit","base":0,"operations":[{"sequence":1,"delta":[{"insert":"a"}]}]}');
    await eventually(() => !replica.isQuiet);
    const drained = gateway.drain(200);
    await eventually(() => client.types.includes("shutdown"));
    replica.commit();
    expect(await client.closed).toBe(1001);
    expect(client.types).toContain("operations");
    await drained;
    expect(gateway.connectionCount).toBe(0);
  });

  it("cuts a client that does not even answer the close", async () => {
    const client = await join();
    client.socket.pause();
    await gateway.drain(100);
    await eventually(() => gateway.connectionCount === 0);
  });
});

describe("before a client is known", () => {
  it("connections that say nothing are cut, and there are never more than the limit and some to spare", async () => {
    const silent = Array.from({ length: maxConnections + spare + 40 }, () => openRaw());
    const closed = () => silent.filter(({ isClosed }) => isClosed()).length;
    await eventually(() => closed() >= 40);
    await eventually(() => closed() === silent.length, 30_000);
    await join();
  });

  it("a target that is no URL is answered with 400, and no error is logged", async () => {
    const logged = vi.spyOn(replica.context.logger, "error");
    expect((await fetch(`http://127.0.0.1:${port}//`)).status).toBe(400);
    const socket = new WebSocket(`ws://127.0.0.1:${port}//`, ["relay.v1"]);
    await expect(once(socket, "open")).rejects.toThrow("400");
    expect(logged).not.toHaveBeenCalled();
  });

  it("pings and messages before the join are bounded like any others", async () => {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/collab?document=${randomUUID()}`, ["relay.v1", "bearer.any"]);
    sockets.push({ destroy: () => socket.terminate() });
    const closed = new Promise<number>((resolve) => socket.on("close", resolve));
    socket.on("open", () => {
      socket.ping("a");
      socket.send("x".repeat(1001));
    });
    expect(await closed).toBe(1009);
  });
});

describe("a user", () => {
  it("is refused the connection past its limit with 429, others are not, and it has one again when one has gone", async () => {
    const first = await join("alice");
    const second = new WebSocket(`ws://127.0.0.1:${port}/collab?document=${randomUUID()}`, ["relay.v1", "bearer.alice"]);
    sockets.push({ destroy: () => second.terminate() });
    await expect(once(second, "open")).rejects.toThrow("429");
    await join("bob");
    first.socket.close();
    await eventually(() => gateway.connectionCount === 1);
    await join("alice");
  });
});

describe("a client that floods the relay with pings and reads no answer", () => {
  it("costs a bounded number of bytes", async () => {
    const before = await join();
    before.socket.close();
    const raw = openRaw();
    raw.socket.write(
      [
        `GET /collab?document=${randomUUID()} HTTP/1.1`,
        "Host: relay",
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Protocol: relay.v1, bearer.flood",
        "\r\n",
      ].join("\r\n"),
    );
    await eventually(() => gateway.connectionCount === 1);
    raw.socket.pause();
    // A masked ping of 125 zero bytes, the mask zero too, many times over.
    const ping = Buffer.concat([Buffer.from([0x89, 0xfd, 0, 0, 0, 0]), Buffer.alloc(125)]);
    const pings = Buffer.concat(Array.from({ length: 500 }, () => ping));
    const held = () => process.memoryUsage().external + process.memoryUsage().heapUsed;
    const start = held();
    for (let sent = 0; sent < 40 * 1024 * 1024; sent += pings.length) {
      if (!raw.socket.write(pings)) await new Promise((resolve) => raw.socket.once("drain", resolve));
    }
    expect(held() - start).toBeLessThan(64 * 1024 * 1024);
  });
});
