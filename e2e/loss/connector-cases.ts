import { spawnSync } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import type { HubBody } from "#lib/protocol/hub-messages.ts";
import { eachPort, parsePorts } from "#lib/protocol/hub-ports.ts";
import { readMetric } from "#lib/protocol/testing/hub-fleet.ts";
import { eventually } from "#lib/protocol/testing/relay-stack.ts";
import { freePort } from "#lib/runtime/testing/free-port.ts";
import { type Case, type CaseGroup, Skip } from "./case.ts";
import { ConnectorSite } from "./connector-site.ts";
import type { History } from "./history.ts";
import { FullBacklog, Listeners } from "./listeners.ts";

type Result = HubBody<"result">;

const portsOfJob = 300;
const perSecond = 100;

/** Faults in the middle of a scan: its result comes once, and every port was connected to once. */
const faults: Record<
  string,
  { hubs?: number; fault: (site: ConnectorSite, untilScanned: (ports: number) => Promise<void>) => Promise<void> }
> = {
  "connector: the hub killed mid-scan": {
    fault: async (site, untilScanned) => {
      await untilScanned(60);
      await site.killHub(0, () => sleep(500));
    },
  },
  "connector: the hub killed twice mid-scan": {
    fault: async (site, untilScanned) => {
      for (const scanned of [60, 200]) {
        await untilScanned(scanned);
        await site.killHub(0, () => sleep(100));
      }
    },
  },
  "connector: its hub killed mid-scan, another hub goes on": {
    hubs: 2,
    fault: async (site, untilScanned) => {
      await untilScanned(60);
      await site.killHub(0);
    },
  },
  "connector: cut from the hub mid-scan": {
    fault: async ({ network }, untilScanned) => {
      await untilScanned(60);
      network.cut();
      await sleep(1_500);
      network.mend();
    },
  },
  "connector: cut from the hub until after the scan": {
    fault: async ({ network }, untilScanned) => {
      await untilScanned(60);
      network.cut();
      await untilScanned(portsOfJob);
      await sleep(1_500);
      network.mend();
    },
  },
  "connector: cut in the middle of its result": {
    fault: async ({ network }, untilScanned) => {
      await untilScanned(portsOfJob - 50);
      // The result, more than 10 KB, takes some seconds at this rate.
      network.faults = { bytesPerSecond: 2_000 };
      await untilScanned(portsOfJob);
      await sleep(2_000);
      network.reset();
      network.faults = {};
    },
  },
  "connector: the network half open for 6 s mid-scan": {
    fault: async ({ network }, untilScanned) => {
      await untilScanned(60);
      network.faults = { timeoutMs: 0 };
      await sleep(6_000);
      network.faults = {};
    },
  },
  "connector: connections that end 1.5 s late, the hub killed mid-scan": {
    fault: async (site, untilScanned) => {
      await untilScanned(60);
      site.network.faults = { slowCloseMs: 1_500 };
      await site.killHub(0, () => sleep(300));
    },
  },
  "connector: frozen past the heartbeat mid-scan": {
    fault: async (site, untilScanned) => {
      await untilScanned(60);
      site.connector.child.kill("SIGSTOP");
      await sleep(4_000);
      const peers = await readMetric(site.healthPorts[0] ?? 0, 'hub_peers{role="connector"}');
      site.connector.child.kill("SIGCONT");
      if (peers !== 0) throw new Error(`the hub still has ${peers} connectors after three heartbeats`);
    },
  },
  "connector: Redis killed and restarted mid-scan": {
    fault: async ({ redis }, untilScanned) => {
      await untilScanned(60);
      await redis.kill();
      await sleep(1_500);
      await redis.restart();
    },
  },
};

/** The cases of the connector; each has hubs, a Redis and connectors of its own. */
export function connectorCases(): CaseGroup {
  const cases: Case[] = [
    ...Object.entries(faults).map(([name, { hubs = 1, fault }]) => ({
      name,
      run: (history: History) => withSite(hubs, (site) => scanOnce(site, history, fault)),
    })),
    {
      name: "connector: kill -9 of connectors with jobs under way",
      run: (history) => withSite(1, (site) => killConnectors(site, history)),
    },
    { name: "connector: ports with a full backlog", run: (history) => withSite(1, (site) => scanFullBacklogs(site, history)) },
    { name: "connector: a tarpit", run: (history) => withSite(1, (site) => scanTarpit(site, history)) },
    { name: "connector: 256 descriptors", run: (history) => withSite(1, (site) => scanWithFewDescriptors(site, history)) },
  ];
  return { cases, stop: async () => {} };
}

async function withSite(hubs: number, use: (site: ConnectorSite) => Promise<void>): Promise<void> {
  const site = new ConnectorSite();
  try {
    await site.start(hubs);
    await use(site);
  } finally {
    await site.stop();
  }
}

/**
 * Every port is a message: sent when the job is given, acknowledged when the result says that it is open, delivered when its
 * listener was connected to. A port that was connected to twice was scanned twice.
 */
async function scanOnce(
  site: ConnectorSite,
  history: History,
  fault: (site: ConnectorSite, untilScanned: (ports: number) => Promise<void>) => Promise<void>,
): Promise<void> {
  const seen = new Set<number>();
  const listeners = await Listeners.open("127.77.4.1", portsOfJob, (port, socket) => {
    seen.add(port);
    history.add({ kind: "delivered", observer: "listeners", ...messageOf(port) });
    socket.destroy();
  });
  try {
    await site.startConnector("c1", { CONNECTOR_MAX_RATE: String(perSecond) });
    for (const port of listeners.ports) history.add({ kind: "sent", ...messageOf(port) });
    const answer = site.ask("the job", { target: listeners.address, ports: listeners.ports.join(",") });
    await Promise.race([
      fault(site, (ports) => eventually(() => seen.size >= ports, 60_000).then(() => {})),
      answer.then(() => Promise.reject(new Error("the result came before the fault"))),
    ]);
    const result = await answer;
    for (const { port } of result.open) history.add({ kind: "acknowledged", ...messageOf(port) });
    if (!result.complete || result.open.length < portsOfJob)
      history.add({
        kind: "wrong",
        what: `the result has ${result.open.length} of ${portsOfJob} ports, complete: ${result.complete}`,
      });
    await isStored(site, history, "the job", result);
    // A second scan would be under way by now.
    await sleep(1_500);
  } finally {
    listeners.close();
  }
}

/** Every job is a message: sent when given, acknowledged by its result, delivered when the store gives the same result again. */
async function killConnectors(site: ConnectorSite, history: History): Promise<void> {
  const listeners = await Listeners.open("127.77.4.2", 50, (_port, socket) => void socket.destroy());
  const jobs = Array.from({ length: 12 }, (_, index) => ({ producer: "job", sequence: index + 1 }));
  const settings = { MAX_CONCURRENT_SCANS: "3", CONNECTOR_MAX_RATE: "60" };
  try {
    const connectors = [await site.startConnector("c1", settings), await site.startConnector("c2", settings)];
    const results = new Map<number, Result>();
    const answers = jobs.map(async (job) => {
      history.add({ kind: "sent", ...job });
      const result = await site.ask(`job ${job.sequence}`, { target: listeners.address, ports: listeners.ports.join(",") });
      history.add({ kind: "acknowledged", ...job });
      results.set(job.sequence, result);
      if (!result.complete || result.open.length < listeners.ports.length)
        history.add({ kind: "wrong", what: `job ${job.sequence} has ${result.open.length} of ${listeners.ports.length} ports` });
    });
    for (const [index, connector] of connectors.entries()) {
      await eventually(async () => ((await readMetric(connector.healthPort, "connector_scans_running")) ?? 0) > 1, 30_000);
      await sleep(300);
      await connector.end("SIGKILL");
      await sleep(300);
      await site.startConnector(`c${index + 1}`, settings);
    }
    await Promise.all(answers);
    for (const job of jobs) {
      const isKept = await isStored(site, history, `job ${job.sequence}`, results.get(job.sequence));
      if (isKept) history.add({ kind: "delivered", observer: "store", ...job });
    }
    const ended = await readMetric(site.healthPorts[0] ?? 0, 'hub_jobs_total{result="ok"}');
    if (ended !== jobs.length) history.add({ kind: "wrong", what: `${jobs.length} jobs have ended ${ended} times` });
  } finally {
    listeners.close();
  }
}

/** Whether the job, asked again, gives what it gave. */
async function isStored(site: ConnectorSite, history: History, job: string, result: Result | undefined): Promise<boolean> {
  const again = await site.ask(job, { target: "127.0.0.1", ports: "1" });
  const isSame = isDeepStrictEqual(again, result);
  if (!isSame) history.add({ kind: "wrong", what: `${job} has two results, of ${result?.startedAt} and ${again.startedAt}` });
  return isSame;
}

/** Every port is a message: acknowledged as it is in the result, delivered when that is one of the states that it may have. */
async function scanExpecting(
  site: ConnectorSite,
  history: History,
  { address, expected, ...scan }: { address: string; expected: Map<number, string[]>; banners?: boolean },
): Promise<void> {
  for (const port of expected.keys()) history.add({ kind: "sent", ...messageOf(port) });
  const ports = [...expected.keys()].join(",");
  const result = await site.ask("states", { target: address, ports, portTimeoutMs: 500, ...scan });
  const states = statesOf(result);
  for (const [port, allowed] of expected) {
    const state = states.get(port) ?? "not in the result";
    history.add({ kind: "acknowledged", ...messageOf(port) });
    if (allowed.includes(state)) history.add({ kind: "delivered", observer: "result", ...messageOf(port) });
    else history.add({ kind: "wrong", what: `port ${port} is ${state}, not ${allowed.join(" or ")}` });
  }
}

/** Ports come in no order: each is a message of its own. */
function messageOf(port: number): { producer: string; sequence: number } {
  return { producer: `port ${port}`, sequence: 1 };
}

function statesOf(result: Result): Map<number, string> {
  const states = new Map(result.open.map(({ port }) => [port, "open"]));
  for (const state of ["closed", "filtered", "unknown"] as const) {
    if (result[state] === "") continue;
    for (const port of eachPort(parsePorts(result[state]))) states.set(port, state);
  }
  return states;
}

async function scanFullBacklogs(site: ConnectorSite, history: History): Promise<void> {
  const address = "127.77.4.3";
  const full: FullBacklog[] = [];
  try {
    for (let index = 0; index < 8; index += 1) full.push(await FullBacklog.open(address));
    await site.startConnector("c1");
    const expected = new Map(full.map(({ port }) => [port, ["filtered"]]));
    expected.set(await freePort(), ["closed"]);
    await scanExpecting(site, history, { address, expected });
  } finally {
    await Promise.all(full.map((one) => one.close()));
  }
}

/** Ports that take every connection, say a byte now and then, and never close. */
async function scanTarpit(site: ConnectorSite, history: History): Promise<void> {
  const drips = new Set<NodeJS.Timeout>();
  const listeners = await Listeners.open("127.77.4.4", 50, (_port, socket) => {
    const drip = setInterval(() => socket.write("."), 50);
    drips.add(drip);
    socket.on("close", () => clearInterval(drip));
  });
  try {
    await site.startConnector("c1");
    const expected = new Map(listeners.ports.map((port) => [port, ["open"]]));
    await scanExpecting(site, history, { address: listeners.address, expected, banners: true });
  } finally {
    for (const drip of drips) clearInterval(drip);
    listeners.close();
  }
}

/** More sockets are allowed than there are descriptors. */
async function scanWithFewDescriptors(site: ConnectorSite, history: History): Promise<void> {
  const listeners = await Listeners.open("127.77.4.5", 600, (_port, socket) => void socket.destroy());
  try {
    const { child } = await site.startConnector("c1", { CONNECTOR_MAX_SOCKETS: "2000" });
    const { status } = spawnSync("prlimit", ["--pid", String(child.pid), "--nofile=256:256"]);
    if (status !== 0) throw new Skip("prlimit does not set the limit of descriptors here");
    const expected = new Map(listeners.ports.map((port) => [port, ["open", "unknown"]]));
    await scanExpecting(site, history, { address: listeners.address, expected });
  } finally {
    listeners.close();
  }
}
