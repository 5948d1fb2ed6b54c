import { randomBytes, randomUUID } from "node:crypto";
import { once } from "node:events";
import { type IncomingMessage, request } from "node:http";
import { Redis } from "ioredis";
import { afterAll, beforeAll, expect, it } from "vitest";
import { WebSocket } from "ws";
import { eventually, type RelayStack, startRelayStack, type TestRelay } from "#lib/protocol/testing/relay-stack.ts";

const [databasePassword, redisPassword] = [randomBytes(12).toString("hex"), randomBytes(12).toString("hex")];
const traceId = "4bf92f3577b34da6a3ce929d0e0e4736";
const given = { traceparent: `00-${traceId}-00f067aa0ba902b7-01`, "x-request-id": "request-17" };
let stack: RelayStack;
let relay: TestRelay;
let admin: Redis;

beforeAll(async () => {
  stack = await startRelayStack();
  admin = new Redis(stack.redisUrl);
  admin.on("error", () => {});
  await admin.config("SET", "requirepass", redisPassword);
  relay = await stack.startRelay({
    RUST_LOG: "trace",
    DATABASE_URL: stack.postgres.url.replace("postgres@", `postgres:${databasePassword}@`),
    REDIS_URL: stack.redisUrl.replace("//", `//:${redisPassword}@`),
  });
});

afterAll(async () => {
  admin?.disconnect();
  await stack?.stop();
});

type Line = Record<string, unknown> & { msg: string };

/** The lines that the relay has written, each of which is an object in JSON. */
function lines(): Line[] {
  return relay.process
    .output()
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Line);
}

function connect(token: string, headers: Record<string, string> = {}) {
  const url = `${relay.url}/collab?document=${randomUUID()}`;
  const socket = new WebSocket(url, ["relay.v1"], { headers: { authorization: `Bearer ${token}`, ...headers } });
  socket.on("error", () => {});
  const told: string[] = [];
  socket.on("message", (data) => told.push((JSON.parse(data.toString()) as { type: string }).type));
  const answered = new Promise<IncomingMessage>((resolve) => {
    socket.once("upgrade", (response) => socket.once("open", () => resolve(response)));
    socket.once("unexpected-response", (_, response) => resolve(response));
  });
  return { socket, answered, untilTold: (type: string) => eventually(() => told.includes(type)) };
}

it("every line about a connection has the ids that the client gave, and the answer has the request's", async () => {
  const { socket, answered, untilTold } = connect(await stack.token({ "*": ["read"] }), given);
  expect((await answered).headers["x-request-id"]).toBe("request-17");
  socket.send(JSON.stringify({ type: "join", clientId: randomUUID() }));
  await untilTold("joined");
  socket.send(JSON.stringify({ type: "submit", base: 0, operations: [{ sequence: 1, delta: [{ insert: "a" }] }] }));
  await untilTold("refused");
  socket.send("{");
  await once(socket, "close");
  const told = ["a client has connected", "operations were refused", "a connection has ended"];
  const ofRequest = () => lines().filter(({ request_id }) => request_id === "request-17");
  await eventually(() => told.every((message) => ofRequest().some(({ msg }) => msg === message)));
  const about = ofRequest();
  for (const { trace_id } of about) expect(trace_id).toBe(traceId);
  expect(about.find(({ msg }) => msg === "a connection has ended")).toMatchObject({ target: "relay::session", code: 4400 });
});

it("a client that gives no ids gets some of its own, also when it is refused", async () => {
  const first = await connect("abc").answered;
  const second = await connect("abc", { "x-request-id": 'x","level":"fatal' }).answered;
  const ids = [first, second].map(({ headers }) => headers["x-request-id"]);
  expect([first.statusCode, second.statusCode]).toEqual([401, 401]);
  expect(new Set(ids).size).toBe(2);
  for (const id of ids) {
    const line = await eventually(() => lines().find(({ request_id }) => request_id === id));
    expect(line).toMatchObject({ msg: "an upgrade was refused", status: 401, trace_id: expect.stringMatching(/^[\da-f]{32}$/) });
  }
});

it("no line has a token or a password, at the level that says most, whatever goes wrong", async () => {
  const token = await stack.token();
  const [expired, forged] = [await stack.token({ "*": ["read"] }, 1), `${token.slice(0, -6)}AAAAAA`];
  const { socket, answered } = connect(token);
  await answered;
  socket.send(JSON.stringify({ type: "join", clientId: randomUUID(), token }));
  await once(socket, "close");
  await eventually(async () => (await connect(expired).answered).statusCode === 401);
  expect((await connect(forged).answered).statusCode).toBe(401);
  const inQuery = request(`${relay.httpUrl}/collab?token=${token}`, { headers: { connection: "upgrade", upgrade: "websocket" } });
  inQuery.end();
  expect(((await once(inQuery, "response")) as [IncomingMessage])[0].statusCode).toBe(400);
  const browser = new WebSocket(`${relay.url}/collab?document=${randomUUID()}`, ["relay.v1", `bearer.${token}`]);
  await once(browser, "open");

  // Redis refuses the password from now on, and PostgreSQL is away.
  await admin.config("SET", "requirepass", "another");
  await admin.call("CLIENT", "KILL", "TYPE", "pubsub");
  await admin.call("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes");
  await stack.postgres.stop("SIGQUIT");
  browser.send(JSON.stringify({ type: "join", clientId: randomUUID() }));
  await once(browser, "close");
  const checks = async () => ((await (await fetch(`${relay.httpUrl}/ready`)).json()) as { checks: object }).checks;
  const isAway = async () => Object.values(await checks()).join() === "error,error,ok";
  await eventually(isAway);
  await eventually(() => lines().some(({ msg }) => msg === "Redis is away"));
  await eventually(() => lines().some(({ msg, err }) => msg === "a message could not be handled" && err));

  const output = relay.process.output();
  const signature = (jwt: string) => jwt.slice(jwt.lastIndexOf(".") + 1);
  const secrets = {
    token: signature(token),
    expired: signature(expired),
    forged: signature(forged),
    databasePassword,
    redisPassword,
  };
  const told = Object.entries({ ...secrets, issuer: stack.issuer.clientSecret, claims: token.split(".")[1] ?? "" })
    .filter(([, secret]) => output.includes(secret))
    .map(([name]) => name);
  expect(told).toEqual([]);
  expect(lines().length).toBeGreaterThan(10);
});
