import { afterAll, beforeEach, describe, expect, test } from "vitest";
import { MemoryJobs } from "./memory-jobs.ts";
import { RedisJobs } from "./redis-jobs.ts";
import type { JobListOptions, JobOutcome, JobStore, Lease } from "./state.ts";
import { startTestRedis } from "./testing/test-redis.ts";

const scan = { target: "a", ports: "80", timeoutMs: 1_000, portTimeoutMs: 100 };
const lost: JobOutcome = { error: { code: "connector_lost", message: "lost" } };
const found = { result: { target: "a", open: [] } } as unknown as JobOutcome;
const late: JobOutcome = { error: { code: "timeout", message: "late" } };

const { redis, stop } = await startTestRedis();
let round = 0;

afterAll(stop);

describe.each([
  { name: "in memory", jobs: () => new MemoryJobs() },
  { name: "in Redis", jobs: () => new RedisJobs(redis, `${++round}:`) },
])("the jobs $name", ({ jobs: createJobs }) => {
  let jobs: JobStore;
  beforeEach(() => {
    jobs = createJobs();
  });

  async function claim(): Promise<Lease> {
    const lease = await jobs.claim("t", 60_000);
    if (!lease) throw new Error("no job");
    return lease;
  }

  test("gives out jobs in the order in which they came, each to one holder, and only to their tenant", async () => {
    for (const id of ["z", "a", "m"]) expect(await jobs.put("t", id, scan, 10)).toBe("added");
    expect(await jobs.claim("other", 60_000)).toBeUndefined();
    const leases = await Promise.all([1, 2, 3, 4].map(() => jobs.claim("t", 60_000)));
    expect(leases.map((lease) => lease?.id)).toEqual(["z", "a", "m", undefined]);
    expect(leases[0]).toEqual({ tenant: "t", id: "z", token: expect.any(Number), leases: 1, scan, ageMs: expect.any(Number) });
  });

  test("knows a job that was put in before, and refuses more than the limit of those that are open", async () => {
    expect(await jobs.put("t", "a", scan, 1)).toBe("added");
    expect(await jobs.put("t", "a", scan, 1)).toBe("known");
    expect(await jobs.put("t", "b", scan, 1)).toBe("full");
    expect(await jobs.put("other", "a", scan, 1)).toBe("added");
    await jobs.claim("t", 60_000);
    expect(await jobs.put("t", "b", scan, 1)).toBe("full");
    await jobs.finish({ tenant: "t", id: "a" }, lost);
    expect(await jobs.put("t", "b", scan, 1)).toBe("added");
  });

  test("gives a job out again when its lease ran out, and refuses the first holder from then on", async () => {
    await jobs.put("t", "a", scan, 10);
    const first = await claim();
    await jobs.renew(first, 1);
    const second = { id: "a", token: first.token + 1, leases: 2 };
    await expect.poll(() => jobs.claim("t", 60_000)).toMatchObject(second);
    expect(await jobs.renew(first, 60_000)).toBeUndefined();
    await jobs.release(first, "begun");
    expect(await jobs.claim("t", 60_000)).toBeUndefined();
    expect(await jobs.finish(first, late)).toBe(false);
    expect(await jobs.finish({ tenant: "t", ...second }, lost)).toBe(true);
    expect(await jobs.outcome("t", "a")).toEqual(lost);
  });

  test("a lease that ran out is renewed as long as nobody else has the job, and then nobody gets it", async () => {
    for (const id of ["a", "b"]) await jobs.put("t", id, scan, 10);
    const first = await claim();
    await jobs.renew(first, 1);
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(await jobs.renew(first, 60_000)).toMatchObject({ id: "a", token: first.token, leases: 1, scan });
    expect([(await jobs.claim("t", 60_000))?.id, (await jobs.claim("t", 60_000))?.id]).toEqual(["b", undefined]);
  });

  test("a lease of an earlier life of a store that has lost its jobs is none of the job of the same name", async () => {
    await jobs.put("t", "a", scan, 10);
    const old = await claim();
    const lostAll = createJobs();
    await lostAll.put("t", "a", { ...scan, target: "b" }, 10);
    const lease = await lostAll.claim("t", 60_000);
    expect(await lostAll.renew(old, 60_000)).toBeUndefined();
    expect(await lostAll.finish(old, found)).toBe(false);
    expect(lease && (await lostAll.finish(lease, found))).toBe(true);
  });

  test("a renewed lease holds; a job that is given back keeps its place, and its lease is over", async () => {
    await jobs.put("t", "a", scan, 10);
    await jobs.put("t", "b", scan, 10);
    const lease = await claim();
    expect(await jobs.renew(lease, 60_000)).toMatchObject({ id: "a", token: lease.token });
    await jobs.release(lease, "begun");
    expect(await jobs.renew(lease, 60_000)).toBeUndefined();
    const second = await claim();
    expect(second).toMatchObject({ id: "a", leases: 2 });
    await jobs.release(second, "unbegun");
    expect(await claim()).toMatchObject({ id: "a", leases: 2 });
    expect((await jobs.claim("t", 60_000))?.id).toBe("b");
  });

  test("a job ends once, and says how to whoever puts it in again", async () => {
    await jobs.put("t", "a", scan, 10);
    const lease = await claim();
    const ends = await Promise.all([
      jobs.finish(lease, lost),
      jobs.finish(lease, late),
      jobs.finish({ tenant: "t", id: "a" }, late),
    ]);
    expect(ends).toEqual([true, false, false]);
    expect(await jobs.put("t", "a", scan, 10)).toEqual(lost);
    expect(await jobs.renew(lease, 1)).toBeUndefined();
    expect(await jobs.finish({ tenant: "t", id: "never" }, late)).toBe(false);
    expect(await jobs.outcome("t", "never")).toBeUndefined();
  });

  test("lists the jobs of a state page by page, of one tenant or of all, those that ended newest first", async () => {
    const named = (id: string) => ({ ...scan, job: id });
    for (const id of ["a", "b", "c", "d"]) await jobs.put("t", id, named(id), 10);
    await jobs.put("other", "e", named("e"), 10);
    const ids = async (options: JobListOptions) => {
      const page = await jobs.list(options);
      return [page.jobs.map(({ id }) => id).join(""), page.next] as const;
    };
    const [first, next] = await ids({ state: "waiting", limit: 3 });
    expect([first, typeof next]).toEqual(["abc", "string"]);
    expect(await ids({ state: "waiting", limit: 3, after: next })).toEqual(["de", undefined]);
    expect(await ids({ state: "waiting", limit: 5, tenant: "other" })).toEqual(["e", undefined]);
    const leases = [await claim(), await claim(), await claim()];
    expect(await ids({ state: "running", limit: 5 })).toEqual(["abc", undefined]);
    expect(await jobs.counts()).toEqual({ waiting: 2, running: 3 });
    for (const lease of leases) await jobs.finish(lease, lease.id === "b" ? lost : found);
    expect(await ids({ state: "failed", limit: 5 })).toEqual(["b", undefined]);
    const [newest, rest] = await ids({ state: "done", limit: 1, tenant: "t" });
    expect([newest, await ids({ state: "done", limit: 1, after: rest })]).toEqual(["c", ["a", undefined]]);
    expect(await ids({ state: "running", limit: 5 })).toEqual(["", undefined]);
  });

  test("tells of a job what it was, how often it was leased and how it ended; forgets unnamed ones in its lists", async () => {
    await jobs.put("t", "a", { ...scan, job: "a" }, 10);
    await jobs.put("t", "b", scan, 10);
    await jobs.finish(await claim(), found);
    await jobs.finish(await claim(), found);
    expect(await jobs.get("t", "a")).toEqual({
      ...{ tenant: "t", id: "a", state: "done", target: "a", ports: "80", leases: 1 },
      ...{ scan: { ...scan, job: "a" }, outcome: found },
      submittedAt: expect.stringMatching(/Z$/),
      endedAt: expect.stringMatching(/Z$/),
    });
    expect(await jobs.outcome("t", "b")).toEqual(found);
    expect((await jobs.list({ state: "done", limit: 5 })).jobs.map(({ id }) => id)).toEqual(["a"]);
    expect(await jobs.get("t", "never")).toBeUndefined();
  });

  test("tells its listeners what is queued, how far it is and that it ended", async () => {
    const events: unknown[] = [];
    jobs.listen({
      onQueued: (tenant) => events.push(["queued", tenant]),
      onProgress: (job, progress) => events.push(["progress", job, progress]),
      onEnded: (job) => events.push(["ended", job]),
    });
    const progress = { scanned: 1, total: 2, open: 0 };
    await expect
      .poll(() => {
        jobs.tell({ tenant: "t", id: "before" }, progress);
        return events.length;
      })
      .toBeGreaterThan(0);
    await jobs.put("t", "a", scan, 10);
    jobs.tell({ tenant: "t", id: "a" }, progress);
    await jobs.finish({ tenant: "t", id: "a" }, found);
    const job = { tenant: "t", id: "a" };
    await expect
      .poll(() => events.slice(-3))
      .toEqual([
        ["queued", "t"],
        ["progress", job, progress],
        ["ended", job],
      ]);
  });
});
