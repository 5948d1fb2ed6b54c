import { once } from "node:events";
import { connect } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { HubFleet } from "#lib/protocol/testing/hub-fleet.ts";
import { median } from "../figures.ts";
import { startHub } from "./hub-process.ts";
import { type Link, startMosquittoBridge, startNatsLeaf } from "./link-peers.ts";
import { readCounted, startEdgeLink, startHubLink, startLineLink, untilCounted } from "./own-links.ts";
import { Bench, findPeer, howToInstall, type PeerName } from "./peers.ts";
import { cpuSeconds } from "./process-figures.ts";
import { profileVariables } from "./profiles.ts";
import { type Area, type AreaOptions, byProfile, type Curve, type Goal, withoutProfile } from "./report.ts";
import { TcpLink } from "./tcp-link.ts";

const messageBytes = 128;
/** The edge takes lines of up to 16 KiB. */
const sizes = [16, 128, 1_024, 8_192];

/** Sensor -> edge -> TLS -> hub, as processes, beside the same way through NATS and mosquitto. */
export const measureEdge: Area = async (options) => {
  const bench = new Bench();
  const fleet = new HubFleet();
  try {
    const { goals, curve } = await throughput(bench, fleet, options);
    const first = await firstMessage(fleet, options);
    return [{ title: "Edge", goals: [...goals, ...first.goals], curves: [curve, first.curve] }];
  } finally {
    await fleet.stop();
    await bench.stop();
  }
};

const paths = ["edge", "edge, JSON lines", "hub without an edge", "NATS leaf", "mosquitto bridge, QoS 1"] as const;
type Path = (typeof paths)[number];
type Links = Partial<Record<Path, Link>>;

/** Messages a second, and CPU seconds of the servers and the load for a million messages, of each round. */
type Rates = Map<string, { perSecond: number; cpuOfMillion: number }[]>;

async function throughput(bench: Bench, fleet: HubFleet, options: AreaOptions): Promise<{ goals: Goal[]; curve: Curve }> {
  const hub = await startHub(bench, fleet, profileVariables(options));
  const edge = await fleet.startEdge("e1", { EDGE_OFFLINE_BUFFER_SIZE: "1000000", ...profileVariables(options) });
  const links: Links = {};
  try {
    const pids = [hub.pid ?? 0, edge.child.pid ?? 0];
    links.edge = { ...(await startEdgeLink(fleet, edge.socketPath)), pids };
    links["edge, JSON lines"] = { ...(await startLineLink(fleet, edge.socketPath)), pids };
    links["hub without an edge"] = { ...(await startHubLink(fleet)), pids: [hub.pid ?? 0] };
    await startPeers(bench, fleet, links);
    const rates = await measureRates(links, options);
    // A profile is written only by a process that ends by itself.
    await edge.end("SIGTERM");
    return { goals: goalsOf(rates), curve: curveOf(rates) };
  } finally {
    for (const link of Object.values(links)) link.end();
    await edge.end("SIGKILL");
    await bench.end(hub, "SIGTERM");
  }
}

async function startPeers(bench: Bench, fleet: HubFleet, links: Links): Promise<void> {
  const [nats, mosquitto] = [findPeer("nats-server"), findPeer("mosquitto")];
  const files = { certFile: join(fleet.folder, "ca.pem"), keyFile: join(fleet.folder, "key.pem") };
  if (nats) links["NATS leaf"] = await startNatsLeaf(bench, nats, files);
  if (mosquitto) links["mosquitto bridge, QoS 1"] = await startMosquittoBridge(bench, mosquitto, files);
}

async function measureRates(links: Links, { quick, say, signal }: AreaOptions): Promise<Rates> {
  const slow: Path[] = ["edge, JSON lines", "mosquitto bridge, QoS 1"];
  const rates: Rates = new Map();
  const measure = async (path: Path, bytes: number) => {
    const link = links[path];
    if (!link) return;
    signal.throwIfAborted();
    const ofSize = Math.min(1, 512 / bytes) * (quick ? 100_000 : 400_000);
    const count = Math.ceil((slow.includes(path) ? ofSize / 8 : ofSize) / 1_000) * 1_000;
    const cpu = () => [...link.pids, process.pid].reduce((sum, pid) => sum + cpuSeconds(pid), 0);
    const cpuBefore = cpu();
    const perSecond = count / (await link.send(count, bytes));
    const cpuOfMillion = ((cpu() - cpuBefore) / count) * 1e6;
    rates.set(keyOf(path, bytes), [...(rates.get(keyOf(path, bytes)) ?? []), { perSecond, cpuOfMillion }]);
    say(
      `  ${bytes} B, ${path}: ${Math.round(perSecond).toLocaleString("en-US")}/s, ${cpuOfMillion.toFixed(1)} s of CPU a million`,
    );
  };
  // Each way once before it counts: code gets compiled, connections get their windows.
  for (const path of paths) await measure(path, messageBytes);
  rates.clear();
  for (let round = 0; round < (quick ? 3 : 7); round += 1) {
    for (const path of round % 2 === 0 ? paths : paths.toReversed()) await measure(path, messageBytes);
  }
  for (const bytes of sizes.filter((size) => size !== messageBytes)) {
    for (let round = 0; round < (quick ? 1 : 3); round += 1) for (const path of paths) await measure(path, bytes);
  }
  return rates;
}

function keyOf(path: Path, bytes: number): string {
  return `${path} ${bytes}`;
}

function goalsOf(rates: Rates): Goal[] {
  const of = (path: Path) => (rates.get(keyOf(path, messageBytes)) ?? []).map(({ perSecond }) => perSecond);
  const beside = (ours: Path, peer: Path) => median(of(ours).map((rate, index) => rate / (of(peer)[index] ?? Number.NaN)));
  const goal = (name: string, peer: Path, program: PeerName, atLeast: number): Goal => {
    const isMeasured = of(peer).length > 0;
    return {
      name: `${messageBytes} B, acknowledged by edge and hub, beside ${name}`,
      unit: "messages/s",
      ours: median(of("edge")),
      peer: isMeasured ? median(of(peer)) : undefined,
      ratio: isMeasured ? beside("edge", peer) : undefined,
      wanted: { atLeast },
      whenMissed: byProfile(
        "319e86e",
        "hub, edge and load share the machine's cores; of the busy time of hub and edge 15-35 % is garbage collection of the buffers of frames, 15-30 % writes to sockets, 5 % checksums; less than 5 % is spent on single messages",
      ),
      note: isMeasured
        ? `ratio of the hub alone, sent to in batches: ${beside("hub without an edge", peer).toFixed(2)}`
        : howToInstall(program),
    };
  };
  return [
    goal("a NATS leaf, which acknowledges nothing", "NATS leaf", "nats-server", 1),
    goal("a mosquitto bridge with QoS 1", "mosquitto bridge, QoS 1", "mosquitto", 10),
  ];
}

function curveOf(rates: Rates): Curve {
  const measured = paths.filter((path) => rates.has(keyOf(path, messageBytes)));
  const values = (path: Path, figure: "perSecond" | "cpuOfMillion") =>
    sizes.map((size) => median((rates.get(keyOf(path, size)) ?? []).map((each) => each[figure])));
  return {
    title: "Edge and hub: by bytes of a message",
    heads: sizes.map((size) => `${size.toLocaleString("en-US")} B`),
    rows: [
      ...measured.map((path) => ({ name: path, unit: "messages/s", values: values(path, "perSecond") })),
      ...measured.map((path) => ({ name: path, unit: "CPU s a million", values: values(path, "cpuOfMillion") })),
    ],
  };
}

/** A reading waits in the edge, which has its defaults, while the way to the hub is away; from its return until the hub has counted it. */
export async function firstMessage(fleet: HubFleet, options: AreaOptions): Promise<{ goals: Goal[]; curve: Curve }> {
  const bench = new Bench();
  const outages = options.quick ? [1, 5] : [0.2, 1, 5, 20];
  const hub = await startHub(bench, fleet);
  const link = new TcpLink(fleet.port);
  try {
    await link.open();
    const edge = await fleet.startEdge("e2", { HUB_ADDRESS: `127.0.0.1:${link.port}`, EDGE_BREAKER_OPEN_MS: "30000" });
    const sensor = connect(edge.socketPath);
    await once(sensor, "connect");
    const readLine = '{"sensor":"s","value":1}\n';
    sensor.write(readLine);
    await untilCounted(fleet, 1);
    const afterOutage = async (seconds: number, begin: () => Promise<void>) => {
      options.signal.throwIfAborted();
      const before = await readCounted(fleet);
      await begin();
      await sleep(seconds * 500);
      sensor.write(readLine);
      await sleep(seconds * 500);
      const returnedAt = performance.now();
      await link.open();
      await untilCounted(fleet, before + 1);
      const delay = (performance.now() - returnedAt) / 1000;
      options.say(`  after ${seconds} s without a link: the first message came ${delay.toFixed(2)} s after its return`);
      // Long enough for the edge to trust its connection again.
      await sleep(6_000);
      return delay;
    };
    const refused: number[] = [];
    for (const seconds of outages) refused.push(await afterOutage(seconds, () => link.cut()));
    const vanished: number[] = [];
    for (const seconds of outages) vanished.push(await afterOutage(seconds, () => link.vanish()));
    sensor.destroy();
    const goal = (what: string, delays: number[]): Goal => ({
      name: `first message after the link's return, where what is sent meanwhile ${what}, worst of outages of ${outages.join(", ")} s`,
      unit: "s",
      ours: Math.max(...delays),
      ratio: Math.max(...delays),
      wanted: { atMost: 0.5 },
      whenMissed: withoutProfile("the pause between two tries (150 to 250 ms), a TLS handshake, a hello, a batch"),
    });
    return {
      goals: [
        goal("is refused", refused),
        {
          ...goal("vanishes", vanished),
          note: "what was open before is reset when the link is back",
          whenMissed: withoutProfile(
            "an edge whose connection is silent notices it when an acknowledgement is late (EDGE_CONNECTION_TIMEOUT_MS, 5 s), and its first try after that is TCP's own, which asks again after 1 and 3 s; then it tries every 250 ms",
          ),
        },
      ],
      curve: {
        title: "Edge: by seconds of an outage",
        heads: outages.map((seconds) => `${seconds} s`),
        rows: [
          { name: "first message after the link's return, connections refused", unit: "s", values: refused },
          { name: "first message after the link's return, packets vanish", unit: "s", values: vanished },
        ],
      },
    };
  } finally {
    await link.cut();
    await bench.end(hub);
    await bench.stop();
  }
}
