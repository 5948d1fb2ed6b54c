import { once } from "node:events";
import { createServer } from "node:http";
import { request } from "node:https";
import { connect } from "node:net";
import { connect as connectTls } from "node:tls";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ask, type DaemonProcess, HubFleet, readMetric, waitFor } from "#lib/protocol/testing/hub-fleet.ts";
import { startRedis, type TestProcess } from "#lib/protocol/testing/relay-stack.ts";
import { freePort } from "#lib/runtime/testing/free-port.ts";

const token = "admin-token-of-the-test";
type Hub = { daemon: DaemonProcess; name: string; port: number; healthPort: number; adminPort: number };
type Answer = { status: number; headers: Record<string, unknown>; body: Record<string, unknown> };

let fleet: HubFleet;
let redis: TestProcess;
let redisPort: number;
let hubs: [Hub, Hub];
beforeAll(async () => {
  fleet = new HubFleet();
  redisPort = await freePort();
  redis = await startRedis(redisPort);
  hubs = [await startHub("one"), await startHub("two")];
});
afterAll(async () => {
  await fleet.stop();
  await redis.end("SIGKILL");
});

async function startHub(name: string, variables: Record<string, string> = {}): Promise<Hub> {
  const daemon = await fleet.startHub({
    HUB_NAME: name,
    REDIS_URL: `redis://127.0.0.1:${redisPort}`,
    HUB_LEASE_MS: "1000",
    BIND_ADDRESS: "127.0.0.1:0",
    HEALTH_ADDRESS: "127.0.0.1:0",
    HUB_ADMIN_ADDRESS: "127.0.0.1:0",
    HUB_ADMIN_TOKEN: token,
    ...variables,
  });
  const { adminAddress } = await daemon.logged("the hub is ready");
  const { port } = adminAddress as { port: number };
  return { daemon, name, port: fleet.port, healthPort: fleet.healthPort, adminPort: port };
}

/** Peers that start from now on dial this hub. */
const dial = ({ port }: Hub) => {
  fleet.port = port;
};

function call(
  hub: Hub,
  method: string,
  path: string,
  { body, as = token }: { body?: unknown; as?: string } = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${as}`, ...(body === undefined ? {} : { "content-type": "application/json" }) };
    const options = { host: "127.0.0.1", port: hub.adminPort, path, method, headers, ca: fleet.certificate.cert, agent: false };
    const sent = request(options, (answer) => {
      let text = "";
      answer.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
      answer.on("end", () =>
        resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: text === "" ? {} : JSON.parse(text) }),
      );
    });
    sent.on("error", reject);
    sent.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

const problemJson = expect.stringMatching(/^application\/problem\+json\b/);

type PeerItem = { id: string; role: string; tenant: string; instance: string; hub: string; connection: string; capacity: number };

async function listPeers(hub: Hub, query = ""): Promise<PeerItem[]> {
  const { status, body } = await call(hub, "GET", `/api/v1/peers${query}`);
  expect(status).toBe(200);
  return body.items as PeerItem[];
}

describe("the admin API", () => {
  test("lists the peers of both hubs at either, by role and tenant and page by page", async () => {
    const [one, two] = hubs;
    dial(one);
    await fleet.startConnector("c1", { MATRIX_TENANT_ID: "listed" });
    await fleet.connectClient("listed");
    dial(two);
    await fleet.startConnector("c2", { MATRIX_TENANT_ID: "listed too" });
    await fleet.startEdge("e1", { TENANT_ID: "listed" });
    await waitFor(async () => (await listPeers(one)).length === 4 || undefined);
    expect((await listPeers(two)).map(({ role, tenant, instance, hub }) => ({ role, tenant, instance, hub }))).toEqual([
      { role: "client", tenant: "listed", instance: "test", hub: "one" },
      { role: "connector", tenant: "listed", instance: "c1", hub: "one" },
      { role: "connector", tenant: "listed too", instance: "c2", hub: "two" },
      { role: "edge", tenant: "listed", instance: "e1", hub: "two" },
    ]);
    expect((await listPeers(one, "?role=connector&tenant=listed")).map(({ instance }) => instance)).toEqual(["c1"]);
    expect((await listPeers(one, "?tenant=listed")).map(({ role }) => role)).toEqual(["client", "connector", "edge"]);
    const first = await call(one, "GET", "/api/v1/peers?limit=3");
    expect(first.body.items).toHaveLength(3);
    const second = await call(one, "GET", `/api/v1/peers?limit=3&after=${encodeURIComponent(String(first.body.next))}`);
    expect((second.body.items as PeerItem[]).map(({ instance }) => instance)).toEqual(["e1"]);
    expect(second.body.next).toBeUndefined();
  });

  test("disconnects a peer of the other hub, which then comes back", async () => {
    const [one] = hubs;
    const ofConnector = "?role=connector&tenant=listed%20too";
    const [peer] = await listPeers(one, ofConnector);
    expect((await call(one, "DELETE", `/api/v1/peers/${peer?.id}`)).status).toBe(204);
    await waitFor(async () => {
      const [again] = await listPeers(one, ofConnector);
      return again?.id === peer?.id && again?.connection !== peer?.connection ? true : undefined;
    });
    expect((await call(one, "DELETE", "/api/v1/peers/nobody")).status).toBe(404);
  });

  test("an instance that connects at another hub ends its connection at the first one", async () => {
    const [one, two] = hubs;
    dial(one);
    const same = () => listPeers(one, "?role=connector&tenant=same");
    const first = await fleet.startConnector("same", { MATRIX_TENANT_ID: "same" });
    await waitFor(async () => (await same())[0]);
    dial(two);
    await fleet.startConnector("same", { MATRIX_TENANT_ID: "same" });
    await waitFor(() =>
      one.daemon.lines.find(({ instance, reason }) => instance === "same" && reason === "the same instance connected again"),
    );
    await first.end("SIGKILL");
    await waitFor(async () => (await same()).every(({ hub }) => hub === "two") || undefined);
    await waitFor(async () => (await same())[0]);
    expect(await same()).toHaveLength(1);
  });

  test("takes a scan as a job, tells of it at either hub, cancels one, and says what is wrong with a bad one", async () => {
    const [one, two] = hubs;
    dial(two);
    await fleet.startConnector("c3", { MAX_CONCURRENT_SCANS: "1", CONNECTOR_MAX_RATE: "200" });
    const openPort = await freePort();
    const server = createServer().listen(openPort, "127.0.0.1");
    const scan = { target: "127.0.0.1", ports: `${openPort}`, timeoutMs: 60_000, portTimeoutMs: 1_000 };
    const taken = await call(one, "POST", "/api/v1/jobs", { body: { tenant: "t", id: "j/1", scan } });
    expect(taken).toMatchObject({ status: 202, headers: { location: "/api/v1/jobs/t/j%2F1" } });
    const done = await waitFor(async () => {
      const { body } = await call(two, "GET", String(taken.headers.location));
      return body.state === "done" ? body : undefined;
    });
    server.close();
    expect(done).toMatchObject({ tenant: "t", id: "j/1", outcome: { result: { connector: "c3", open: [{ port: openPort }] } } });
    expect((await call(one, "GET", "/api/v1/jobs?state=done&tenant=t")).body.items).toMatchObject([{ id: "j/1" }]);
    const slow = { ...scan, ports: "1-60000" };
    for (const id of ["runs", "waits"])
      expect((await call(one, "POST", "/api/v1/jobs", { body: { tenant: "t", id, scan: slow } })).status).toBe(202);
    await waitFor(async () => {
      const { body } = await call(one, "GET", "/api/v1/jobs?state=running");
      return (body.items as { id: string }[]).some(({ id }) => id === "runs") || undefined;
    });
    expect((await call(two, "GET", "/api/v1/jobs?state=waiting")).body.items).toMatchObject([{ id: "waits" }]);
    for (const id of ["waits", "runs"]) expect((await call(one, "DELETE", `/api/v1/jobs/t/${id}`)).status).toBe(204);
    expect(await call(one, "DELETE", "/api/v1/jobs/t/runs")).toMatchObject({ status: 409, body: { code: "ended" } });
    expect((await call(one, "DELETE", "/api/v1/jobs/t/never")).status).toBe(404);
    const bad = await call(one, "POST", "/api/v1/jobs", { body: { tenant: "t", scan: { ...scan, ports: "99999" } } });
    expect(bad).toMatchObject({
      status: 400,
      headers: { "content-type": problemJson },
      body: { code: "invalid" },
    });
    expect(bad.body.detail).toMatch(/^scan\.ports: /);
    expect((await call(one, "GET", "/api/v1/jobs?state=lost")).body.detail).toMatch(/^state: /);
    expect(await call(one, "GET", "/api/v1/jobs?state=done&after=abc")).toMatchObject({ status: 400, body: { code: "invalid" } });
    const half = { tenant: "\ud800", scan };
    expect((await call(one, "POST", "/api/v1/jobs", { body: half })).body.detail).toMatch(/^tenant: .*Unicode/);
  });

  test("tells the last reading of each sensor, and how many readings there were", async () => {
    const [one, two] = hubs;
    dial(one);
    const { socketPath } = await fleet.startEdge("e2");
    const socket = connect(socketPath).on("error", () => {});
    for (let value = 1; value <= 30; value++)
      for (const sensor of ["a", "b", "c"]) socket.write(`${JSON.stringify({ sensor, value })}\n`);
    await waitFor(async () => {
      const { totals } = (await call(two, "GET", "/api/v1/streams")).body as { totals: { accepted: number; missing: number } };
      return (totals.accepted === 90 && totals.missing === 0) || undefined;
    });
    socket.destroy();
    const first = (await call(two, "GET", "/api/v1/readings?tenant=t&limit=2")).body;
    expect(first.items).toMatchObject([
      { edge: "e2", sensor: "a", value: 30 },
      { edge: "e2", sensor: "b", value: 30 },
    ]);
    const rest = await call(two, "GET", `/api/v1/readings?tenant=t&limit=2&after=${encodeURIComponent(String(first.next))}`);
    expect(rest.body).toMatchObject({ items: [{ sensor: "c", value: 30 }] });
    expect((await call(two, "GET", "/api/v1/readings?sensor=none")).body.items).toEqual([]);
  });

  test("lets nobody in without the token, and says nothing of it in its log", async () => {
    const [one] = hubs;
    for (const as of ["", "wrong", `${token}x`]) {
      expect(await call(one, "GET", "/api/v1/peers", { as })).toMatchObject({
        status: 401,
        headers: { "www-authenticate": "Bearer", "content-type": problemJson },
        body: { status: 401, code: "unauthorized" },
      });
    }
    expect((await call(one, "GET", "/api/v1/nothing", { as: "wrong" })).status).toBe(401);
    expect((await call(one, "GET", "/api/v1/nothing")).status).toBe(404);
    expect(await readMetric(one.healthPort, 'hub_admin_requests_total{status="401"}')).toBe(4);
    const large = { tenant: "t", scan: { target: "x".repeat(300_000) } };
    expect((await call(one, "POST", "/api/v1/jobs", { body: large })).status).toBe(413);
    expect(JSON.stringify(one.daemon.lines)).not.toContain(token);
  });

  test("is not shut by connections that say nothing", async () => {
    const hub = await startHub("crowded", { HUB_HANDSHAKE_TIMEOUT_MS: "1500" });
    const idle = Array.from({ length: 110 }, () =>
      connect(hub.adminPort, "127.0.0.1")
        .on("error", () => {})
        .resume(),
    );
    const closed = idle.map((socket) => once(socket, "close"));
    await waitFor(
      async () => Number(await readMetric(hub.healthPort, 'hub_rejected_connections_total{reason="too_many"}')) > 0 || undefined,
    );
    await Promise.all(closed);
    expect((await call(hub, "GET", "/api/v1/jobs?state=done")).status).toBe(200);
    const silent = connectTls({
      host: "127.0.0.1",
      port: hub.adminPort,
      ca: fleet.certificate.cert,
      checkServerIdentity: () => undefined,
    });
    await once(silent.on("error", () => {}).resume(), "close");
    expect(silent.authorized).toBe(true);
    expect(await hub.daemon.end("SIGTERM")).toBe(0);
  });

  test("says so while Redis is away, and knows the peers again after, though Redis has lost all", async () => {
    const [one] = hubs;
    await redis.end("SIGKILL");
    await waitFor(async () => (await call(one, "GET", "/api/v1/peers")).status === 503 || undefined);
    expect((await call(one, "GET", "/api/v1/peers")).body.code).toBe("state_away");
    redis = await startRedis(redisPort);
    await waitFor(async () => (await call(one, "GET", "/api/v1/peers")).status === 200 || undefined);
    for (const name of ["one", "two"])
      await waitFor(async () => (await listPeers(one)).some(({ hub }) => hub === name) || undefined);
  });

  test("drains a hub: it is not ready, sends its peers away, and ends with 0 when it is told to stop", async () => {
    const [one] = hubs;
    expect(await call(one, "POST", "/api/v1/drain")).toMatchObject({ status: 202, body: { state: "draining" } });
    await waitFor(async () => (await ask(one.healthPort, "/ready")).status === 503 || undefined);
    await waitFor(async () => (await readMetric(one.healthPort, "connections_active")) === 0 || undefined);
    await waitFor(async () => (await listPeers(one)).every(({ hub }) => hub === "two") || undefined);
    expect((await call(one, "POST", "/api/v1/drain")).status).toBe(202);
  });

  test("forgets the peers of a hub that was killed", async () => {
    const [one, two] = hubs;
    expect(await listPeers(one)).not.toEqual([]);
    await two.daemon.end("SIGKILL");
    await waitFor(async () => (await listPeers(one)).length === 0 || undefined);
    expect(await one.daemon.end("SIGTERM")).toBe(0);
  });
});
