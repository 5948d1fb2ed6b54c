import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import type { History } from "./history.ts";
import { type Load, RelaySite, runOnRelays } from "./relay-run.ts";

/** A control is known to lose messages: it shows that the accounts would find a loss. */
export type Case = { name: string; isControl?: boolean; run: (history: History) => Promise<void> };
type Fault = (site: RelaySite) => Promise<void>;

const faults: Record<string, Fault> = {
  "relay: nothing breaks": () => sleep(2_000),
  "relay: kill -9 of each replica": async (site) => {
    for (const index of [0, 1]) {
      await sleep(Math.random() * 500);
      await site.killRelay(index);
    }
  },
  "relay: Redis killed and restarted, twice": async ({ stack }) => {
    for (const awayMs of [100, 2_000]) {
      await stack.redis.end();
      await sleep(awayMs);
      await stack.redis.start();
      await sleep(1_000);
    }
  },
  "relay: PostgreSQL stopped for 30 s and continued": async (site) => {
    const processes = await postgresProcesses(site.stack.postgres.url);
    signal(processes, "SIGSTOP");
    await sleep(30_000);
    signal(processes, "SIGCONT");
  },
  "relay: PostgreSQL crashed, away for 3 s": async ({ stack }) => {
    await stack.postgres.stop("SIGQUIT");
    await sleep(3_000);
    await stack.postgres.start();
  },
  "relay: network cut three times": async ({ proxy }) => {
    for (const cutMs of [50, 500, 2_000]) {
      proxy.cut();
      await sleep(cutMs);
      proxy.mend();
      await sleep(700);
    }
  },
  "relay: resets in mid-message": async ({ proxy }) => {
    proxy.faults = { resetAfterBytes: 20_000 };
    await sleep(4_000);
    proxy.faults = {};
    proxy.reset();
  },
  "relay: slices of 3 bytes, 20 ms late": async ({ proxy }) => {
    proxy.faults = { sliceBytes: 3, latencyMs: 20 };
    await sleep(3_000);
    proxy.faults = {};
  },
  "relay: a replica frozen for 5 s": async ({ relays }) => {
    relays[0]?.process.child.kill("SIGSTOP");
    await sleep(5_000);
    relays[0]?.process.child.kill("SIGCONT");
  },
};

/** The cases of the relay, all on one site, which is started with the first. */
export function relayCases(load: Load): { cases: Case[]; stop: () => Promise<void> } {
  let site: Promise<RelaySite> | undefined;
  const cases = Object.entries(faults).map(([name, fault]) => ({
    name,
    async run(history: History) {
      site ??= RelaySite.start();
      const started = await site;
      await runOnRelays(started, history, load, () => fault(started));
    },
  }));
  return { cases, stop: async () => (await site)?.stop() };
}

/** The server process and its children, by way of a connection of our own. */
async function postgresProcesses(url: string): Promise<number[]> {
  const database = new pg.Client(url);
  await database.connect();
  const { rows } = await database.query<{ pid: number }>("SELECT pg_backend_pid() AS pid");
  const status = readFileSync(`/proc/${rows[0]?.pid}/status`, "utf8");
  const server = Number(/^PPid:\s+(\d+)/m.exec(status)?.[1]);
  await database.end();
  const children = readFileSync(`/proc/${server}/task/${server}/children`, "utf8").trim().split(" ").map(Number);
  return [server, ...children];
}

/** One that has ended meanwhile is left out. */
function signal(processes: number[], name: NodeJS.Signals): void {
  for (const pid of processes) {
    try {
      process.kill(pid, name);
    } catch (error) {
      if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
    }
  }
}
