import type { AreaOptions, Goal, Section } from "../daemons/report.ts";
import { median, type Row } from "../figures.ts";
import { Child } from "./child.ts";
import type { ReaderReport } from "./watch-reader.ts";

const goal = 5;
const judgedSize = 5000;
const kinds = ["peer", "decode", "store"] as const;

type Kind = (typeof kinds)[number];
/** `cpuMicros` is for one event, of all threads of the process; `decodedShare` tells what was not passed over for a newer event. */
type Round = { perSecond: number; cpuMicros: number; decodedShare: number };
type Rounds = Record<Kind, Round[]>;

/**
 * Events of 5 KB a second, one watch, without end: client-node's Watch up to its callback, the product's reflector up to its callback,
 * and the product up to the change in the fleet store with two pages open.
 */
export async function measureDecode({ quick, say }: AreaOptions): Promise<Section> {
  const sizes = [500, judgedSize, 50_000];
  const api = new Child("api-server.ts");
  const { port } = await api.next<{ port: number }>();
  const all: Rounds[] = [];
  let profiles: Record<"decode" | "store", string> | undefined;
  try {
    for (const size of sizes) {
      const made = Math.max(10_000, size);
      await api.ask({ order: "make", pods: size, events: made, changedShare: 0 });
      const rounds: Rounds = { peer: [], decode: [], store: [] };
      for (let round = 0; round < (quick || size !== judgedSize ? 1 : 3); round += 1)
        for (const kind of kinds)
          rounds[kind].push(await readAll(api, kind, port, made, quick || size !== judgedSize ? 50_000 : 100_000));
      all.push(rounds);
      say(
        `  ${size} pods: ${kinds.map((kind) => `${kind} ${middle(rounds[kind], "perSecond").toFixed(0)}`).join(", ")} events/s`,
      );
      if (size !== judgedSize) continue;
      profiles = {
        decode: await profileOf(api, "decode", port, made),
        store: await profileOf(api, "store", port, made),
      };
    }
  } finally {
    await api.end();
  }
  const judged = all[sizes.indexOf(judgedSize)] ?? { peer: [], decode: [], store: [] };
  const row = (name: string, unit: string, pick: (rounds: Rounds) => number): Row => ({ name, unit, values: all.map(pick) });
  const ratioTo = (kind: Kind, rounds: Rounds) =>
    median(rounds[kind].map(({ perSecond }, index) => perSecond / (rounds.peer[index]?.perSecond ?? Number.NaN)));
  const goalOf = (kind: "decode" | "store", name: string): Goal => ({
    name: `events of 5 KB over ${judgedSize} pods, ${name}; peer: client-node's Watch to its callback`,
    unit: "1/s",
    ours: middle(judged[kind], "perSecond"),
    peer: middle(judged.peer, "perSecond"),
    ratio: ratioTo(kind, judged),
    wanted: { atLeast: goal },
    note: [
      `by the clock; ${middle(judged[kind], "cpuMicros").toFixed(1)} us of CPU an event against ${middle(judged.peer, "cpuMicros").toFixed(1)} us`,
      `${(100 * middle(judged[kind], "decodedShare")).toFixed(0)} % were decoded, the others passed over for a newer event of their pod`,
      "no pod comes again before all have come, the least favourable order",
    ].join("; "),
    whenMissed: profiles?.[kind],
  });
  return {
    title: "Watch decode",
    goals: [
      goalOf("decode", "from the socket to the reflector's callback"),
      goalOf("store", "from the socket into the fleet store"),
    ],
    curves: [
      {
        title: "Watch decode against the size of the fleet",
        heads: sizes.map((size) => `${size} pods`),
        rows: [
          row("client-node", "1/s", ({ peer }) => middle(peer, "perSecond")),
          row("  CPU of an event", "us", ({ peer }) => middle(peer, "cpuMicros")),
          row("to the callback", "1/s", ({ decode }) => middle(decode, "perSecond")),
          row("  ratio", "", (rounds) => ratioTo("decode", rounds)),
          row("  CPU of an event", "us", ({ decode }) => middle(decode, "cpuMicros")),
          row("  decoded", "%", ({ decode }) => 100 * middle(decode, "decodedShare")),
          row("into the store", "1/s", ({ store }) => middle(store, "perSecond")),
          row("  ratio", "", (rounds) => ratioTo("store", rounds)),
          row("  CPU of an event", "us", ({ store }) => middle(store, "cpuMicros")),
          row("  decoded", "%", ({ store }) => 100 * middle(store, "decodedShare")),
        ],
      },
    ],
  };
}

function middle(rounds: readonly Round[], of: keyof Round): number {
  return median(rounds.map((round) => round[of]));
}

/** The first pass warms up the reader, and does not count. */
async function withReader<T>(api: Child, kind: Kind, port: number, work: (reader: Child) => Promise<T>): Promise<T> {
  const reader = new Child("watch-reader.ts", [kind, String(port)]);
  try {
    await api.untilMessage("watched");
    if (kind === "store") await reader.next();
    await sendAll(api, reader, 1);
    return await work(reader);
  } finally {
    await reader.end();
  }
}

async function sendAll(api: Child, reader: Child, passes: number): Promise<ReaderReport> {
  await reader.ask({ order: "start-clock" });
  await api.ask({ order: "send", passes });
  return reader.next<ReaderReport>();
}

function readAll(api: Child, kind: Kind, port: number, made: number, wanted: number): Promise<Round> {
  const passes = Math.ceil((kind === "peer" ? wanted / 4 : wanted) / made);
  const events = passes * made + 1;
  return withReader(api, kind, port, async (reader) => {
    const { ms, cpuMs, decoded } = await sendAll(api, reader, passes);
    return { perSecond: (events / ms) * 1000, cpuMicros: (cpuMs * 1000) / events, decodedShare: decoded / events };
  });
}

function profileOf(api: Child, kind: Kind, port: number, made: number): Promise<string> {
  return withReader(api, kind, port, (reader) => reader.profile(() => sendAll(api, reader, Math.ceil(80_000 / made))));
}
