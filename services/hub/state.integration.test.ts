import { once } from "node:events";
import { afterAll, beforeEach, describe, expect, test } from "vitest";
import { freePort, startRedis } from "#lib/protocol/testing/relay-stack.ts";
import { createLogger } from "#lib/runtime/logger.ts";
import { MemoryJobs, MemoryStreams } from "./memory-state.ts";
import { connectRedis, RedisJobs, RedisStreams } from "./redis-state.ts";
import type { JobOutcome, JobStore, StreamStore } from "./state.ts";

const scan = { target: "a", ports: "80", timeoutMs: 1_000, portTimeoutMs: 100 };
const lost: JobOutcome = { error: { code: "connector_lost", message: "lost" } };
const late: JobOutcome = { error: { code: "timeout", message: "late" } };

const port = await freePort();
const server = await startRedis(port);
const redis = connectRedis(`redis://127.0.0.1:${port}`, createLogger("hub", "silent"));
await once(redis, "ready");
let round = 0;

afterAll(async () => {
  redis.disconnect();
  await server.end("SIGKILL");
});

describe.each([
  { name: "in memory", jobs: () => new MemoryJobs(), streams: () => new MemoryStreams() },
  {
    name: "in Redis",
    jobs: () => new RedisJobs(redis, `${++round}:`),
    streams: () => new RedisStreams(redis, `${++round}:`),
  },
])("the state $name", ({ jobs: createJobs, streams: createStreams }) => {
  let jobs: JobStore;
  let streams: StreamStore;
  beforeEach(() => {
    jobs = createJobs();
    streams = createStreams();
  });

  test("gives out jobs in the order in which they came, each to one holder, and only to their tenant", async () => {
    for (const id of ["z", "a", "m"]) expect(await jobs.put("t", id, scan, 10)).toBe("added");
    expect(await jobs.claim("other", 60_000)).toBeUndefined();
    const leases = await Promise.all([1, 2, 3, 4].map(() => jobs.claim("t", 60_000)));
    expect(leases.map((lease) => lease?.id)).toEqual(["z", "a", "m", undefined]);
    expect(leases[0]).toEqual({ tenant: "t", id: "z", token: 1, scan });
  });

  test("knows a job that was put in before, and refuses more than the limit", async () => {
    expect(await jobs.put("t", "a", scan, 1)).toBe("added");
    expect(await jobs.put("t", "a", scan, 1)).toBe("known");
    expect(await jobs.put("t", "b", scan, 1)).toBe("full");
    expect(await jobs.put("other", "a", scan, 1)).toBe("added");
  });

  test("gives a job out again when its lease ran out, and refuses the first holder from then on", async () => {
    await jobs.put("t", "a", scan, 10);
    const first = await jobs.claim("t", 1);
    if (!first) throw new Error("no job");
    await expect.poll(() => jobs.claim("t", 60_000)).toMatchObject({ id: "a", token: 2 });
    expect(await jobs.renew(first, 60_000)).toBe(false);
    expect(await jobs.finish(first, late)).toBe(false);
    await jobs.release(first);
    expect(await jobs.claim("t", 60_000)).toBeUndefined();
    expect(await jobs.finish({ tenant: "t", id: "a", token: 2 }, lost)).toBe(true);
    expect(await jobs.outcome("t", "a")).toEqual(lost);
  });

  test("a renewed lease holds, and a job that is given back keeps its place", async () => {
    await jobs.put("t", "a", scan, 10);
    await jobs.put("t", "b", scan, 10);
    const lease = await jobs.claim("t", 60_000);
    if (!lease) throw new Error("no job");
    expect(await jobs.renew(lease, 60_000)).toBe(true);
    await jobs.release(lease);
    expect((await jobs.claim("t", 60_000))?.id).toBe("a");
  });

  test("a job ends once, and says how to whoever puts it in again", async () => {
    await jobs.put("t", "a", scan, 10);
    const lease = await jobs.claim("t", 60_000);
    if (!lease) throw new Error("no job");
    const ends = await Promise.all([
      jobs.finish(lease, lost),
      jobs.finish(lease, late),
      jobs.finish({ tenant: "t", id: "a" }, late),
    ]);
    expect(ends).toEqual([true, false, false]);
    expect(await jobs.put("t", "a", scan, 10)).toEqual(lost);
    expect(await jobs.renew(lease, 1)).toBe(false);
    expect(await jobs.finish({ tenant: "t", id: "never" }, late)).toBe(false);
    expect(await jobs.outcome("t", "never")).toBeUndefined();
  });

  test("a stream moves on from where it is and from nowhere else", async () => {
    expect(await streams.last("s")).toBeUndefined();
    expect(await streams.advance("s", undefined, 3, { accepted: 3, missing: 0 })).toEqual({ accepted: 3, missing: 0 });
    expect(await streams.advance("s", undefined, 3, { accepted: 3, missing: 0 })).toBeUndefined();
    expect(await streams.advance("s", 3, 6, { accepted: 2, missing: 1 })).toEqual({ accepted: 5, missing: 1 });
    expect(await streams.last("s")).toBe(6);
    expect(await streams.totals()).toEqual({ accepted: 5, missing: 1 });
  });
});
