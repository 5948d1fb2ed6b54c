/** An inclusive range of TCP ports. */
export type PortRange = { from: number; to: number };

/**
 * Reads a list of ports such as "22,80,8440-8446" into ranges that are sorted, merged and free of doubles. Throws RangeError
 * with a sentence about the first part that is wrong. Ports go from 1 to 65535.
 */
export function parsePorts(text: string): PortRange[] {
  const ranges = text.split(",").map((part): PortRange => {
    const match = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(part.trim());
    const from = Number(match?.[1]);
    const to = Number(match?.[2] ?? match?.[1]);
    if (!match || from < 1 || to > 65535 || from > to) throw new RangeError(`"${part}" is neither a port nor a range of ports`);
    return { from, to };
  });
  ranges.sort((a, b) => a.from - b.from);
  const merged: PortRange[] = [];
  for (const range of ranges) {
    const last = merged.at(-1);
    if (last && range.from <= last.to + 1) last.to = Math.max(last.to, range.to);
    else merged.push({ ...range });
  }
  return merged;
}

/** Adds a port that is higher than all those in the ranges. */
export function addPort(ranges: PortRange[], port: number): void {
  const last = ranges.at(-1);
  if (last?.to === port - 1) last.to = port;
  else ranges.push({ from: port, to: port });
}

/** Writes ranges as a list such as "22,80,8440-8446"; "" for none. */
export function formatPorts(ranges: PortRange[]): string {
  return ranges.map(({ from, to }) => (from === to ? `${from}` : `${from}-${to}`)).join(",");
}

/** How many ports the ranges hold. */
export function countPorts(ranges: PortRange[]): number {
  return ranges.reduce((sum, { from, to }) => sum + to - from + 1, 0);
}

/** Every port of the ranges, in order. */
export function* eachPort(ranges: PortRange[]): Generator<number> {
  for (const { from, to } of ranges) for (let port = from; port <= to; port++) yield port;
}
