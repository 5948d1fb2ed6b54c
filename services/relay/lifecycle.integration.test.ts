import { randomUUID } from "node:crypto";
import { Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import type { ServerMessage } from "#lib/protocol/relay-messages.ts";
import { eventually, type RelayStack, startProcess, startRelayStack, type TestRelay } from "#lib/protocol/testing/relay-stack.ts";
import { freePort } from "#lib/runtime/testing/free-port.ts";

let stack: RelayStack;
const sockets: { terminate: () => void }[] = [];

beforeAll(async () => {
  stack = await startRelayStack();
});

afterAll(async () => {
  for (const socket of sockets) socket.terminate();
  await stack?.stop();
});

async function join(relay: TestRelay, documentId: string = randomUUID()) {
  const socket = new WebSocket(`${relay.url}/collab?document=${documentId}`, ["relay.v1", `bearer.${await stack.token()}`]);
  sockets.push(socket);
  let problem: Error | undefined;
  socket.on("error", (error) => {
    problem = error;
  });
  const messages: ServerMessage[] = [];
  socket.on("message", (data) => messages.push(JSON.parse(data.toString()) as ServerMessage));
  const clientId = randomUUID();
  const send = (message: object) => socket.send(JSON.stringify(message));
  socket.on("open", () => send({ type: "join", clientId }));
  const closed = new Promise<number>((resolve) => socket.on("close", resolve));
  const has = (type: ServerMessage["type"]) => messages.some((message) => message.type === type);
  await eventually(() => has("joined") || problem);
  if (problem) throw problem;
  const presence = () =>
    messages
      .flatMap((message) => (message.type === "presence" ? message.events : []))
      .filter((event) => event.clientId !== clientId);
  return { clientId, socket, messages, has, send, closed, presence };
}

async function redisConnections(): Promise<number> {
  const admin = new Redis(stack.redisUrl);
  const clients = (await admin.client("LIST")) as string;
  admin.disconnect();
  return clients
    .trim()
    .split("\n")
    .filter((client) => !client.includes("cmd=client")).length;
}

const health = (relay: TestRelay, env: Record<string, string>) =>
  startProcess(process.execPath, ["services/relay/main.ts", "health"], {
    DATABASE_URL: stack.postgres.url,
    REDIS_URL: stack.redisUrl,
    JWT_PUBLIC_KEY_URL: `${stack.issuer.url}/.well-known/jwks.json`,
    BIND_ADDRESS: `0.0.0.0:${relay.port}`,
    ...env,
  });

describe("the health subcommand", () => {
  it("says what the relay answers and exits 0, or 1 when nothing answers", async () => {
    const relay = await stack.startRelay();
    const asked = health(relay, {});
    await eventually(() => asked.child.exitCode !== null);
    expect(asked.output()).toMatch(/^200 \{"status":"healthy"/);
    expect(asked.child.exitCode).toBe(0);
    const nobody = health(relay, { BIND_ADDRESS: `127.0.0.1:${await freePort()}` });
    await eventually(() => nobody.child.exitCode !== null);
    expect(nobody.child.exitCode).toBe(1);
    expect(await relay.process.end("SIGTERM")).toBe(0);
  });
});

describe("a relay that is told to stop", () => {
  it("takes no new clients, tells those it has, commits what they still submit, and exits 0 when they have gone", async () => {
    const relay = await stack.startRelay();
    const client = await join(relay);
    const ended = relay.process.end("SIGTERM");
    await eventually(() => client.has("shutdown"));
    expect(client.messages.find(({ type }) => type === "shutdown")).toEqual({ type: "shutdown", graceMs: 30_000 });
    await expect(join(relay)).rejects.toThrow("503");
    client.send({ type: "submit", base: 0, operations: [{ sequence: 1, delta: [{ insert: "late" }] }] });
    await eventually(() => client.has("operations"));
    client.socket.close();
    expect(await ended).toBe(0);
  });

  it("ends at once when it is told a second time, though a client is still there", async () => {
    const relay = await stack.startRelay();
    const client = await join(relay);
    const ended = relay.process.end("SIGTERM");
    await eventually(() => client.has("shutdown"));
    relay.process.child.kill("SIGTERM");
    expect(await ended).toBe(130);
    expect(await client.closed).toBe(1006);
  });
});

describe("clients of two replicas", () => {
  it("see each other come, move, type and go, each of it is counted, and a replica has two connections to Redis", async () => {
    const first = await stack.startRelay();
    const before = await redisConnections();
    const second = await stack.startRelay({ TYPING_DEBOUNCE_MS: "50", REDIS_POOL_SIZE: "50" });
    const documentId = randomUUID();
    const [near, watcher] = [await join(first, documentId), await join(first, documentId)];
    const far = await join(second, documentId);
    far.send({ type: "cursor", cursor: { position: 3, length: 2 } });
    far.send({ type: "typing" });
    const { clientId } = far;
    const wanted = [
      { event: "join", clientId, actor: "test" },
      { event: "cursor", clientId, cursor: { position: 3, length: 2 } },
      { event: "typing", clientId, typing: true },
      { event: "typing", clientId, typing: false },
      { event: "leave", clientId },
    ];
    const ofFar = (client: typeof near) => client.presence().filter((event) => event.clientId === clientId);
    await eventually(() => [near, watcher].every((client) => ofFar(client).length === 4));
    far.socket.close();
    await eventually(() => [near, watcher].every((client) => ofFar(client).length === 5));
    for (const client of [near, watcher]) expect(ofFar(client)).toEqual(wanted);
    const metrics = await (await fetch(second.metricsUrl)).text();
    expect(metrics).toContain("materi_presence_broadcasts_total 5");
    expect(await redisConnections()).toBe(before + 2);
  });
});
