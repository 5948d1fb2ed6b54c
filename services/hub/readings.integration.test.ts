import { once } from "node:events";
import { afterAll, beforeEach, describe, expect, test } from "vitest";
import { packReadings } from "#lib/protocol/hub-batch.ts";
import { freePort, startRedis } from "#lib/protocol/testing/relay-stack.ts";
import { createLogger } from "#lib/runtime/logger.ts";
import { EdgeLedger } from "./edge-ledger.ts";
import { listLatest, listRecent, MemoryReadings, type OwnedBatch, type ReadingStore } from "./readings.ts";
import { RedisReadings } from "./redis-readings.ts";
import { connectRedis } from "./redis-state.ts";

const port = await freePort();
const server = await startRedis(port);
const redis = connectRedis(`redis://127.0.0.1:${port}`, createLogger("hub", "silent"));
await once(redis, "ready");
let round = 0;

afterAll(async () => {
  redis.disconnect();
  await server.end("SIGKILL");
});

const e1 = { role: "edge" as const, tenant: "t", instance: "e1" };
const e2 = { ...e1, tenant: "u", instance: "e2" };

function batch(first: number, sensors: string[], origin = e1): OwnedBatch {
  const atMs = Date.parse("2026-01-02T03:04:05Z");
  const readings = packReadings(sensors.map((sensor, i) => ({ sensor, atMs, value: JSON.stringify({ n: first + i }) })));
  return { stream: "s", first, readings, origin };
}

describe.each([
  { name: "in memory", create: (kept: number): ReadingStore => new MemoryReadings({ kept }) },
  { name: "in Redis", create: (kept: number): ReadingStore => new RedisReadings(redis, { prefix: `${++round}:`, kept }) },
])("readings $name", ({ create }) => {
  let store: ReadingStore;
  beforeEach(() => {
    store = create(100_000);
  });

  test("move a stream on from where it is, and from nowhere else, and are kept in the same step", async () => {
    expect(await store.last("s")).toBeUndefined();
    expect(await store.advance("s", undefined, batch(1, ["a", "b", "c"]), 0)).toEqual({ accepted: 3, missing: 0 });
    expect(await store.advance("s", undefined, batch(1, ["a", "b", "c"]), 0)).toBeUndefined();
    expect(await store.advance("s", 3, batch(5, ["a", "b"]), 1)).toEqual({ accepted: 5, missing: 1 });
    expect(await store.last("s")).toBe(6);
    expect(await store.totals()).toEqual({ accepted: 5, missing: 1 });
    const kept = await listRecent(store, { limit: 10 });
    expect(kept.map(({ sequence }) => sequence)).toEqual([6, 5, 3, 2, 1]);
    expect(kept[0]).toEqual({
      tenant: "t",
      edge: "e1",
      stream: "s",
      sensor: "b",
      sequence: 6,
      at: "2026-01-02T03:04:05.000Z",
      value: { n: 6 },
    });
  });

  test("are told by tenant, edge and sensor, the latest of each sensor or the newest of all", async () => {
    await store.advance("s", undefined, batch(1, ["a", "b", "a"]), 0);
    await store.advance("s", 3, batch(4, ["a"]), 0);
    await store.advance("u", undefined, batch(1, ["a"], e2), 0);
    const latest = async (query: Parameters<typeof listLatest>[1]) =>
      (await listLatest(store, query)).map(({ tenant, sensor, sequence }) => [tenant, sensor, sequence]);
    expect(await latest({})).toEqual([
      ["t", "a", 4],
      ["t", "b", 2],
      ["u", "a", 1],
    ]);
    expect(await latest({ tenant: "t", edge: "e1", sensor: "a" })).toEqual([["t", "a", 4]]);
    expect(await latest({ tenant: "t", edge: "e2" })).toEqual([]);
    expect((await listRecent(store, { tenant: "t", limit: 2 })).map(({ sequence }) => sequence)).toEqual([4, 3]);
  });

  test("are not kept without bound: the oldest batches go", async () => {
    store = create(1_000);
    const sensors = Array.from({ length: 10 }, (_, i) => `s${i}`);
    for (let i = 0; i < 400; i++) await store.advance("s", i === 0 ? undefined : i * 10, batch(i * 10 + 1, sensors), 0);
    const kept = await listRecent(store, { limit: 10_000 });
    expect(kept.length).toBeGreaterThanOrEqual(1_000);
    expect(kept.length).toBeLessThan(2_500);
    expect(kept[0]?.sequence).toBe(4_000);
  });

  test("that were sent twice are kept once", async () => {
    const ledger = new EdgeLedger(store);
    for (const sent of [batch(1, ["a", "b"]), batch(1, ["a", "b"]), batch(2, ["b", "c"])]) await ledger.take(e1, sent);
    expect((await listRecent(store, { limit: 10 })).map(({ sequence }) => sequence)).toEqual([3, 2, 1]);
  });
});

test("in memory what is kept is bounded by its bytes too", async () => {
  const store = new MemoryReadings({ maxBytes: 10_000 });
  for (let i = 0; i < 1_000; i++) await store.advance("s", i === 0 ? undefined : i, batch(i + 1, ["a"]), 0);
  const kept = await listRecent(store, { limit: 10_000 });
  expect(kept.length).toBeGreaterThan(50);
  expect(kept.length).toBeLessThan(300);
});
