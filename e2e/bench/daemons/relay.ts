import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { median, percentile } from "../figures.ts";
import { cpuSeconds } from "./process-figures.ts";
import { DatabasePeer } from "./relay-database.ts";
import { measureCatchUp, measureMemory } from "./relay-growth.ts";
import { type PeerName, RelaySite } from "./relay-site.ts";
import { type Area, type AreaOptions, byProfile, type Goal, type Section, withoutProfile } from "./report.ts";

/** The most operations of a submission; a client has one under way. Peers get as many under way. */
const underWay = 64;
const subscribersInAll = 1000;

/** Of what the relay takes at most, how much it is given when the time to an acknowledgement is measured. */
const loads = [0.25, 0.5, 0.75];

/** The goals of durable operations are measured with so many documents; the curve has fewer and more. */
const documentsOfGoals = 10;

/** The commit that the profiles of fan-out are of. */
const profiledFanOut = "a0007d6";

// From one profile each (--profile), by clients of a document: shares of what the relay's process took, which waited in between for
// PostgreSQL and for its turn on 2 cores that it shares with load and database.
const whereTimeGoes = new Map([
  [10, "writes to sockets 34 %, collecting garbage 12 %, and nothing else more than 3 %"],
  [100, "writes to sockets 34 %, collecting garbage 10 %, and nothing else more than 2 %"],
  [1000, "writes to sockets 49 %, collecting garbage 6 %, and nothing else more than 2 %"],
]);

export const measureRelay: Area = async (options) => {
  const parts = [measureSpread, measureCommits, measureSecondReplica, measureMemory, measureCatchUp];
  const sections: Section[] = [];
  for (const part of parts) {
    if (options.signal.aborted) break;
    const site = await RelaySite.start(options);
    try {
      sections.push(await part(site, options));
    } catch (error) {
      if (options.signal.aborted) break;
      sections.push({ title: `Relay: ${part.name} did not come to its end (${error})`, goals: [] });
      process.exitCode = 1;
    } finally {
      await site.stop();
    }
  }
  return sections;
};

// From one profile (--profile) of the part measureCommits, which idled for 31 % of its time, waiting for PostgreSQL.
const whereCommitsGo = byProfile(
  "57058a3",
  "the relay idles for 31 % of the time, while the documents' batches commit one after another, each with its round trip and its write of PostgreSQL's log; of the rest 30 % are writes to sockets, 16 % garbage, 10 % the client of PostgreSQL, 3 % that of Redis, 3 % checks of messages",
);

/** Operations delivered a second to 1,000 clients, so many to a document, one of which writes. */
export async function measureSpread(site: RelaySite, { quick, say }: AreaOptions): Promise<Section> {
  const sizes = quick ? [10, 100] : [10, 100, 1000];
  const [rounds, ms] = quick ? [1, 500] : [3, 1000];
  const peers: PeerName[] = ["coalesced", "socketio", "hocuspocus"];
  const figures = new Map<string, number[]>();
  const rowsStored: number[] = [];
  const ofSize = (server: string, size: number) => figures.get(`${server} ${size}`) ?? [];
  for (const size of sizes) {
    say(`relay: fan-out to ${size}`);
    const servers = [...(await Promise.all(peers.map((peer) => site.startPeer(peer)))), await site.startRelay()];
    const clients = servers.map(() => site.startLoad());
    for (const [index, server] of servers.entries()) {
      for (let document = 0; document < subscribersInAll / size; document += 1) {
        await clients[index]?.call("open", site.target(server, randomUUID()), size);
      }
    }
    await sleep(500);
    for (let round = 0; round <= rounds; round += 1) {
      for (const [index, { dialect }] of servers.entries()) {
        const perSecond = (await clients[index]?.call("spread", underWay, ms)) ?? Number.NaN;
        if (round > 0) figures.set(`${dialect} ${size}`, [...ofSize(dialect, size), perSecond]);
      }
    }
    for (const load of clients) load.end();
    rowsStored.push(await rowsPerSecondAlone(site, ms));
  }
  const goal = (peer: PeerName, size: number, atLeast: number, name: string, note?: string): Goal => ({
    name: `${size} subscribers: operations delivered, beside ${name}`,
    unit: "1/s",
    ours: median(ofSize("relay", size)),
    peer: median(ofSize(peer, size)),
    ratio: median(ofSize("relay", size).map((ours, round) => ours / (ofSize(peer, size)[round] ?? Number.NaN))),
    wanted: { atLeast },
    whenMissed: byProfile(profiledFanOut, whereTimeGoes.get(size) ?? "no such size was profiled"),
    ...(note ? { note } : {}),
  });
  const first =
    "an operation goes out when it is committed, and the peer stores nothing: see below how much PostgreSQL would allow if nothing else ran";
  return {
    title: "Relay: fan-out (1,000 clients; a writer in each document with 64 operations under way; peers store nothing)",
    goals: sizes.flatMap((size) => [
      goal("coalesced", size, 0.8, "one write a socket and tick", size === 10 ? first : undefined),
      ...(size === 100 ? [goal("socketio", size, 3, "Socket.IO")] : []),
      ...(size === 1000 ? [goal("socketio", size, 5, "Socket.IO")] : []),
    ]),
    curves: [
      {
        title: "Operations delivered a second to 1,000 clients, by clients of one document",
        heads: sizes.map(String),
        rows: [...peers, "relay"]
          .map((name) => ({
            name: { coalesced: "one write a socket and tick", socketio: "Socket.IO", hocuspocus: "Hocuspocus" }[name] ?? name,
            unit: "1/s",
            values: sizes.map((size) => median(ofSize(name, size))),
          }))
          .concat({
            name: "PostgreSQL alone, 100 rows a statement, times clients",
            unit: "1/s",
            values: sizes.map((size) => size * median(rowsStored)),
          }),
      },
    ],
  };
}

/** What PostgreSQL stores a second when nothing else asks for the processor. */
async function rowsPerSecondAlone(site: RelaySite, ms: number): Promise<number> {
  const database = new DatabasePeer(site.stack.postgres.url);
  try {
    await database.open();
    return await database.rowsPerSecond(100, ms);
  } finally {
    await database.close();
  }
}

/** Operations acknowledged a second, each of which is committed in PostgreSQL before. */
export async function measureCommits(site: RelaySite, { quick, say }: AreaOptions): Promise<Section> {
  const [rounds, ms] = quick ? [1, 500] : [3, 1500];
  const sizes = [1, documentsOfGoals, 100];
  const relay = await site.startRelay();
  const load = site.startLoad();
  const database = new DatabasePeer(site.stack.postgres.url);
  await database.open();
  const one: number[] = [];
  const batches: number[] = [];
  const ours = new Map<number, { perSecond: number; p95Ms: number }[]>(sizes.map((size) => [size, []]));
  const documents = Array.from({ length: 100 }, () => randomUUID());
  const atLoad = new Map<number, number[]>(loads.map((share) => [share, []]));
  const run = async (size: number) => {
    const targets = documents.slice(0, size).map((document) => site.target(relay, document));
    const { perSecond, latenciesMs } = await load.call("commit", targets, Math.min(underWay, 1600 / size), ms);
    return { perSecond, p95Ms: percentile(latenciesMs, 0.95) };
  };
  try {
    say("relay: durable operations");
    await run(100);
    for (let round = 0; round < rounds; round += 1) {
      one.push(await database.rowsPerSecond(1, ms / 2));
      batches.push(await database.rowsPerSecond(100, ms));
      for (const size of sizes) ours.get(size)?.push(await run(size));
      const most = ours.get(100)?.at(-1)?.perSecond ?? 0;
      for (const share of loads) {
        const targets = documents.map((document) => site.target(relay, document));
        const { latenciesMs } = await load.call("commitAt", targets, share * most, ms);
        atLoad.get(share)?.push(percentile(latenciesMs, 0.95));
      }
    }
  } finally {
    await database.close();
  }
  const goals = ours.get(documentsOfGoals) ?? [];
  const perSecond = goals.map((figures) => figures.perSecond);
  const p95OfGoals = median(goals.map((figures) => figures.p95Ms));
  const goal = (name: string, peer: number[], atLeast: number): Goal => ({
    name,
    unit: "1/s",
    ours: median(perSecond),
    peer: median(peer),
    ratio: median(perSecond.map((figure, round) => figure / (peer[round] ?? Number.NaN))),
    wanted: { atLeast },
    whenMissed: whereCommitsGo,
  });
  const p95Ms = (share: number) => median(atLoad.get(share) ?? []);
  return {
    title: `Relay: durable acknowledged operations (${documentsOfGoals} documents, 64 operations of each under way)`,
    goals: [
      goal("beside inserts of 100 rows by one statement", batches, 0.5),
      goal("beside commits of one row", one, 15),
      {
        name: "from submission to acknowledgement, p95, of these operations",
        unit: "ms",
        ours: p95OfGoals,
        ratio: p95OfGoals,
        wanted: { atMost: 50 },
        whenMissed: whereCommitsGo,
        note: "with more documents more operations are under way, and wait for each other: see the curves",
      },
    ],
    curves: [
      {
        title: "100 documents, 16 operations of each under way: by the share of the most operations a second, due at even times",
        heads: [...loads, 1].map((share) => `${share * 100} %`),
        isGrowth: false,
        rows: [
          {
            name: "p95",
            unit: "ms",
            values: [...loads.map(p95Ms), median((ours.get(100) ?? []).map((figures) => figures.p95Ms))],
          },
        ],
      },
      {
        title: "By documents, each with one writer and 64 operations under way, 1,600 in all at most",
        heads: sizes.map(String),
        rows: [
          {
            name: "acknowledged",
            unit: "1/s",
            values: sizes.map((size) => median((ours.get(size) ?? []).map((figures) => figures.perSecond))),
          },
          {
            name: "p95",
            unit: "ms",
            values: sizes.map((size) => median((ours.get(size) ?? []).map((figures) => figures.p95Ms))),
          },
        ],
      },
    ],
  };
}

/** What it costs that a document is served by a second replica, and what a third one does that does not serve it. */
export async function measureSecondReplica(site: RelaySite, { quick, say }: AreaOptions): Promise<Section> {
  say("relay: second replica");
  const [rounds, count] = quick ? [1, 100] : [3, 400];
  const [near, far, aside] = [await site.startRelay(), await site.startRelay(), await site.startRelay()];
  const load = site.startLoad();
  const document = randomUUID();
  await load.call("open", site.target(aside, randomUUID()), 2);
  const added: number[] = [];
  const nears: number[] = [];
  const fars: number[] = [];
  const shares: number[] = [];
  await load.call("compareReplicas", site.target(near, document), site.target(far, document), 200, 50);
  for (let round = 0; round < rounds; round += 1) {
    const cpu = async (action: () => Promise<unknown>) => {
      const [before, startedAt] = [cpuSeconds(aside.pid), performance.now()];
      await action();
      return (cpuSeconds(aside.pid) - before) / ((performance.now() - startedAt) / 1000);
    };
    const idle = await cpu(() => sleep(quick ? 500 : 3000));
    const busy = await cpu(async () => {
      const { nearMs, farMs } = await load.call(
        "compareReplicas",
        site.target(near, document),
        site.target(far, document),
        200,
        count,
      );
      nears.push(percentile(nearMs, 0.95));
      fars.push(percentile(farMs, 0.95));
      added.push(percentile(farMs, 0.95) - percentile(nearMs, 0.95));
    });
    shares.push(busy - idle);
  }
  return {
    title: "Relay: a second replica",
    goals: [
      {
        name: "p95 of what a client of the other replica waits longer (ours: other replica, peer: same replica, both ms)",
        unit: "ms",
        ours: median(fars),
        peer: median(nears),
        ratio: median(added),
        wanted: { atMost: 5 },
        whenMissed: withoutProfile("a hop through Redis, and what the processes take from each other on the machine's cores"),
      },
      {
        name: "CPU that a replica without the document uses more than idle",
        unit: "share of a core",
        ours: median(shares),
        ratio: median(shares),
        wanted: { atMost: 0.01 },
        whenMissed: withoutProfile(
          "a replica hears only of documents that it serves; what is left are its timers and the noise of the figure",
        ),
      },
    ],
  };
}
