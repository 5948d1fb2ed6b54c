import { afterAll, beforeEach, describe, expect, test, vi } from "vitest";
import { packReadings } from "#lib/protocol/hub-batch.ts";
import { EdgeLedger } from "./edge-ledger.ts";
import { listLatest, listSeries, MemoryReadings, type OwnedBatch, type ReadingQuery, type ReadingStore } from "./readings.ts";
import { RedisReadings } from "./redis-readings.ts";
import { startTestRedis } from "./testing/test-redis.ts";

const { redis, stop } = await startTestRedis();
let round = 0;

afterAll(stop);

const e1 = { role: "edge" as const, tenant: "t", instance: "e1" };
const e2 = { ...e1, tenant: "u", instance: "e2" };

function batch(first: number, sensors: string[], origin = e1): OwnedBatch {
  const atMs = Date.parse("2026-01-02T03:04:05Z");
  const readings = packReadings(sensors.map((sensor, i) => ({ sensor, atMs, value: JSON.stringify({ n: first + i }) })));
  return { stream: "s", first, readings, origin };
}

/** The numbers of the readings that are kept, the newest first. */
async function listKept(store: ReadingStore): Promise<number[]> {
  const found: number[] = [];
  for await (const { first, readings } of store.newestFirst())
    for (let i = readings.count - 1; i >= 0; i--) found.push(first + i);
  return found;
}

type Bounds = { kept?: number; maxBytes?: number };

describe.each([
  { name: "in memory", create: (bounds: Bounds): ReadingStore => new MemoryReadings(bounds) },
  { name: "in Redis", create: (bounds: Bounds): ReadingStore => new RedisReadings(redis, { prefix: `${++round}:`, ...bounds }) },
])("readings $name", ({ create }) => {
  let store: ReadingStore;
  beforeEach(() => {
    store = create({});
  });

  test("move a stream on from where it is, and from nowhere else, and are kept in the same step", async () => {
    expect(await store.last("s")).toBeUndefined();
    expect(await store.advance("s", undefined, batch(1, ["a", "b", "c"]), 0)).toEqual({ accepted: 3, missing: 0 });
    expect(await store.advance("s", undefined, batch(1, ["a", "b", "c"]), 0)).toBeUndefined();
    expect(await store.advance("s", 3, batch(5, ["a", "b"]), 1)).toEqual({ accepted: 5, missing: 1 });
    expect(await store.last("s")).toBe(6);
    expect(await store.totals()).toEqual({ accepted: 5, missing: 1 });
    expect(await listKept(store)).toEqual([6, 5, 3, 2, 1]);
    expect((await listLatest(store, { limit: 10, sensor: "b" })).readings[0]).toEqual({
      tenant: "t",
      edge: "e1",
      stream: "s",
      sensor: "b",
      sequence: 6,
      at: "2026-01-02T03:04:05.000Z",
      value: { n: 6 },
    });
  });

  test("are told by tenant, edge and sensor, the latest of each sensor, page by page", async () => {
    await store.advance("s", undefined, batch(1, ["a", "b", "a"]), 0);
    await store.advance("s", 3, batch(4, ["a"]), 0);
    await store.advance("u", undefined, batch(1, ["a"], e2), 0);
    const latest = async (query: Omit<ReadingQuery, "limit">) =>
      (await listLatest(store, { limit: 10, ...query })).readings.map(({ tenant, sensor, sequence }) => [
        tenant,
        sensor,
        sequence,
      ]);
    expect(await latest({})).toEqual([
      ["t", "a", 4],
      ["t", "b", 2],
      ["u", "a", 1],
    ]);
    expect(await latest({ tenant: "t", edge: "e1", sensor: "a" })).toEqual([["t", "a", 4]]);
    expect(await latest({ tenant: "t", edge: "e2" })).toEqual([]);
    const first = await listLatest(store, { limit: 2 });
    expect(first.readings.map(({ sensor }) => sensor)).toEqual(["a", "b"]);
    expect(await latest({ after: first.next })).toEqual([["u", "a", 1]]);
    expect((await listLatest(store, { limit: 3 })).next).toBeUndefined();
  });

  test("are told of one sensor, the newest first, as many as are wanted", async () => {
    await store.advance("s", undefined, batch(1, ["a", "b", "a"]), 0);
    await store.advance("s", 3, batch(4, ["a"]), 0);
    await store.advance("u", undefined, batch(1, ["a"], e2), 0);
    const series = async (query: Omit<Parameters<typeof listSeries>[1], "sensor">) =>
      (await listSeries(store, { sensor: "a", ...query })).map(({ edge, sequence }) => [edge, sequence]);
    expect(await series({ limit: 10 })).toEqual([
      ["e2", 1],
      ["e1", 4],
      ["e1", 3],
      ["e1", 1],
    ]);
    expect(await series({ tenant: "t", edge: "e1", limit: 2 })).toEqual([
      ["e1", 4],
      ["e1", 3],
    ]);
    expect(await series({ tenant: "u", edge: "e1", limit: 2 })).toEqual([]);
  });

  test("are not kept without bound: the oldest batches go", async () => {
    store = create({ kept: 1_000 });
    const sensors = Array.from({ length: 10 }, (_, i) => `s${i}`);
    for (let i = 0; i < 400; i++) await store.advance("s", i === 0 ? undefined : i * 10, batch(i * 10 + 1, sensors), 0);
    const kept = await listKept(store);
    expect(kept.length).toBeGreaterThanOrEqual(1_000);
    expect(kept.length).toBeLessThan(2_500);
    expect(kept[0]).toBe(4_000);
  });

  test("that were sent twice are kept once", async () => {
    const ledger = new EdgeLedger(store);
    for (const sent of [batch(1, ["a", "b"]), batch(1, ["a", "b"]), batch(2, ["b", "c"])]) await ledger.take(e1, sent);
    expect(await listKept(store)).toEqual([3, 2, 1]);
  });

  test("are bounded by their bytes too", async () => {
    store = create({ maxBytes: 160_000 });
    const value = JSON.stringify("x".repeat(5_000));
    for (let n = 1; n <= 200; n++) {
      const readings = packReadings([{ sensor: "a", atMs: 0, value }]);
      await store.advance("s", n === 1 ? undefined : n - 1, { ...batch(n, []), readings }, 0);
    }
    const kept = await listKept(store);
    expect(kept[0]).toBe(200);
    expect(kept.length).toBeGreaterThan(20);
    expect(kept.length).toBeLessThan(40);
  });
});

test("a list of the latest readings lets others have their turn, and parses what it shows only", async () => {
  const store = new MemoryReadings();
  const sensors = Array.from({ length: 100 }, (_, i) => `s${i}`);
  for (let i = 0; i < 100; i++) await store.advance("s", i === 0 ? undefined : i * 100, batch(i * 100 + 1, sensors), 0);
  const parse = vi.spyOn(JSON, "parse");
  let turns = 0;
  const immediate = () => {
    turns += 1;
    next = setImmediate(immediate);
  };
  let next = setImmediate(immediate);
  const { readings } = await listLatest(store, { limit: 5 });
  clearImmediate(next);
  expect(readings.map(({ sequence }) => sequence)).toEqual([9_901, 9_902, 9_911, 9_912, 9_913]);
  expect(parse).toHaveBeenCalledTimes(5);
  parse.mockRestore();
  expect(turns).toBeGreaterThanOrEqual(10);
});
