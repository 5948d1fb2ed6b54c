import { createLogger } from "#lib/runtime/logger.ts";
import { freePort } from "#lib/runtime/testing/free-port.ts";
import { MemoryJobs } from "#services/hub/memory-jobs.ts";
import { RedisJobs } from "#services/hub/redis-jobs.ts";
import { connectRedis } from "#services/hub/redis-state.ts";
import type { JobStore } from "#services/hub/state.ts";
import { median } from "../figures.ts";
import { type Bench, findPeer, howToInstall, untilListening } from "./peers.ts";
import { type AreaOptions, type Curve, type Goal, withoutProfile } from "./report.ts";

const backlogs = [100, 1_000, 10_000];
const scan = { target: "127.0.0.1", ports: "1-1024", timeoutMs: 1_000, portTimeoutMs: 1_000 };

type Costs = { enqueueUs: number; leaseUs: number };

/** What it costs to put a job in, and to lease one and give it back, behind so many that wait. */
export async function measureEnqueue(bench: Bench, options: AreaOptions): Promise<{ goals: Goal[]; curve: Curve }> {
  const memory = await costsByBacklog(() => new MemoryJobs(), options);
  const redisPath = findPeer("redis-server");
  let redisCosts: Costs[] = [];
  if (redisPath) {
    const port = await freePort();
    bench.start(redisPath, ["--port", String(port), "--bind", "127.0.0.1", "--save", "", "--dir", bench.folder]);
    await untilListening(port);
    const redis = connectRedis(`redis://127.0.0.1:${port}`, createLogger("bench", "silent"));
    try {
      await new Promise((resolve) => redis.once("ready", resolve));
      redisCosts = await costsByBacklog((backlog) => new RedisJobs(redis, `bench-${backlog}:`), options);
    } finally {
      redis.disconnect();
    }
  }
  const goal = (name: string, costs: Costs[]): Goal => {
    const [least, most] = [costs[0]?.enqueueUs, costs.at(-1)?.enqueueUs];
    return {
      name: `enqueue behind 10,000 jobs beside 100, ${name}`,
      unit: "µs",
      ours: most,
      peer: least,
      ratio: most === undefined || least === undefined ? undefined : most / least,
      wanted: { atMost: 2 },
      whenMissed: withoutProfile(
        "a job is put in and leased by its place in a queue, whatever its length: look for what walks over it",
      ),
    };
  };
  const rows = (name: string, costs: Costs[]) => [
    { name: `put a job in, ${name}`, unit: "µs", values: costs.map(({ enqueueUs }) => enqueueUs) },
    { name: `lease one and give it back, ${name}`, unit: "µs", values: costs.map(({ leaseUs }) => leaseUs) },
  ];
  const missing = redisPath ? {} : { note: howToInstall("redis-server") };
  return {
    goals: [goal("in memory", memory), { ...goal("in Redis", redisCosts), ...missing }],
    curve: {
      title: "Hub: by jobs that wait",
      heads: backlogs.map((backlog) => backlog.toLocaleString("en-US")),
      rows: [...rows("in memory", memory), ...rows("in Redis", redisCosts)],
    },
  };
}

/** The sizes take turns, so that what else the machine does hits all of them alike. */
async function costsByBacklog(open: (backlog: number) => JobStore, { quick, say }: AreaOptions): Promise<Costs[]> {
  const queues = backlogs.map((backlog) => ({ store: open(backlog), backlog, puts: [] as number[], leases: [] as number[] }));
  for (const { store, backlog } of queues) {
    for (let first = 0; first < backlog; first += 100) {
      await Promise.all(Array.from({ length: 100 }, (_, index) => store.put("t", `old-${first + index}`, scan, 100_000)));
    }
  }
  for (let turn = 0; turn < (quick ? 10 : 40); turn += 1) {
    for (const { store, puts, leases } of queues) {
      for (let sample = 0; sample < 50; sample += 1) {
        const id = `new-${turn}-${sample}`;
        const startedAt = performance.now();
        await store.put("t", id, scan, 100_000);
        const putAt = performance.now();
        await store.finish({ tenant: "t", id }, { error: { code: "cancelled", message: "" } });
        const finishedAt = performance.now();
        const lease = await store.claim("t", 60_000);
        if (!lease) throw new Error("a queue was empty");
        await store.release(lease, "unbegun");
        puts.push(putAt - startedAt);
        leases.push(performance.now() - finishedAt);
      }
    }
  }
  const costs = queues.map(({ puts, leases }) => ({ enqueueUs: median(puts) * 1000, leaseUs: median(leases) * 1000 }));
  say(`  enqueue: ${costs.map(({ enqueueUs }) => `${enqueueUs.toFixed(1)} µs`).join(", ")}`);
  return costs;
}
