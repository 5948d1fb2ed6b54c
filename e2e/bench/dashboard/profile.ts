import { Session } from "node:inspector/promises";

export type HotSpot = { name: string; share: number };

type Profile = {
  nodes: { id: number; callFrame: { functionName: string; url: string; lineNumber: number } }[];
  samples?: number[];
  timeDeltas?: number[];
};

export type ProfileOrder = { order: "start-profile" } | { order: "stop-profile" };

/** Lets this process be profiled by the one that started it, from when it says so, so that the start does not count. */
export function obeyProfileOrders(): void {
  const session = new Session();
  process.on("message", async ({ order }: ProfileOrder) => {
    if (order === "start-profile") {
      session.connect();
      await session.post("Profiler.enable");
      await session.post("Profiler.start");
      process.send?.("profiled");
    } else if (order === "stop-profile") {
      const { profile } = await session.post("Profiler.stop");
      session.disconnect();
      process.send?.(hotSpotsOf(profile));
    }
  });
}

/** The functions with the most time of their own, most first; waiting does not count. */
function hotSpotsOf({ nodes, samples = [], timeDeltas = [] }: Profile, count = 10): HotSpot[] {
  const times = new Map<string, number>();
  const names = new Map(nodes.map(({ id, callFrame }) => [id, nameOf(callFrame)]));
  for (const [index, id] of samples.entries()) {
    const name = names.get(id) ?? "";
    if (name !== "(idle)") times.set(name, (times.get(name) ?? 0) + (timeDeltas[index] ?? 0));
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
