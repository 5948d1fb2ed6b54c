import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { median } from "../figures.ts";
import { memoryMiB } from "./process-figures.ts";
import { makeHistory } from "./relay-database.ts";
import type { RelaySite, Server } from "./relay-site.ts";
import { type AreaOptions, type Goal, type Section, withoutProfile } from "./report.ts";

/** Memory of a process with so many connections that do nothing, beside bare `ws`; after a collection. */
export async function measureMemory(site: RelaySite, { quick, say }: AreaOptions): Promise<Section> {
  const sizes = quick ? [100, 1000] : [100, 1000, 10_000];
  const resident = new Map<string, number[]>();
  for (const server of [await site.startPeer("bare"), await site.startRelay()]) {
    const load = site.startLoad();
    const documents = Array.from({ length: 100 }, () => randomUUID());
    const grown: number[] = [];
    let there = 0;
    for (const size of sizes) {
      say(`relay: memory of ${server.dialect} with ${size} connections`);
      const some = Array.from({ length: size - there }, (_, index) => site.target(server, documents[index % 100] ?? ""));
      await load.call("addIdle", some);
      there = size;
      grown.push(await memoryAfterCollection(server, quick));
    }
    resident.set(server.dialect, grown);
    load.end();
  }
  const [ours = [], peer = []] = [resident.get("relay"), resident.get("bare")];
  const last = sizes.length - 1;
  return {
    title: "Relay: memory",
    goals: [
      {
        name: `resident with ${sizes[last]} connections, beside bare ws`,
        unit: "MiB",
        ours: ours[last],
        peer: peer[last],
        ratio: (ours[last] ?? Number.NaN) / (peer[last] ?? Number.NaN),
        wanted: { atMost: 1.5 },
        whenMissed: withoutProfile(
          "a session, its parser and its place in a document for each connection; the rest is ws and the socket, as in the peer",
        ),
      },
    ],
    curves: [
      {
        title: "Resident memory by connections to 100 documents",
        heads: sizes.map(String),
        rows: [
          { name: "relay", unit: "MiB", values: ours },
          { name: "bare ws", unit: "MiB", values: peer },
        ],
      },
    ],
  };
}

async function memoryAfterCollection(server: Server, quick: boolean): Promise<number> {
  for (let times = 0; times < 3; times += 1) {
    process.kill(server.pid, "SIGUSR2");
    await sleep(quick ? 300 : 1000);
  }
  return memoryMiB(server.pid);
}

/** How long a client needs until it is live, by the length of the document's history. */
export async function measureCatchUp(site: RelaySite, { quick, say }: AreaOptions): Promise<Section> {
  const sizes = quick ? [1000, 10_000] : [1000, 10_000, 100_000, 1_000_000];
  const relay = await site.startRelay();
  const load = site.startLoad();
  const joins: number[] = [];
  const resumptions: number[] = [];
  for (const size of sizes) {
    say(`relay: catching up with ${size} operations`);
    const target = site.target(relay, await makeHistory(site.stack.postgres.url, size));
    const p50 = async (greeting: object) => {
      await load.call("join", target, greeting, 3);
      return median(await load.call("join", target, greeting, quick ? 5 : 30));
    };
    joins.push(await p50({ type: "join" }));
    resumptions.push(await p50({ type: "join", since: size - 100 }));
  }
  const growth = (figures: number[]): Goal["ratio"] => (figures.at(-1) ?? Number.NaN) / (figures[0] ?? Number.NaN);
  const goal = (name: string, figures: number[]): Goal => ({
    name: `${name}: growth from ${sizes[0]} to ${sizes.at(-1)} operations (peer: ours with ${sizes[0]})`,
    unit: "ms",
    ours: figures.at(-1),
    peer: figures[0],
    ratio: growth(figures),
    wanted: { atMost: 1.5 },
    whenMissed: withoutProfile(
      "a snapshot and what came after it are read by index, whatever the length of the history: look for a snapshot that is late",
    ),
  });
  return {
    title: "Relay: catching up",
    goals: [goal("a new client", joins), goal("a client that has missed 100 operations", resumptions)],
    curves: [
      {
        title: "Until a client is live, by operations in the document's history",
        heads: sizes.map((size) => size.toLocaleString("en-US")),
        rows: [
          { name: "new", unit: "ms", values: joins },
          { name: "has missed 100 operations", unit: "ms", values: resumptions },
        ],
      },
    ],
  };
}
