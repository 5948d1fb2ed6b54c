import type { AreaOptions, Section } from "../daemons/report.ts";
import { median, type Row } from "../figures.ts";
import { Child } from "./child.ts";
import { describeHotSpots } from "./profile.ts";
import type { ReaderReport } from "./watch-reader.ts";

const goal = 5;
const judgedSize = 5000;

type Round = { perSecond: number; perCpuSecond: number };

/** Events of 5 KB a second: client-node's Watch up to its callback, the product up to the change in the fleet store. */
export async function measureDecode({ quick, say }: AreaOptions): Promise<Section> {
  const events = quick ? 10_000 : 40_000;
  const sizes = [500, judgedSize, 50_000];
  const api = new Child("api-server.ts");
  const { port } = await api.next<{ port: number }>();
  const rows: Record<"ours" | "peer" | "ratio" | "cpu", number[]> = { ours: [], peer: [], ratio: [], cpu: [] };
  let judged: { ours: number; peer: number; ratio: number; cpuRatio: number } | undefined;
  let profile = "";
  try {
    for (const size of sizes) {
      await api.ask({ order: "make", pods: size, events, changedShare: 0 });
      const ours: Round[] = [];
      const peer: Round[] = [];
      for (let round = 0; round < (quick ? 1 : size === judgedSize ? 3 : 2); round += 1) {
        peer.push(await readAll(api, "peer", port, events));
        ours.push(await readAll(api, "ours", port, events));
        say(`  ${size} pods: ${ours.at(-1)?.perSecond.toFixed(0)} against ${peer.at(-1)?.perSecond.toFixed(0)} events/s`);
      }
      const ratio = median(ours.map(({ perSecond }, index) => perSecond / (peer[index]?.perSecond ?? Number.NaN)));
      const cpuRatio = median(ours.map(({ perCpuSecond }, index) => perCpuSecond / (peer[index]?.perCpuSecond ?? Number.NaN)));
      rows.ours.push(median(ours.map(({ perSecond }) => perSecond)));
      rows.peer.push(median(peer.map(({ perSecond }) => perSecond)));
      rows.ratio.push(ratio);
      rows.cpu.push(cpuRatio);
      if (size !== judgedSize) continue;
      judged = {
        ours: median(ours.map(({ perCpuSecond }) => perCpuSecond)),
        peer: median(peer.map(({ perCpuSecond }) => perCpuSecond)),
        ratio,
        cpuRatio,
      };
      if (cpuRatio < goal) await readAll(api, "ours", port, events, (spots) => (profile = spots));
    }
  } finally {
    await api.end();
  }
  const row = (name: string, unit: string, values: number[]): Row => ({ name, unit, values });
  return {
    title: "Watch decode",
    goals: [
      {
        name: `events of 5 KB over ${judgedSize} pods, from the socket to the fleet store; peer: client-node's Watch to its callback`,
        unit: "for a second of CPU",
        ours: judged?.ours,
        peer: judged?.peer,
        ratio: judged?.cpuRatio,
        wanted: { atLeast: goal },
        note: `${judged?.ratio.toFixed(1)} x by the clock; no pod comes again before all have come, the least favourable order`,
        whenMissed: profile,
      },
    ],
    curves: [
      {
        title: "Watch decode against the size of the fleet",
        heads: sizes.map((size) => `${size} pods`),
        rows: [
          row("ours", "1/s", rows.ours),
          row("client-node", "1/s", rows.peer),
          row("ratio", "", rows.ratio),
          row("ratio by CPU time", "", rows.cpu),
        ],
      },
    ],
  };
}

async function readAll(
  api: Child,
  kind: "ours" | "peer",
  port: number,
  events: number,
  onProfile?: (spots: string) => void,
): Promise<Round> {
  const reader = new Child("watch-reader.ts", [kind, String(port)], { isProfiled: onProfile !== undefined });
  try {
    await api.untilMessage("watched");
    if (kind === "ours") await reader.next();
    await reader.ask({ order: "start-clock" });
    await api.ask({ order: "send" });
    const { ms, cpuMs } = await reader.next<ReaderReport>();
    return { perSecond: (events / ms) * 1000, perCpuSecond: (events / cpuMs) * 1000 };
  } finally {
    const spots = await reader.end();
    onProfile?.(describeHotSpots(spots));
  }
}
