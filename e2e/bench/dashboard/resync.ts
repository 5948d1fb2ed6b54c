import type { AreaOptions, Section } from "../daemons/report.ts";
import { median, type Row } from "../figures.ts";
import { Child } from "./child.ts";
import type { ReaderReport } from "./watch-reader.ts";

const goalMs = 50;
const changedShare = 0.1;

type Resync = { first: ReaderReport; again: ReaderReport };

/** How long the process stands still while it reads the whole cluster: at first, and again after 410 with a tenth of it changed. */
export async function measureResync({ quick, say }: AreaOptions): Promise<Section> {
  const sizes = quick ? [500, 5000] : [500, 5000, 50_000];
  const api = new Child("api-server.ts");
  const { port } = await api.next<{ port: number }>();
  const rounds: Resync[][] = [];
  try {
    for (const size of sizes) {
      await api.ask({ order: "make", pods: size, events: 0, changedShare });
      const ofSize: Resync[] = [];
      // The first reader also makes the server build its pages, and does not count.
      for (let round = 0; round < (quick ? 2 : 3); round += 1) {
        await api.ask({ order: "begin-again" });
        const resync = await readTwice(api, port, size);
        if (round > 0) ofSize.push(resync);
        say(`  ${size} pods: ${resync.first.worstBlockMs.toFixed(0)} and ${resync.again.worstBlockMs.toFixed(0)} ms`);
      }
      rounds.push(ofSize);
    }
  } finally {
    await api.end();
  }
  const last = rounds.at(-1) ?? [];
  const size = sizes.at(-1);
  const worst = (of: "first" | "again") => median(last.map((round) => round[of].worstBlockMs));
  const worstCpu = (of: "first" | "again") => median(last.map((round) => round[of].worstBlockCpuMs));
  const row = (name: string, unit: string, pick: (round: Resync) => number): Row => ({
    name,
    unit,
    values: rounds.map((round) => median(round.map(pick))),
  });
  const goal = (name: string, of: "first" | "again") => ({
    name: `longest turn of the event loop by its CPU: ${name}, ${size} pods`,
    unit: "ms",
    ours: worstCpu(of),
    ratio: worstCpu(of),
    wanted: { atMost: goalMs },
    note: `${worst(of).toFixed(0)} ms by the clock, of which the rest is what other processes of the machine took`,
    whenMissed: "the pages of the list, taken in by slices of 8 ms; a slice ends behind the object that it is at",
  });
  return {
    title: "Resync",
    goals: [goal("first list", "first"), goal("list after 410, a tenth changed", "again")],
    curves: [
      {
        title: "Resync against the size of the fleet",
        heads: sizes.map((one) => `${one} pods`),
        rows: [
          row("first list: longest block", "ms", ({ first }) => first.worstBlockMs),
          row("  CPU of the longest turn", "ms", ({ first }) => first.worstBlockCpuMs),
          row("  until it is known", "ms", ({ first }) => first.ms),
          row("  CPU", "ms", ({ first }) => first.cpuMs),
          row("after 410: longest block", "ms", ({ again }) => again.worstBlockMs),
          row("  CPU of the longest turn", "ms", ({ again }) => again.worstBlockCpuMs),
          row("  until it is known", "ms", ({ again }) => again.ms),
          row("heap", "MiB", ({ again }) => again.heapMiB),
          row("resident memory at most", "MiB", ({ again }) => again.peakRssMiB),
        ],
      },
    ],
  };
}

async function readTwice(api: Child, port: number, pods: number): Promise<Resync> {
  const reader = new Child("watch-reader.ts", ["resync", String(port)]);
  try {
    const first = await reader.next<ReaderReport>();
    await api.untilMessage("watched");
    const relist = async () => {
      await reader.ask({ order: "report-relist" });
      await api.ask({ order: "expire" });
      return reader.next<ReaderReport>();
    };
    const again = await relist();
    await api.untilMessage("watched");
    if (first.pods !== pods || again.pods !== pods) throw new Error(`${first.pods} and ${again.pods} of ${pods} pods are known`);
    return { first, again };
  } finally {
    await reader.end();
  }
}
