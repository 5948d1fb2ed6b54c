import { randomUUID } from "node:crypto";
import { connect, type Socket } from "node:net";
import { generateKeyPair, SignJWT, UnsecuredJWT } from "jose";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import type { DocumentPermissions } from "#lib/protocol/relay-token.ts";
import { eventually, type RelayStack, startProcess, startRelayStack, type TestRelay } from "#lib/protocol/testing/relay-stack.ts";

let stack: RelayStack;
let relay: TestRelay;
const open: { destroy: () => void }[] = [];

beforeAll(async () => {
  stack = await startRelayStack();
  relay = await stack.startRelay({ MAX_CONNECTIONS: "5", HEARTBEAT_INTERVAL_SECS: "1", HEARTBEAT_TIMEOUT_SECS: "3" });
});

afterAll(async () => {
  for (const socket of open) socket.destroy();
  await stack?.stop();
});

/** A raw connection: what it received so far, and whether the other side ended it. */
function openRaw(port = relay.port): { socket: Socket; received: () => string; closed: Promise<number> } {
  const socket = connect(port, "127.0.0.1");
  open.push(socket);
  let received = "";
  socket.on("data", (chunk) => {
    received += chunk.toString("latin1");
  });
  socket.on("error", () => {});
  const startedAt = performance.now();
  const closed = new Promise<number>((resolve) => socket.on("close", () => resolve(performance.now() - startedAt)));
  return { socket, received: () => received, closed };
}

async function upgrade(options: { token?: string; path?: string; port?: number }): Promise<string> {
  const raw = openRaw(options.port);
  raw.socket.write(
    [
      `GET ${options.path ?? `/collab?document=${randomUUID()}`} HTTP/1.1`,
      "Host: relay",
      "Connection: Upgrade",
      "Upgrade: websocket",
      "Sec-WebSocket-Version: 13",
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
      ...(options.token === undefined ? [] : [`Authorization: Bearer ${options.token}`]),
      "\r\n",
    ].join("\r\n"),
  );
  await eventually(() => raw.received().includes("\r\n\r\n"));
  raw.socket.destroy();
  return raw.received();
}

async function openSocket(token?: string, documentId: string = randomUUID(), url = relay.url) {
  const headers = { authorization: `Bearer ${token ?? (await stack.token())}` };
  const socket = new WebSocket(`${url}/collab?document=${documentId}`, ["relay.v1"], { headers });
  open.push({ destroy: () => socket.terminate() });
  const messages: Record<string, unknown>[] = [];
  socket.on("message", (data) => messages.push(JSON.parse(data.toString())));
  socket.on("error", () => {});
  const closed = new Promise<{ code: number; reason: string }>((resolve) =>
    socket.on("close", (code, reason) => resolve({ code, reason: reason.toString() })),
  );
  await new Promise((resolve, reject) => {
    socket.once("open", resolve);
    socket.once("unexpected-response", (_, response) => reject(new Error(`refused with ${response.statusCode}`)));
  });
  const send = (message: object) => socket.send(JSON.stringify(message));
  const join = async () => {
    send({ type: "join", clientId: randomUUID() });
    await eventually(() => messages.some(({ type }) => type === "joined"));
  };
  return { socket, messages, closed, send, join };
}

async function connectionCount(): Promise<number> {
  return ((await (await fetch(`${relay.httpUrl}/health`)).json()) as { active_connections: number }).active_connections;
}

describe("an upgrade is refused", () => {
  it("without a token, and with one that is not a token", async () => {
    expect(await upgrade({})).toMatch(/^HTTP\/1.1 401 .*WWW-Authenticate: Bearer/s);
    expect(await upgrade({ token: "abc" })).toMatch(/^HTTP\/1.1 401 /);
    expect(await upgrade({ token: "x".repeat(6145) })).toMatch(/^HTTP\/1.1 401 .*the token is too long/s);
  });

  it("with a token in the query, where logs would keep it", async () => {
    expect(await upgrade({ path: `/collab?document=${randomUUID()}&token=${await stack.token()}` })).toMatch(/^HTTP\/1.1 401 /);
  });

  it("with a token signed by another key, by no key, or by an algorithm that is not the one", async () => {
    const { privateKey } = await generateKeyPair("ES256");
    const claims = { documents: { "*": ["read"] } };
    const { keys } = (await (await fetch(`${stack.issuer.url}/.well-known/jwks.json`)).json()) as { keys: { kid: string }[] };
    const kid = keys[0]?.kid ?? "";
    const sign = (alg: string, key: CryptoKey | Uint8Array) =>
      new SignJWT(claims).setProtectedHeader({ alg, kid }).setSubject("x").setExpirationTime("1h").sign(key);
    const unsigned = new UnsecuredJWT(claims).setSubject("x").setExpirationTime("1h").encode();
    const symmetric = await sign("HS256", new TextEncoder().encode(JSON.stringify(keys[0])));
    for (const token of [await sign("ES256", privateKey), unsigned, symmetric]) {
      expect(await upgrade({ token })).toMatch(/^HTTP\/1.1 401 /);
    }
  });

  it("with a token that has expired, or that is not for this document", async () => {
    const documentId = randomUUID();
    const path = `/collab?document=${documentId}`;
    const short = await stack.token({ "*": ["read"] }, 1);
    await eventually(async () => (await upgrade({ token: short })).startsWith("HTTP/1.1 401 "));
    expect(await upgrade({ path, token: await stack.token({ [randomUUID()]: ["read"] }) })).toMatch(/^HTTP\/1.1 403 /);
    expect(await upgrade({ path, token: await stack.token({ "*": ["write"], [documentId]: [] }) })).toMatch(/^HTTP\/1.1 403 /);
  });

  it("elsewhere than at /collab, and for a document that is no UUID", async () => {
    expect(await upgrade({ path: "/other" })).toMatch(/^HTTP\/1.1 404 /);
    expect(await upgrade({ path: "/collab?document=1" })).toMatch(/^HTTP\/1.1 400 /);
    expect((await fetch(`${relay.httpUrl}/collab`)).status).toBe(426);
  });
});

describe("before a client is known", () => {
  it("headers that do not come to an end are cut off after a few seconds", async () => {
    const raw = openRaw();
    raw.socket.write("GET /collab HTTP/1.1\r\nHost: relay\r\n");
    expect(await raw.closed).toBeLessThan(9000);
  });

  it("headers of more than 8 KiB are refused", async () => {
    const raw = openRaw();
    raw.socket.write(`GET /collab HTTP/1.1\r\nHost: relay\r\nX-Padding: ${"x".repeat(10_000)}\r\n\r\n`);
    await raw.closed;
    expect(raw.received()).toMatch(/^HTTP\/1.1 431 /);
  });

  it("bytes that are no HTTP are answered with 400 and a closed connection", async () => {
    const raw = openRaw();
    raw.socket.write(Buffer.from([0x16, 0x03, 0x01, 0x02, 0x00, 0x01]));
    await raw.closed;
    expect(raw.received()).toMatch(/^HTTP\/1.1 400 /);
  });
});

describe("a connection ends", () => {
  it("with 4400 when its first message is not a join, is not understood, or is binary", async () => {
    for (const message of ['{"type":"typing"}', "{", '{"type":"join","clientId":"x"}', Buffer.from("{}")]) {
      const client = await openSocket();
      client.socket.send(message);
      expect((await client.closed).code).toBe(4400);
    }
  });

  it("with 1009 when a message is too big", async () => {
    const client = await openSocket();
    await client.join();
    client.socket.send("x".repeat(300_000));
    expect((await client.closed).code).toBe(1009);
  });

  it("with 4401 when its token expires", async () => {
    const client = await openSocket(await stack.token({ "*": ["read"] }, 2));
    await client.join();
    expect((await client.closed).code).toBe(4401);
  });

  it("when it no longer answers pings", async () => {
    const client = await openSocket();
    await client.join();
    client.socket.pause();
    await eventually(async () => (await connectionCount()) === 0);
  });

  it("with 1013 and bounded memory when it stops reading, while others are served", async () => {
    const documentId = randomUUID();
    const [slow, fast] = [await openSocket(undefined, documentId), await openSocket(undefined, documentId)];
    await slow.join();
    await fast.join();
    slow.socket.pause();
    // A paused reader is let off the heartbeat by traffic of its own, so that only the slow-consumer limit can end it.
    const alive = setInterval(() => slow.send({ type: "typing" }), 200);
    const text = "x".repeat(32_000);
    let sequence = 0;
    try {
      await eventually(async () => {
        const base = fast.messages.filter(({ type }) => type === "operations").flatMap((message) => message.operations).length;
        if (base === sequence) {
          sequence += 1;
          fast.send({ type: "submit", base, operations: [{ sequence, delta: [{ insert: text }] }] });
        }
        return (await connectionCount()) === 1;
      }, 40_000);
    } finally {
      clearInterval(alive);
    }
    expect(fast.socket.readyState).toBe(WebSocket.OPEN);
    const metrics = await (await fetch(relay.metricsUrl)).text();
    expect(metrics).toContain("materi_slow_consumers_total 1");
    const rss = Number(/^process_resident_memory_bytes (\d+)/m.exec(metrics)?.[1]);
    expect(rss).toBeLessThan(350 * 1024 * 1024);
    fast.socket.close();
    await eventually(async () => (await connectionCount()) === 0);
  });
});

describe("the relay's limits", () => {
  it("refuse the connection past MAX_CONNECTIONS with 503 and a time to retry, and take one again when one has gone", async () => {
    const clients = await Promise.all(Array.from({ length: 5 }, () => openSocket()));
    expect(await upgrade({ token: await stack.token() })).toMatch(/^HTTP\/1.1 503 .*Retry-After: 1/s);
    clients[0]?.socket.close();
    await eventually(async () => (await connectionCount()) === 4);
    expect(await upgrade({ token: await stack.token() })).toMatch(/^HTTP\/1.1 101 /);
    for (const { socket } of clients) socket.terminate();
    await eventually(async () => (await connectionCount()) === 0);
  });

  it("refuse upgrades with 429 before a token is looked at, and submissions with rate_limited, past their rates", async () => {
    const slow = await stack.startRelay({
      RELAY_UPGRADES_PER_SECOND: "1",
      RELAY_CONNECTION_MESSAGES_PER_SECOND: "1",
      RELAY_USER_MESSAGES_PER_SECOND: "1",
    });
    const client = await openSocket(undefined, randomUUID(), slow.url);
    await client.join();
    for (let sequence = 1; sequence <= 50; sequence += 1) {
      client.send({ type: "submit", base: 0, operations: [{ sequence, delta: [{ insert: "a" }] }] });
    }
    await eventually(() => client.messages.some(({ type, code }) => type === "refused" && code === "rate_limited"));
    expect(client.socket.readyState).toBe(WebSocket.OPEN);
    const refused = async () => {
      const answers = await Promise.all(Array.from({ length: 30 }, () => upgrade({ token: "abc", port: slow.port })));
      return answers.find((answer) => answer.startsWith("HTTP/1.1 429 "));
    };
    expect(await eventually(refused)).toContain("Retry-After: 1");
    expect(await (await fetch(slow.metricsUrl)).text()).toMatch(/^materi_connections_refused_total\{status="429"\} [1-9]/m);
    expect((await fetch(`${slow.httpUrl}/health`)).status).toBe(200);
    client.socket.terminate();
  });

  it("refuse writing without the permission, and operations that the database cannot hold", async () => {
    const documentId = randomUUID();
    const permissions: DocumentPermissions = { [documentId]: ["read"] };
    const reader = await openSocket(await stack.token(permissions), documentId);
    await reader.join();
    reader.send({ type: "submit", base: 0, operations: [{ sequence: 1, delta: [{ insert: "a" }] }] });
    await eventually(() => reader.messages.some(({ type, code }) => type === "refused" && code === "forbidden"));
    const writer = await openSocket(undefined, documentId);
    await writer.join();
    writer.socket.send('{"type":"submit","base":0,"operations":[{"sequence":1,"delta":[{"insert":"\\ud800"}]}]}');
    expect((await writer.closed).code).toBe(4400);
    reader.socket.close();
  });

  it("refuse a base that does not exist, and leave the others of the batch alone", async () => {
    const documentId = randomUUID();
    const [wrong, right] = [await openSocket(undefined, documentId), await openSocket(undefined, documentId)];
    await wrong.join();
    await right.join();
    wrong.send({ type: "submit", base: 7, operations: [{ sequence: 1, delta: [{ insert: "a" }] }] });
    right.send({ type: "submit", base: 0, operations: [{ sequence: 1, delta: [{ insert: "b" }] }] });
    await eventually(() => wrong.messages.some(({ type, code }) => type === "refused" && code === "invalid_base"));
    await eventually(() => right.messages.some(({ type }) => type === "operations"));
  });
});

describe("a bad configuration", () => {
  it("ends the relay with exit code 78 and a line for each bad variable, without showing secrets", async () => {
    const settings = {
      DATABASE_URL: "mysql://user:hush@db/x",
      MAX_CONNECTIONS: "many",
      RUST_LOG: "relay=loud",
      METRICS_PORT: "1e5",
    };
    const bad = startProcess(process.execPath, ["services/relay/main.ts"], settings);
    await eventually(() => bad.child.exitCode !== null);
    expect(bad.child.exitCode).toBe(78);
    for (const name of ["DATABASE_URL", "REDIS_URL", "JWT_PUBLIC_KEY_URL", "MAX_CONNECTIONS", "RUST_LOG", "METRICS_PORT"]) {
      expect(bad.output()).toMatch(new RegExp(`^${name}: `, "m"));
    }
    expect(bad.output()).not.toContain("hush");
    expect(bad.output().trim().split("\n")).toHaveLength(6);
  });
});
