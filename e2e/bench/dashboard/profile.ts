import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

export type HotSpot = { name: string; share: number };

type Profile = {
  nodes: { id: number; callFrame: { functionName: string; url: string; lineNumber: number } }[];
  samples: number[];
  timeDeltas: number[];
};

/** The functions with the most time of their own in the CPU profiles of a folder, most first; waiting does not count. */
export function readHotSpots(dir: string, count = 8): HotSpot[] {
  const times = new Map<string, number>();
  for (const file of readdirSync(dir).filter((name) => name.endsWith(".cpuprofile"))) {
    const profile = JSON.parse(readFileSync(join(dir, file), "utf8")) as Profile;
    const names = new Map(profile.nodes.map(({ id, callFrame }) => [id, nameOf(callFrame)]));
    for (const [index, id] of profile.samples.entries()) {
      const name = names.get(id) ?? "";
      if (name !== "(idle)") times.set(name, (times.get(name) ?? 0) + (profile.timeDeltas[index] ?? 0));
    }
  }
  const total = [...times.values()].reduce((sum, time) => sum + time, 0);
  const sorted = [...times].sort(([, a], [, b]) => b - a).slice(0, count);
  return sorted.map(([name, time]) => ({ name, share: time / total }));
}

/** The spots as one line. */
export function describeHotSpots(spots: readonly HotSpot[]): string {
  return spots.map(({ name, share }) => `${name} ${(share * 100).toFixed(0)} %`).join(", ");
}

function nameOf({ functionName, url, lineNumber }: Profile["nodes"][number]["callFrame"]): string {
  const file = url.split("/").at(-1);
  return file ? `${functionName || "(anonymous)"} (${file}:${lineNumber + 1})` : functionName;
}
