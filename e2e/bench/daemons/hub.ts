import type { ChildProcess } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { encodeMessage, hubProtocolVersion } from "#lib/protocol/hub-messages.ts";
import { HubFleet } from "#lib/protocol/testing/hub-fleet.ts";
import { freePort } from "#lib/runtime/testing/free-port.ts";
import { median } from "../figures.ts";
import { type Accepts, measureAccepts } from "./accepts.ts";
import { measureEnqueue } from "./enqueue.ts";
import { startHub } from "./hub-process.ts";
import { startHubLink } from "./own-links.ts";
import { Bench, findPeer, howToInstall, untilListening } from "./peers.ts";
import { memoryMiB } from "./process-figures.ts";
import { profileVariables } from "./profiles.ts";
import { type Area, type AreaOptions, byProfile, type Curve, type Goal, withoutProfile } from "./report.ts";

const stormEdges = 1_000;
const stormProcesses = 2;
const connectionCounts = [1, 10, 100, 1_000];

/** A real hub beside servers that do nothing but the TLS. */
export const measureHub: Area = async (options) => {
  const bench = new Bench();
  const fleet = new HubFleet();
  try {
    const bare = await startBareServer(bench, fleet);
    const accepts = await againstBareServers(bench, fleet, bare, options);
    const storm = await stormAfterRestart(bench, fleet, bare, options);
    const enqueue = await measureEnqueue(bench, options);
    const curves = [accepts.curve, await byConnections(bench, fleet, options), enqueue.curve];
    return [{ title: "Hub", goals: [...accepts.goals, storm, ...enqueue.goals], curves }];
  } finally {
    await fleet.stop();
    await bench.stop();
  }
};

type Bare = { pid: number; port: number };

async function startBareServer(bench: Bench, fleet: HubFleet): Promise<Bare> {
  const files = [join(fleet.folder, "ca.pem"), join(fleet.folder, "key.pem")];
  const { child, first } = await bench.startScript("bare-tls.ts", ["150", ...files]);
  return { pid: child.pid ?? 0, port: Number(first) };
}

function helloOf({ token, certificate }: HubFleet): { hello: Buffer; ca: string } {
  const body = { role: "client", tenant: "t", instance: "bench", version: "bench", token } as const;
  const hello = encodeMessage({ name: "hello", body: { ...body, protocolVersion: hubProtocolVersion } }, 1);
  return { hello, ca: certificate.cert };
}

type Server = { name: string; pid: number; port: number; fresh: Accepts[]; resumed: Accepts[] };

/** The hub answers hello with welcome; the bare server and haproxy (before a bare TCP server) answer it with as many bytes. */
async function againstBareServers(
  bench: Bench,
  fleet: HubFleet,
  bare: Bare,
  options: AreaOptions,
): Promise<{ goals: Goal[]; curve: Curve }> {
  const { quick, say, signal } = options;
  const hub = await startHub(bench, fleet, profileVariables(options));
  const servers: Server[] = [
    { name: "hub", pid: hub.pid ?? 0, port: fleet.port, fresh: [], resumed: [] },
    { name: "bare Node tls", ...bare, fresh: [], resumed: [] },
  ];
  const haproxy = await startHaproxy(bench, fleet);
  if (haproxy) servers.push({ name: "haproxy", ...haproxy, fresh: [], resumed: [] });
  const load = { count: quick ? 200 : 500, atOnce: 32 };
  for (let round = 0; round < (quick ? 3 : 7); round += 1) {
    for (const { name, pid, port, fresh, resumed } of round % 2 === 0 ? servers : servers.toReversed()) {
      signal.throwIfAborted();
      const greeting = { pid, port, ...helloOf(fleet) };
      fresh.push(await measureAccepts(greeting, { ...load, resumed: false }));
      resumed.push(await measureAccepts(greeting, { ...load, resumed: true }));
      const [last, lastResumed] = [fresh.at(-1), resumed.at(-1)];
      say(`  ${name}: ${last?.perSecond.toFixed(0)} accepts/s, resumed ${lastResumed?.perSecond.toFixed(0)}/s`);
    }
  }
  await bench.end(hub, "SIGTERM");
  const [ours, peer] = servers as [Server, Server];
  const goal = (kind: "fresh" | "resumed", name: string): Goal => ({
    name: `accepts for a second of the server's CPU, ${name}, beside bare Node tls`,
    unit: "1/s",
    ours: median(ours[kind].map(({ perCpuSecond }) => perCpuSecond)),
    peer: median(peer[kind].map(({ perCpuSecond }) => perCpuSecond)),
    ratio: median(ours[kind].map(({ perCpuSecond }, index) => perCpuSecond / (peer[kind][index]?.perCpuSecond ?? Number.NaN))),
    wanted: { atLeast: 0.9 },
    whenMissed: byProfile(
      "85a2cf2",
      "beyond TLS: hello and welcome as JSON with their checks (5 %), waiting for a handshake's turn (4 %), the end of the connection, the registry of peers and timers (2 % each)",
    ),
  });
  const values = (kind: "fresh" | "resumed", figure: keyof Accepts) =>
    servers.map((server) => median(server[kind].map((each) => each[figure])));
  return {
    goals: [
      goal("fresh", "new handshakes"),
      { ...goal("resumed", "resumed handshakes"), ...(haproxy ? {} : { note: `for reference: ${howToInstall("haproxy")}` }) },
    ],
    curve: {
      title: "Hub: accepts (TLS 1.3, hello answered) of each server",
      isGrowth: false,
      heads: servers.map(({ name }) => name),
      rows: [
        { name: "new, wall time", unit: "1/s", values: values("fresh", "perSecond") },
        { name: "new, server's CPU", unit: "1/s", values: values("fresh", "perCpuSecond") },
        { name: "resumed, wall time", unit: "1/s", values: values("resumed", "perSecond") },
        { name: "resumed, server's CPU", unit: "1/s", values: values("resumed", "perCpuSecond") },
      ],
    },
  };
}

async function startHaproxy(bench: Bench, fleet: HubFleet): Promise<{ pid: number; port: number } | undefined> {
  const path = findPeer("haproxy");
  if (!path) return undefined;
  const behind = await bench.startScript("bare-tls.ts", ["150"]);
  const port = await freePort();
  const [pem, configuration] = [join(bench.folder, "haproxy.pem"), join(bench.folder, "haproxy.cfg")];
  writeFileSync(pem, `${fleet.certificate.cert}${fleet.certificate.key}`);
  writeFileSync(
    configuration,
    `global
  maxconn 2000
  nbthread 1
defaults
  mode tcp
  timeout connect 5s
  timeout client 60s
  timeout server 60s
listen hub
  bind 127.0.0.1:${port} ssl crt ${pem} ssl-min-ver TLSv1.3
  server behind 127.0.0.1:${behind.first}
`,
  );
  const child = bench.start(path, ["-db", "-q", "-f", configuration]);
  await untilListening(port);
  return { pid: child.pid ?? 0, port };
}

/**
 * All edges are connected, the hub is killed, and starts again a second later: from then on until all of them are back. How many
 * handshakes a bare server takes is measured just before each storm.
 */
async function stormAfterRestart(bench: Bench, fleet: HubFleet, bare: Bare, options: AreaOptions): Promise<Goal> {
  const { quick, say, signal } = options;
  let hub = await startHub(bench, fleet);
  const environment = { ...process.env, HUB_TOKEN: fleet.token, HUB_CA_FILE: join(fleet.folder, "ca.pem") };
  const children: ChildProcess[] = [];
  const connected: number[] = [];
  let onChange = () => {};
  for (let index = 0; index < stormProcesses; index += 1) {
    const args = [String(fleet.port), String(stormEdges / stormProcesses), `e${index}-`];
    const { child } = await bench.startScript("storm-edges.ts", args, environment);
    children.push(child);
    child.on("message", (count) => {
      connected[index] = Number(count);
      onChange();
    });
  }
  const untilConnected = async (wanted: number) => {
    const reached = Promise.withResolvers<void>();
    const late = setTimeout(() => reached.reject(new Error(`${connected} edges of ${wanted} were connected in 120 s`)), 120_000);
    onChange = () => {
      if (connected.reduce((sum, count) => sum + count, 0) === wanted) reached.resolve();
    };
    onChange();
    try {
      await reached.promise;
    } finally {
      clearTimeout(late);
    }
  };
  await untilConnected(stormEdges);
  const seconds: number[] = [];
  const bounds: number[] = [];
  for (let round = 0; round < (quick ? 1 : 5); round += 1) {
    signal.throwIfAborted();
    const load = { count: stormEdges, atOnce: 64, resumed: false };
    const { perSecond } = await measureAccepts({ ...bare, ...helloOf(fleet) }, load);
    bounds.push(stormEdges / perSecond);
    await bench.end(hub);
    await untilConnected(0);
    await sleep(1_000);
    hub = await startHub(bench, fleet);
    const startedAt = performance.now();
    await untilConnected(stormEdges);
    seconds.push((performance.now() - startedAt) / 1000);
    say(`  ${stormEdges} edges were back ${seconds.at(-1)?.toFixed(2)} s after the hub, at best ${bounds.at(-1)?.toFixed(2)} s`);
  }
  for (const child of children) await bench.end(child);
  await bench.end(hub);
  return {
    name: `${stormEdges} edges back after the hub's restart, beside ${stormEdges} / handshake rate of bare Node tls`,
    unit: "s",
    ours: median(seconds),
    peer: median(bounds),
    ratio: median(seconds.map((each, index) => each / (bounds[index] ?? Number.NaN))),
    wanted: { atMost: 1.2 },
    whenMissed: withoutProfile(
      "the clients' pauses between tries (150-250 ms), and on a busy machine clients that lose their place in the queue, since they wait 5 s for the first answer and longer only the next time",
    ),
  };
}

/** The same number of messages in all, in batches, shared by so many connections. */
async function byConnections(bench: Bench, fleet: HubFleet, { quick, say, signal }: AreaOptions): Promise<Curve> {
  const hub = await startHub(bench, fleet);
  const figures: { rate: number; memory: number }[] = [];
  for (const connections of connectionCounts) {
    const link = await startHubLink(fleet, connections);
    try {
      const rates: number[] = [];
      for (let round = 0; round < (quick ? 2 : 4); round += 1) {
        signal.throwIfAborted();
        rates.push(200_000 / (await link.send(200_000, 128)));
      }
      figures.push({ rate: Math.max(...rates), memory: memoryMiB(hub.pid ?? 0) });
      say(`  ${connections} connections: ${Math.max(...rates).toFixed(0)} messages/s`);
    } finally {
      link.end();
    }
  }
  await bench.end(hub);
  return {
    title: "Hub: by connections that send batches of 128 B messages",
    heads: connectionCounts.map((count) => count.toLocaleString("en-US")),
    rows: [
      { name: "messages, best round", unit: "1/s", values: figures.map(({ rate }) => rate) },
      { name: "memory", unit: "MiB", values: figures.map(({ memory }) => memory) },
    ],
  };
}
