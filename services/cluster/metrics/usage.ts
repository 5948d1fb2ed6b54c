import type { Point, Reading } from "./summary.ts";

/** Processor use over the window that ended at `atMs`, in billionths of a core, and the memory at its end. */
export type Usage = { atMs: number; windowMs: number; cpuNanoCores: number; memoryBytes: number };

export type PodUsage = { atMs: number; windowMs: number; containers: { name: string; usage: Usage }[] };

type Pair = { previous: Point | undefined; last: Point };

/** The last two readings of a node's kubelet, from which rates are computed as metrics-server does. */
export type NodeReadings = { node: Pair; pods: Map<string, Map<string, Pair>> };

/** The readings after another one. What the new one no longer tells of is forgotten. */
export function withReading(before: NodeReadings | undefined, reading: Reading): NodeReadings {
  const pods = [...reading.pods].map(([uid, containers]): [string, Map<string, Pair>] => {
    const known = before?.pods.get(uid);
    return [uid, new Map([...containers].map(([name, point]) => [name, follow(known?.get(name), point)]))];
  });
  return { node: follow(before?.node, reading.node), pods: new Map(pods) };
}

/** A kubelet that shows the same sample again tells nothing new; a restarted container starts anew. */
function follow(before: Pair | undefined, point: Point): Pair {
  if (!before) return { previous: undefined, last: point };
  if (point.atMs <= before.last.atMs && point.startedMs === before.last.startedMs) return before;
  const isRestarted = point.startedMs > before.last.startedMs || point.cpuNanoSeconds < before.last.cpuNanoSeconds;
  return { previous: isRestarted ? undefined : before.last, last: point };
}

export function nodeUsage({ node }: NodeReadings): Usage | undefined {
  return usageOf(node);
}

/** The use of a pod: undefined until each of its containers has been seen twice. */
export function podUsage({ pods }: NodeReadings, uid: string): PodUsage | undefined {
  const containers: PodUsage["containers"] = [];
  for (const [name, pair] of pods.get(uid) ?? []) {
    const usage = usageOf(pair);
    if (!usage) return undefined;
    containers.push({ name, usage });
  }
  const [first, ...others] = containers.map(({ usage }) => usage);
  if (!first) return undefined;
  const earliest = others.reduce((best, usage) => (usage.atMs < best.atMs ? usage : best), first);
  return { atMs: earliest.atMs, windowMs: earliest.windowMs, containers };
}

function usageOf({ previous, last }: Pair): Usage | undefined {
  if (!previous) return undefined;
  const windowMs = last.atMs - previous.atMs;
  const cpuNanoCores = Math.round(((last.cpuNanoSeconds - previous.cpuNanoSeconds) * 1000) / windowMs);
  return { atMs: last.atMs, windowMs, cpuNanoCores, memoryBytes: last.memoryBytes };
}
