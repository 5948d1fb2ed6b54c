import type { AreaOptions, Goal, Section } from "../daemons/report.ts";
import { median, percentile, type Row } from "../figures.ts";
import { Child } from "./child.ts";
import type { StreamReport } from "./stream-server.ts";
import type { ViewersReport } from "./stream-viewers.ts";

const goal = 4;
const stoppedMiB = 16;
/** Changes in each tick of 150 ms, so that the naive loop has about as much to do with any number of viewers. */
const loads: { viewers: number; perTick: number; ticks: number }[] = [
  { viewers: 10, perTick: 400, ticks: 12 },
  { viewers: 100, perTick: 100, ticks: 10 },
  { viewers: 1000, perTick: 20, ticks: 8 },
];
const growth = [1, 10, 100, 1000];

type Run = {
  perSecond: number;
  perCpuSecond: number;
  p50Ms: number;
  p95Ms: number;
  cpuPerViewer: number;
  rssMiB: number;
  lost: number;
};

/** What it costs to tell viewers of changes, and how late they learn of them. */
export async function measureStream({ quick, say }: AreaOptions): Promise<Section> {
  const goals: Goal[] = [];
  const fan: Record<"ours" | "naive", Run[]> = { ours: [], naive: [] };
  for (const load of loads) {
    const pairs: { ours: Run; naive: Run }[] = [];
    for (let round = 0; round < (quick ? 1 : 3); round += 1)
      pairs.push({ naive: await measure("/naive", load), ours: await measure("/ours", load) });
    const middle = (kind: "ours" | "naive") =>
      pairs.toSorted((a, b) => a[kind].perCpuSecond - b[kind].perCpuSecond)[Math.floor(pairs.length / 2)]?.[kind];
    const ratio = median(pairs.map(({ ours, naive }) => ours.perCpuSecond / naive.perCpuSecond));
    const [ours, naive] = [middle("ours"), middle("naive")];
    if (ours && naive) {
      fan.ours.push(ours);
      fan.naive.push(naive);
    }
    say(`  ${load.viewers} viewers: x ${ratio.toFixed(1)}`);
    goals.push({
      name: `deliveries for a second of the server's CPU, ${load.viewers} viewers; peer: one write for each change and viewer`,
      unit: "1/s",
      ours: ours?.perCpuSecond,
      peer: naive?.perCpuSecond,
      ratio,
      wanted: { atLeast: goal },
      whenMissed: ratio < goal ? await profileOf("/ours", load) : undefined,
    });
  }
  const grown: Run[] = [];
  for (const viewers of growth) {
    grown.push(await measure("/ours", { viewers, perTick: 3, ticks: quick ? 12 : 25 }));
    say(`  ${viewers} viewers: p95 ${grown.at(-1)?.p95Ms.toFixed(0)} ms`);
  }
  const [alone, crowd] = [grown[0], grown.at(-1)];
  goals.push({
    name: "change to browser, p95, 1,000 viewers beside one",
    unit: "ms",
    ours: crowd?.p95Ms,
    peer: alone?.p95Ms,
    ratio: crowd && alone && crowd.p95Ms / alone.p95Ms,
    wanted: { atMost: 2 },
    note: "a tick of 150 ms is part of it",
  });
  const stopped = await measureStopped(quick ? 20 : 40);
  say(`  stopped viewers: + ${stopped.grownMiB.toFixed(0)} MiB`);
  goals.push({
    name: "memory of the server while 20 of 40 viewers stop reading",
    unit: "MiB more",
    ours: stopped.grownMiB,
    ratio: stopped.grownMiB,
    wanted: { atMost: stoppedMiB },
    note: `${(stopped.bytesMissed / 2 ** 20).toFixed(0)} MiB were not taken by them; p95 of the others ${stopped.p95Ms.toFixed(0)} ms`,
  });
  const row = (name: string, unit: string, runs: Run[], pick: (run: Run) => number): Row => ({
    name,
    unit,
    values: runs.map(pick),
  });
  return {
    title: "Stream to the browsers",
    goals,
    curves: [
      {
        title: "Fan-out against the number of viewers",
        heads: loads.map(({ viewers, perTick }) => `${viewers} viewers, ${perTick} changes a tick`),
        isGrowth: false,
        rows: (["ours", "naive"] as const).flatMap((kind) => [
          row(`${kind}: deliveries`, "1/s", fan[kind], ({ perSecond }) => perSecond),
          row("  for a second of CPU", "1/s", fan[kind], ({ perCpuSecond }) => perCpuSecond),
          row("  change to browser, p95", "ms", fan[kind], ({ p95Ms }) => p95Ms),
          row("  not delivered", "", fan[kind], ({ lost }) => lost),
        ]),
      },
      {
        title: "Growth of the viewers, 20 changes a second",
        heads: growth.map((viewers) => `${viewers} viewers`),
        rows: [
          row("change to browser, p50", "ms", grown, ({ p50Ms }) => p50Ms),
          row("change to browser, p95", "ms", grown, ({ p95Ms }) => p95Ms),
          row("CPU for each viewer", "ms/s", grown, ({ cpuPerViewer }) => cpuPerViewer),
          row("resident memory", "MiB", grown, ({ rssMiB }) => rssMiB),
          row("not delivered", "", grown, ({ lost }) => lost),
        ],
      },
    ],
  };
}

type Load = { viewers: number; perTick: number; ticks: number };

async function withViewers<T>(path: string, viewers: number, measureIt: (server: Child, crowd: Child) => Promise<T>): Promise<T> {
  const server = new Child("stream-server.ts");
  const crowd = new Child("stream-viewers.ts");
  const work = async () => {
    const { port } = await server.next<{ port: number }>();
    await crowd.ask({ order: "connect", port, path, count: viewers });
    // The first changes warm up both sides, and do not count.
    await server.ask({ order: "change", perTick: Math.min(400, Math.ceil(4000 / viewers)), ticks: 10 });
    return measureIt(server, crowd);
  };
  try {
    return await work();
  } finally {
    await crowd.end();
    await server.end();
  }
}

async function measure(path: string, load: Load): Promise<Run> {
  return withViewers(path, load.viewers, (server, crowd) => run(server, crowd, load));
}

async function profileOf(path: string, load: Load): Promise<string> {
  return withViewers(path, load.viewers, (server, crowd) => server.profile(() => run(server, crowd, load)));
}

async function run(server: Child, crowd: Child, { viewers, perTick, ticks }: Load): Promise<Run> {
  const { lastChange } = await server.ask<StreamReport>({ order: "read" });
  await crowd.ask({ order: "count", behind: lastChange });
  const served = await server.ask<StreamReport>({ order: "change", perTick, ticks });
  const seen = await crowd.ask<ViewersReport>({ order: "report" });
  const latencies = latenciesOf(served, seen);
  return {
    perSecond: (seen.deliveries / served.ms) * 1000,
    perCpuSecond: (seen.deliveries / served.cpuMs) * 1000,
    p50Ms: percentile(latencies, 0.5),
    p95Ms: percentile(latencies, 0.95),
    cpuPerViewer: (served.cpuMs * 1000) / served.ms / viewers,
    rssMiB: served.rssMiB,
    lost: perTick * ticks * viewers - seen.deliveries,
  };
}

function latenciesOf({ changedAt }: StreamReport, { arrivals }: ViewersReport): number[] {
  return arrivals.flatMap(([change, at]) => {
    const since = changedAt[change];
    return since === undefined ? [] : [at - since];
  });
}

/** Half of the viewers stop reading while much changes. */
async function measureStopped(ticks: number): Promise<{ grownMiB: number; bytesMissed: number; p95Ms: number }> {
  const load = { viewers: 40, perTick: 500, ticks };
  return withViewers("/ours", load.viewers, async (server, crowd) => {
    await run(server, crowd, load);
    const before = await server.ask<StreamReport>({ order: "read" });
    await crowd.ask({ order: "count", behind: before.lastChange });
    await crowd.ask({ order: "stop-reading", count: load.viewers / 2 });
    const served = await server.ask<StreamReport>({ order: "change", ...load });
    const seen = await crowd.ask<ViewersReport>({ order: "report" });
    return {
      grownMiB: served.rssMiB - before.rssMiB,
      bytesMissed: seen.bytes,
      p95Ms: percentile(latenciesOf(served, seen), 0.95),
    };
  });
}
