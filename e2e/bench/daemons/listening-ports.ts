import { readFile } from "node:fs/promises";

const listenState = "0A";

/** The ports on which somebody listens for connections to this IPv4 address, as the kernel tells in /proc/net/tcp and tcp6. */
export async function readListeningPorts(address: string): Promise<Set<number>> {
  const tables = await Promise.all(["/proc/net/tcp", "/proc/net/tcp6"].map((path) => readFile(path, "utf8").catch(() => "")));
  return parseListeningPorts(tables.join("\n"), address);
}

/** A listener on any address counts, one of IPv6 too: it takes IPv4 unless told otherwise. */
export function parseListeningPorts(tables: string, address: string): Set<number> {
  const bytes = address.split(".").map(Number).toReversed();
  const hex = Buffer.from(bytes).toString("hex").toUpperCase();
  const ports = new Set<number>();
  for (const line of tables.split("\n")) {
    const [, local = "", , state] = line.trim().split(/\s+/);
    const [host = "", port = ""] = local.split(":");
    if (state === listenState && (host === hex || /^0+$/.test(host))) ports.add(Number.parseInt(port, 16));
  }
  return ports;
}

/** Of a scan: the share of the open ports that it found, and the share of what it found that was open. */
export function judgeScan(found: readonly number[], before: ReadonlySet<number>, after: ReadonlySet<number>) {
  const always = [...before].filter((port) => after.has(port));
  const told = new Set(found);
  const right = [...told].filter((port) => before.has(port) || after.has(port));
  return { recall: always.filter((port) => told.has(port)).length / always.length, precision: right.length / told.size };
}
