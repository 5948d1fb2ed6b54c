import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout } from "node:timers/promises";
import { afterAll, afterEach, beforeEach, describe, expect, test } from "vitest";
import { HubClient } from "#lib/protocol/hub-client.ts";
import type { HubBody } from "#lib/protocol/hub-messages.ts";
import { ask, type DaemonProcess, HubFleet, readMetric, waitFor } from "#lib/protocol/testing/hub-fleet.ts";
import { startProcess, startRedis, type TestProcess } from "#lib/protocol/testing/relay-stack.ts";
import { createLogger } from "#lib/runtime/logger.ts";
import { freePort } from "#lib/runtime/testing/free-port.ts";

const file = join(import.meta.dirname, "deploy/haproxy/haproxy.cfg");
const haproxy = [...(process.env.PATH ?? "").split(":"), "/usr/sbin"]
  .map((folder) => `${folder}/haproxy`)
  .find((path) => existsSync(path));
const why = haproxy ? "" : " (skipped: haproxy is not installed)";

type Hub = { daemon: DaemonProcess; port: number; healthPort: number };

let fleet: HubFleet;
let redis: TestProcess;
let balancer: TestProcess;
let hubs: Hub[];
let ports: { roundRobin: number; bySource: number; health: number };
const clients: HubClient[] = [];
const openPort = await freePort();
const server = createServer((socket) => socket.destroy()).listen(openPort, "127.0.0.1");
afterAll(() => void server.close());

/** The file as it is deployed, with this test's addresses and a shorter pause between checks. */
function configure(): string {
  let text = readFileSync(file, "utf8");
  const replace = (from: string | RegExp, to: string) => {
    const changed = text.replaceAll(from, to);
    if (changed === text) throw new Error(`the file has no ${from}`);
    text = changed;
  };
  for (const [index, { port, healthPort }] of hubs.entries())
    replace(`server hub${index + 1} 10.0.1.1${index}:8443`, `server hub${index + 1} 127.0.0.1:${port} port ${healthPort}`);
  replace(/^ +server hub3 .*\n/gm, "");
  replace("bind :8443", `bind 127.0.0.1:${ports.roundRobin}`);
  replace("bind :8444", `bind 127.0.0.1:${ports.bySource}`);
  replace("bind :8405", `bind 127.0.0.1:${ports.health}`);
  replace("maxconn 10000", "maxconn 1000"); // within the descriptors that a test may have
  replace("inter 2s fastinter 500ms", "inter 200ms fastinter 100ms");
  return text;
}

async function startBehindHaproxy(): Promise<void> {
  fleet = new HubFleet();
  const redisPort = await freePort();
  redis = await startRedis(redisPort);
  hubs = [];
  for (const name of ["one", "two"]) {
    const settings = {
      REDIS_URL: `redis://127.0.0.1:${redisPort}`,
      HUB_NAME: name,
      HUB_LEASE_MS: "1000",
      BIND_ADDRESS: "127.0.0.1:0",
      HEALTH_ADDRESS: "127.0.0.1:0",
    };
    const daemon = await fleet.startHub(settings);
    hubs.push({ daemon, port: fleet.port, healthPort: fleet.healthPort });
  }
  ports = { roundRobin: await freePort(), bySource: await freePort(), health: await freePort() };
  const path = join(fleet.folder, "haproxy.cfg");
  writeFileSync(path, configure());
  balancer = startProcess(haproxy ?? "haproxy", ["-f", path]);
  fleet.port = ports.roundRobin;
  await waitFor(async () => {
    const metrics = (await ask(ports.health, "/metrics")).body;
    const up = ["one", "two"].filter((_, index) =>
      new RegExp(`^haproxy_server_status{proxy="hubs",server="hub${index + 1}",state="UP"} 1$`, "m").test(metrics),
    );
    return up.length === 2 || undefined;
  });
}

/** A connected client and the name of its hub. */
async function connectTo(port: number, localAddress = "127.0.0.1"): Promise<{ client: HubClient; hub: () => string }> {
  let hub = "";
  const client = new HubClient({
    hubs: [{ host: "127.0.0.1", port }],
    hello: { role: "client", tenant: "t", instance: "test", version: "test", token: () => fleet.token },
    tls: { ca: fleet.certificate.cert },
    localAddress,
    backoff: { initialMs: 50, maxMs: 500 },
    logger: createLogger("test", "silent"),
    onConnect: (welcome) => {
      hub = welcome.hub;
    },
  });
  clients.push(client);
  client.start();
  await waitFor(() => client.isConnected || undefined);
  return { client, hub: () => hub };
}

const scan = (job: string, ports = `${openPort}`) =>
  ({ name: "scan", body: { target: "127.0.0.1", ports, timeoutMs: 60_000, portTimeoutMs: 1_000, job } }) as const;

/** Asks until there is a result, as a client does whose hub may die. */
async function insist(client: HubClient, job: string, ports?: string): Promise<HubBody<"result">> {
  for (;;) {
    const answer = await client.request(scan(job, ports), { timeoutMs: 60_000 }).catch(() => setTimeout(50));
    if (answer?.name === "result") return answer.body;
  }
}

function clientOf(all: { client: HubClient }[], index: number): HubClient {
  const found = all[index % all.length];
  if (!found) throw new Error("no client");
  return found.client;
}

const peersAt = async ({ healthPort }: Hub, role: string) => readMetric(healthPort, `hub_peers{role="${role}"}`);

const hubWithConnector = () =>
  waitFor(async () => {
    for (const name of ["one", "two"]) if (await peersAt(hubOf(name), "connector")) return name;
    return undefined;
  });

function hubOf(name: string): Hub {
  const hub = hubs[name === "one" ? 0 : 1];
  if (!hub) throw new Error(`no hub ${name}`);
  return hub;
}

describe.skipIf(!haproxy)(`hubs behind HAProxy${why}`, () => {
  beforeEach(startBehindHaproxy);
  afterEach(async () => {
    await Promise.all(clients.splice(0).map((client) => client.stop()));
    await balancer.end("SIGKILL");
    await fleet.stop();
    await redis.end("SIGKILL");
  });

  test("a job that one hub was given is done by a connector of the other", async () => {
    await fleet.startConnector("c1");
    const withConnector = hubOf(await hubWithConnector());
    const both = [await connectTo(ports.roundRobin), await connectTo(ports.roundRobin)];
    expect(new Set(both.map(({ hub }) => hub())).size).toBe(2);
    const other = both.find(({ hub }) => hubOf(hub()) !== withConnector);
    const answer = await other?.client.request(scan("j1"), { timeoutMs: 60_000 });
    expect(answer).toMatchObject({ name: "result", body: { connector: "c1", complete: true, open: [{ port: openPort }] } });
    expect(await readMetric(withConnector.healthPort, 'hub_jobs_total{result="ok"}')).toBe(1);
  });

  test("kill -9 of a hub: peers go to the other one, and no job or reading is lost or done twice", async () => {
    const paced = { CONNECTOR_MAX_RATE: "2000", MAX_CONCURRENT_SCANS: "2" };
    const connectors = [await fleet.startConnector("c1", paced), await fleet.startConnector("c2", paced)];
    const edge = await fleet.startEdge("e1");
    const connected = async () => (await readMetric(edge.healthPort, "edge_hub_connected")) || undefined;
    await waitFor(connected);
    const both = [await connectTo(ports.roundRobin), await connectTo(ports.roundRobin)];
    for (const { healthPort } of connectors)
      await waitFor(async () => (await ask(healthPort, "/ready")).status === 200 || undefined);
    const jobs = Array.from({ length: 8 }, (_, index) => `j${index}`);
    const results = jobs.map((job, index) => insist(clientOf(both, index), job, `1-1000,${openPort}`));
    const socket = connect(edge.socketPath).on("error", () => {});
    let acknowledged = 0;
    createInterface(socket).on("line", () => (acknowledged += 1));
    for (let id = 0; id < 500; id++) socket.write(`${JSON.stringify({ id, sensor: "s", value: id })}\n`);
    const [victim, survivor] = [hubOf("one"), hubOf("two")];
    await waitFor(async () => (await readMetric(victim.healthPort, "hub_scans_running")) || undefined);
    await victim.daemon.end("SIGKILL");
    for (let id = 500; id < 1_000; id++) socket.write(`${JSON.stringify({ id, sensor: "s", value: id })}\n`);
    for (const result of await Promise.all(results)) expect(result).toMatchObject({ complete: true });
    await waitFor(() => acknowledged === 1_000 || undefined);
    await waitFor(connected);
    await waitFor(async () => (await readMetric(edge.healthPort, "edge_buffer_depth")) === 0 || undefined);
    await expect.poll(() => readMetric(survivor.healthPort, "hub_edge_messages_stored"), { timeout: 20_000 }).toBe(1_000);
    expect(await readMetric(survivor.healthPort, "hub_edge_missing_total")).toBe(0);
    await waitFor(async () => (await peersAt(survivor, "connector")) === 2 || undefined);
    expect(both.map(({ hub }) => hub())).toEqual(["two", "two"]);
    const again = await Promise.all(jobs.map((job) => insist(clientOf(both, 0), job, "1")));
    expect(again).toEqual(await Promise.all(results));
    socket.destroy();
  });

  test("a hub that drains gets no new connection, finishes what runs, and exits 0", async () => {
    await fleet.startConnector("c1", { CONNECTOR_MAX_RATE: "2000" });
    const name = await hubWithConnector();
    const draining = hubOf(name);
    const both = [await connectTo(ports.roundRobin), await connectTo(ports.roundRobin)];
    const result = both.find(({ hub }) => hub() === name)?.client.request(scan("long", "1-4000"), { timeoutMs: 60_000 });
    await waitFor(async () => (await readMetric(draining.healthPort, "hub_scans_running")) || undefined);
    const ended = draining.daemon.end("SIGTERM");
    await waitFor(async () => (await ask(draining.healthPort, "/ready")).status === 503 || undefined);
    for (let round = 0; round < 6; round++) expect((await connectTo(ports.roundRobin)).hub()).not.toBe(name);
    expect(await result).toMatchObject({ name: "result", body: { complete: true } });
    expect(await ended).toBe(0);
  });

  test("by source: an address keeps its hub, and gets another one when that is gone", async () => {
    const sources = ["127.0.0.11", "127.0.0.12", "127.0.0.13", "127.0.0.14", "127.0.0.15", "127.0.0.16"];
    const hubOfSource = new Map<string, string>();
    for (const round of [1, 2, 3]) {
      for (const source of sources) {
        const { hub } = await connectTo(ports.bySource, source);
        if (round === 1) hubOfSource.set(source, hub());
        expect(hub()).toBe(hubOfSource.get(source));
      }
    }
    expect(new Set(hubOfSource.values()).size).toBe(2);
    await hubOf("one").daemon.end("SIGKILL");
    for (const source of sources) expect((await connectTo(ports.bySource, source)).hub()).toBe("two");
  });
});

test.skipIf(!haproxy)(`haproxy takes the file as it is, and with the name of a headless Service${why}`, () => {
  for (const variables of [{}, { HUB_DNS_NAME: "hub-pods.fleet.svc.cluster.local" }]) {
    const env = { NODE_ENV: "test", ...variables } as const;
    const { status, stderr, stdout } = spawnSync(haproxy ?? "", ["-c", "-f", file], { env, encoding: "utf8" });
    expect({ status, warnings: `${stdout}${stderr}`.match(/WARNING|ALERT/g) }, stderr).toEqual({ status: 0, warnings: null });
  }
});
