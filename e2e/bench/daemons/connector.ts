import { execFile } from "node:child_process";
import { once } from "node:events";
import { Agent, get } from "node:http";
import { connect, type Socket } from "node:net";
import { promisify } from "node:util";
import type { HubClient } from "#lib/protocol/hub-client.ts";
import type { HubBody } from "#lib/protocol/hub-messages.ts";
import { HubFleet } from "#lib/protocol/testing/hub-fleet.ts";
import { median, percentile } from "../figures.ts";
import { judgeScan, readListeningPorts } from "./listening-ports.ts";
import { Bench, findPeer, howToInstall } from "./peers.ts";
import { peakMemoryMiB } from "./process-figures.ts";
import { profileVariables } from "./profiles.ts";
import { type Area, type AreaOptions, byProfile, type Curve, type Goal, withoutProfile } from "./report.ts";

const run = promisify(execFile);
const openAddress = "127.77.9.1";
const silentAddress = "127.77.9.2";
const openPorts = 300;
const socketsAtOnce = 512;
const allPorts = "1-65535";
const sizes = [655, 6_553, 65_535];

/** Scans of loopback through a real hub and connector, timed by the client that asked. */
export const measureConnector: Area = async (options) => {
  const site = new Site(options);
  try {
    await site.start();
    const timed = await againstNmap(site, options);
    const { goal: memory, curve } = await memoryBySize(options);
    const goals = [...timed, await filteredPorts(site, options), await healthDuringScans(site, options), memory];
    return [{ title: "Connector", goals, curves: [curve] }];
  } finally {
    await site.stop();
  }
};

type Connector = Awaited<ReturnType<HubFleet["startConnector"]>>;

/** A hub, one connector with its defaults, and a client. */
class Site {
  readonly fleet = new HubFleet();
  readonly bench = new Bench();
  readonly #options: AreaOptions;
  #connector: Connector | undefined;
  #client: HubClient | undefined;

  constructor(options: AreaOptions) {
    this.#options = options;
  }

  async start(): Promise<void> {
    await this.fleet.startHub();
    this.#connector = await this.fleet.startConnector("c1", {
      CONNECTOR_MAX_SOCKETS: String(socketsAtOnce),
      ...profileVariables(this.#options),
    });
    this.#client = await this.fleet.connectClient();
    await this.scan(openAddress, "1");
  }

  get connector(): Connector {
    if (!this.#connector) throw new Error("the connector was not started");
    return this.#connector;
  }

  async scan(target: string, ports: string, portTimeoutMs = 1_000): Promise<{ seconds: number; result: HubBody<"result"> }> {
    const startedAt = performance.now();
    const scan = { target, ports, timeoutMs: 120_000, portTimeoutMs };
    const answer = await this.#client?.request(
      { name: "scan", body: scan },
      { timeoutMs: 130_000, signal: this.#options.signal },
    );
    if (answer?.name !== "result") throw new Error("a scan had no result");
    return { seconds: (performance.now() - startedAt) / 1000, result: answer.body };
  }

  async stop(): Promise<void> {
    // A profile is written only by a process that ends by itself.
    if (this.#options.profileDir) await this.#connector?.end("SIGTERM");
    await this.fleet.stop();
    await this.bench.stop();
  }
}

async function againstNmap(site: Site, { quick, say, signal }: AreaOptions): Promise<Goal[]> {
  const nmap = findPeer("nmap");
  const listeners = await site.bench.startScript("open-ports.ts", [openAddress, "20000", String(openPorts)]);
  const ours: number[] = [];
  const theirs: number[] = [];
  const judged: ReturnType<typeof judgeScan>[] = [];
  const judgedPeer: ReturnType<typeof judgeScan>[] = [];
  for (let round = 0; round < (quick ? 2 : 7); round += 1) {
    signal.throwIfAborted();
    const before = await readListeningPorts(openAddress);
    const { seconds, result } = await site.scan(openAddress, allPorts);
    const between = await readListeningPorts(openAddress);
    ours.push(seconds);
    judged.push(
      judgeScan(
        result.open.map(({ port }) => port),
        before,
        between,
      ),
    );
    if (!nmap) continue;
    const peer = await scanWithNmap(nmap, openAddress);
    theirs.push(peer.seconds);
    judgedPeer.push(judgeScan(peer.open, between, await readListeningPorts(openAddress)));
    say(`  all ports: ${seconds.toFixed(2)} s, nmap ${peer.seconds.toFixed(2)} s`);
  }
  await site.bench.end(listeners.child);
  const worst = (all: { recall: number; precision: number }[], key: "recall" | "precision") =>
    all.length > 0 ? Math.min(...all.map((each) => each[key])) * 100 : undefined;
  const share = (key: "recall" | "precision", name: string): Goal => ({
    name,
    unit: "% in the worst round",
    ours: worst(judged, key),
    peer: worst(judgedPeer, key),
    ratio: (worst(judged, key) ?? Number.NaN) / 100,
    wanted: { atLeast: 1 },
    whenMissed: withoutProfile("a port that changed between the scan and the look at /proc/net/tcp, or a fault of the scanner"),
  });
  return [
    {
      name: `scan of 65,535 ports, ${openPorts} of them open, beside nmap -sT -T4`,
      unit: "s",
      ours: median(ours),
      peer: nmap ? median(theirs) : undefined,
      ratio: nmap ? median(ours.map((seconds, index) => seconds / (theirs[index] ?? Number.NaN))) : undefined,
      wanted: { atMost: 0.9 },
      whenMissed: byProfile(
        "319e86e",
        "the system calls of 65,535 connections take 1.3-1.5 s of CPU in every scanner; the rest is net.Socket: making and ending a stream and an error object for each port",
      ),
      ...(nmap ? {} : { note: howToInstall("nmap") }),
    },
    share("recall", "  open ports found"),
    share("precision", "  found ports that are open"),
  ];
}

async function scanWithNmap(nmap: string, target: string): Promise<{ seconds: number; open: number[] }> {
  const startedAt = performance.now();
  const { stdout } = await run(nmap, ["-sT", "-T4", "-p-", "-n", "-Pn", "-oG", "-", target], { maxBuffer: 2 ** 24 });
  const open = [...stdout.matchAll(/(\d+)\/open\/tcp/g)].map(([, port]) => Number(port));
  return { seconds: (performance.now() - startedAt) / 1000, open };
}

/** Ports that do not answer: listeners whose backlog is full, in a process that is stopped. */
async function filteredPorts(site: Site, { quick, say }: AreaOptions): Promise<Goal> {
  const count = quick ? socketsAtOnce : 2 * socketsAtOnce;
  const timeoutMs = 1_000;
  const { child, first } = await site.bench.startScript("open-ports.ts", [silentAddress, "14000", String(count), "1"]);
  const ports = first as number[];
  child.kill("SIGSTOP");
  const fillers = await fillBacklogs(ports);
  try {
    const { seconds, result } = await site.scan(silentAddress, ports.join(","), timeoutMs);
    const bound = Math.ceil(ports.length / socketsAtOnce) * (timeoutMs / 1000);
    say(`  ${ports.length} silent ports: ${seconds.toFixed(2)} s, at best ${bound.toFixed(2)} s`);
    const isRight = result.open.length === 0 && result.closed === "" && result.unknown === "";
    return {
      name: `scan of ${ports.length} silent ports, ${socketsAtOnce} at once, beside ceil(P/C) x timeout`,
      unit: "s",
      ours: seconds,
      peer: bound,
      ratio: isRight ? seconds / bound : Number.POSITIVE_INFINITY,
      wanted: { atMost: 1.1 },
      whenMissed: withoutProfile(
        "timers that fire late on a busy machine, and the time between the end of a port and the start of the next",
      ),
      ...(isRight ? {} : { note: "not every one of them was told to be filtered" }),
    };
  } finally {
    for (const socket of fillers) socket.destroy();
    await site.bench.end(child);
  }
}

/** Connects until nothing answers any more: a backlog of 1 holds two connections. */
async function fillBacklogs(ports: number[]): Promise<Socket[]> {
  const sockets = ports.flatMap((port) => [0, 1].map(() => connect({ host: silentAddress, port, autoSelectFamily: false })));
  await Promise.all(
    sockets.map((socket) =>
      once(
        socket.on("error", () => {}),
        "connect",
      ),
    ),
  );
  return sockets;
}

async function healthDuringScans(site: Site, { quick, say }: AreaOptions): Promise<Goal> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const times: number[] = [];
  const idle: number[] = [];
  const ask = async (into: number[]) => into.push(await timeOfHealth(site.connector.healthPort, agent));
  for (let i = 0; i < 200; i += 1) await ask(idle);
  let isOver = false;
  const scans = Promise.all(Array.from({ length: 10 }, () => site.scan(openAddress, quick ? "1-8000" : "1-30000"))).finally(
    () => {
      isOver = true;
    },
  );
  while (!isOver) {
    await ask(times);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  await scans;
  agent.destroy();
  const p99 = percentile(times, 0.99);
  say(`  /health during 10 scans: p50 ${percentile(times, 0.5).toFixed(2)} ms, p99 ${p99.toFixed(2)} ms of ${times.length}`);
  return {
    name: "/health during 10 scans, p99 (beside: p99 without scans)",
    unit: "ms",
    ours: p99,
    peer: percentile(idle, 0.99),
    ratio: p99,
    wanted: { atMost: 10 },
    whenMissed: withoutProfile(
      "scans run in threads of their own: what is late is the process's turn on cores that the scanners fill",
    ),
  };
}

function timeOfHealth(port: number, agent: Agent): Promise<number> {
  const startedAt = performance.now();
  return new Promise((resolve, reject) => {
    get({ host: "127.0.0.1", port, path: "/health", agent }, (answer) => {
      answer.resume().once("end", () => resolve(performance.now() - startedAt));
    }).once("error", reject);
  });
}

/** A connector of its own for each size; all scan as many ports in all. */
async function memoryBySize(options: AreaOptions): Promise<{ goal: Goal; curve: Curve }> {
  const figures: { seconds: number; memory: number }[] = [];
  const repeats = options.quick ? 1 : 2;
  for (const size of sizes) {
    options.signal.throwIfAborted();
    const site = new Site({ ...options, profileDir: undefined });
    try {
      await site.start();
      const times: number[] = [];
      for (let scanned = 0; scanned < repeats * 65_535 - 100; scanned += size) {
        times.push((await site.scan(openAddress, `1-${size}`)).seconds);
      }
      const { pid = 0 } = site.connector.child;
      figures.push({ seconds: median(times), memory: peakMemoryMiB(pid) });
      options.say(`  ${size} ports: ${median(times).toFixed(3)} s, peak memory ${peakMemoryMiB(pid).toFixed(1)} MiB`);
    } finally {
      await site.stop();
    }
  }
  const [least, , most] = figures.map(({ memory }) => memory);
  return {
    goal: {
      name: "peak memory of scans of 65,535 ports beside 655",
      unit: "MiB",
      ours: most,
      peer: least,
      ratio: (most ?? Number.NaN) / (least ?? Number.NaN),
      wanted: { atMost: 1.1 },
      whenMissed: withoutProfile("a byte for each port of the scan, and when the collector of garbage came by"),
    },
    curve: {
      title: "Connector: by ports of a scan (as many ports in all)",
      heads: sizes.map((size) => size.toLocaleString("en-US")),
      rows: [
        { name: "time of a scan", unit: "s", values: figures.map(({ seconds }) => seconds) },
        { name: "ports scanned", unit: "1/s", values: figures.map(({ seconds }, index) => (sizes[index] ?? 0) / seconds) },
        { name: "peak memory", unit: "MiB", values: figures.map(({ memory }) => memory) },
      ],
    },
  };
}
