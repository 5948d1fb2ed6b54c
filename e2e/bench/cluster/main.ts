/**
 * Measures the API server with its controllers as a process of its own while the cluster grows from 50 to 500 to 5,000 virtual
 * pods in 50 deployments on 100 nodes. Times are wall-clock times on whatever else the machine does; CPU times are the server's.
 *
 *   npm run bench:cluster -- [--sizes 50,500,5000] [--watchers 50] [--rounds 3] [--profile DIR]
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { median, printTable, type Row } from "../figures.ts";
import { type MeasuredServer, startMeasuredServer } from "./measured-server.ts";
import { type FanOut, measureFanOut, measureList, measureRollout, type Rollout, timed, Watchers } from "./measurements.ts";
import { createDeployment, createNodes, deleteDeployment, scaleDeployment, untilComplete } from "./workload.ts";

const { values: options } = parseArgs({
  options: {
    sizes: { type: "string", default: "50,500,5000" },
    deployments: { type: "string", default: "50" },
    nodes: { type: "string", default: "100" },
    watchers: { type: "string", default: "50" },
    rollout: { type: "string", default: "200" },
    rounds: { type: "string", default: "3" },
    profile: { type: "string" },
  },
});
const sizes = options.sizes.split(",").map(Number);
const deploymentCount = Number(options.deployments);
const rounds = Array.from({ length: Number(options.rounds) }, (_, index) => index);
const tableForm = "application/json;as=Table;v=v1;g=meta.k8s.io";
const say = (text: string) => process.stderr.write(`${text}\n`);

type Figures = Record<string, number>;

const dataDir = await mkdtemp(join(tmpdir(), "switchyard-bench-"));
let server: MeasuredServer | undefined;
try {
  server = await startMeasuredServer({ dataDir, profileDir: options.profile });
  const emptyStartMs = server.startedInMs;
  const figures: Figures[] = [];
  await createNodes(server.client, Number(options.nodes));
  let before = 0;
  for (const size of sizes) {
    say(`${size} pods ...`);
    figures.push(await measureAt(server, before, size));
    before = size;
    const last = figures.at(-1) ?? {};
    await server.end("SIGKILL");
    const starts: number[] = [];
    for (const _ of rounds) {
      server = await startMeasuredServer({ dataDir, profileDir: options.profile });
      starts.push(server.startedInMs);
      if (starts.length < rounds.length) await server.end("SIGKILL");
    }
    Object.assign(last, { startMs: median(starts), replayMs: median(starts) - emptyStartMs });
  }
  process.stdout.write(`${report(figures)}\n`);
} finally {
  await server?.end("SIGTERM");
  await rm(dataDir, { recursive: true, force: true });
}

async function measureAt(server: MeasuredServer, before: number, size: number): Promise<Figures> {
  const names = Array.from({ length: deploymentCount }, (_, index) => `load-${String(index).padStart(2, "0")}`);
  const replicas = Math.round(size / deploymentCount);
  const grow = async () => {
    for (const name of names) {
      if (before === 0) await createDeployment(server.client, name, replicas);
      else await scaleDeployment(server.client, name, replicas);
    }
    await untilComplete(server.client);
  };
  const grown = await server.profiled(`grow-${size}`, () => timed(server, grow));
  const pods = size - before;
  say(`  created in ${grown.seconds.toFixed(1)} s`);

  const listCount = size > 1000 ? 20 : 40;
  const listPods = () => measureList(server, "/api/v1/pods", "application/json", listCount);
  const list = await server.profiled(`list-${size}`, listPods);
  const table = await measureList(server, "/api/v1/pods", tableForm, Math.ceil(listCount / 4));
  say(`  list p95 ${list.p95Ms.toFixed(1)} ms`);

  const watchers = await Watchers.connect(server, Number(options.watchers));
  const fanOuts: FanOut[] = [];
  for (const round of rounds) {
    const load = { writes: 200, perSecond: 50, round: size * 10 + round };
    fanOuts.push(await server.profiled(`watch-${size}`, () => measureFanOut(server, watchers, load)));
    say(`  watch p95 ${fanOuts.at(-1)?.fromSending.p95Ms.toFixed(1)} ms`);
  }
  const fanOut = (pick: (one: FanOut) => number) => median(fanOuts.map(pick));

  await createDeployment(server.client, "rollout", Number(options.rollout));
  await untilComplete(server.client);
  const rollouts: Rollout[] = [];
  for (const round of rounds) {
    const roll = () => measureRollout(server, watchers, "rollout", `${size}-${round}`);
    rollouts.push(await server.profiled(`rollout-${size}`, roll));
    say(`  rollout ${rollouts.at(-1)?.seconds.toFixed(1)} s`);
  }
  const rollout = (pick: (one: Rollout) => number) => median(rollouts.map(pick));
  const loaded = await server.read({ ask: "collect" });
  await watchers.end();
  await deleteDeployment(server.client, "rollout");

  return {
    podsPerSecond: pods / grown.seconds,
    cpuPerPodMs: (grown.cpuSeconds * 1000) / pods,
    listP50Ms: list.p50Ms,
    listP95Ms: list.p95Ms,
    listCpuMs: list.cpuMs,
    listMB: list.megabytes,
    tableP50Ms: table.p50Ms,
    watchP50Ms: fanOut((one) => one.fromSending.p50Ms),
    watchP95Ms: fanOut((one) => one.fromSending.p95Ms),
    worstP95Ms: Math.max(...fanOuts.map((one) => one.fromSending.p95Ms)),
    watchP99Ms: fanOut((one) => one.fromSending.p99Ms),
    answerP95Ms: fanOut((one) => one.fromAnswer.p95Ms),
    writeP50Ms: fanOut((one) => one.writeP50Ms),
    cpuPerWriteMs: fanOut((one) => one.cpuMsPerWrite),
    lost: fanOuts.reduce((sum, { lost }) => sum + lost, 0),
    rolloutSeconds: rollout((one) => one.seconds),
    rolloutCpuSeconds: rollout((one) => one.cpuSeconds),
    rolloutEvents: rollout((one) => one.events),
    cpuPerEventMs: rollout((one) => (one.cpuSeconds * 1000) / one.events),
    rssMiB: loaded.rssBytes / 2 ** 20,
    externalMiB: loaded.externalBytes / 2 ** 20,
    heapTotalMiB: loaded.heapTotalBytes / 2 ** 20,
    heapMiB: (loaded.liveHeapBytes ?? Number.NaN) / 2 ** 20,
  };
}

function report(figures: Figures[]): string {
  const row = (name: string, unit: string, key: string, below?: number): Row => ({
    name,
    unit,
    values: figures.map((at) => at[key]),
    ...(below === undefined ? {} : { aim: { below } }),
  });
  return printTable(
    sizes.map((size) => `${size} pods`),
    [
      row("pods created, scheduled and ready", "1/s", "podsPerSecond"),
      row("  CPU for each", "ms", "cpuPerPodMs"),
      row("list of all pods, JSON, p50", "ms", "listP50Ms"),
      row("list of all pods, JSON, p95", "ms", "listP95Ms"),
      row("  CPU", "ms", "listCpuMs"),
      row("  size", "MB", "listMB"),
      row("list of all pods, Table, p50", "ms", "tableP50Ms"),
      row(`watch, ${options.watchers} watchers: sent to seen, p50`, "ms", "watchP50Ms"),
      row(`watch, ${options.watchers} watchers: sent to seen, p95`, "ms", "watchP95Ms", 20),
      row(`watch, ${options.watchers} watchers: sent to seen, p99`, "ms", "watchP99Ms"),
      row("  p95 of the worst round", "ms", "worstP95Ms"),
      row("  acknowledged to seen, p95", "ms", "answerP95Ms"),
      row("  write, sent to acknowledged, p50", "ms", "writeP50Ms"),
      row("  CPU for a write and its deliveries", "ms", "cpuPerWriteMs"),
      row("  deliveries lost", "", "lost"),
      row(`rollout of ${options.rollout} pods`, "s", "rolloutSeconds"),
      row("  CPU", "s", "rolloutCpuSeconds"),
      row("  events of pods", "", "rolloutEvents"),
      row("  CPU for each event", "ms", "cpuPerEventMs"),
      row("resident memory", "MiB", "rssMiB", 400),
      row("  heap", "MiB", "heapTotalMiB"),
      row("  of it live", "MiB", "heapMiB"),
      row("  outside of the heap", "MiB", "externalMiB"),
      row("start after kill -9", "ms", "startMs"),
      row("  more than an empty start", "ms", "replayMs", 2000),
    ],
  );
}
