import { expect, test } from "vitest";
import { packReadings } from "#lib/protocol/hub-batch.ts";
import { EdgeLedger } from "./edge-ledger.ts";
import { MemoryReadings } from "./readings.ts";

const e1 = { role: "edge" as const, tenant: "t", instance: "e1" };
const e2 = { ...e1, instance: "e2" };

/** Readings numbered from `first` to `last`, each with its number as value. */
function batch(stream: string, first: number, last = first) {
  const values = Array.from({ length: last - first + 1 }, (_, i) => String(first + i));
  return { stream, first, readings: packReadings(values.map((value) => ({ sensor: "s", atMs: 0, value }))) };
}

test("each reading counts once, however often it is sent", async () => {
  const ledger = new EdgeLedger(new MemoryReadings());
  expect(await ledger.take(e1, batch("a", 1, 3))).toEqual({ sequence: 3, accepted: 3, duplicates: 0, missing: 0 });
  expect(await ledger.take(e1, batch("a", 2, 4))).toEqual({ sequence: 4, accepted: 1, duplicates: 2, missing: 0 });
  expect(await ledger.take(e1, batch("a", 1, 2))).toEqual({ sequence: 4, accepted: 0, duplicates: 2, missing: 0 });
});

test("another edge, another tenant, and another life of the same edge, start their own numbers", async () => {
  const ledger = new EdgeLedger(new MemoryReadings());
  await ledger.take(e1, batch("a", 1, 2));
  expect((await ledger.take(e2, batch("a", 1))).accepted).toBe(1);
  expect((await ledger.take({ ...e1, tenant: "u" }, batch("a", 1))).accepted).toBe(1);
  expect((await ledger.take(e1, batch("b", 1))).accepted).toBe(1);
});

test("numbers that an edge skipped are counted as missing, but not those before a hub knew the stream", async () => {
  const ledger = new EdgeLedger(new MemoryReadings());
  expect((await ledger.take(e1, batch("a", 41, 42))).missing).toBe(0);
  expect((await ledger.take(e1, batch("a", 46, 47))).missing).toBe(3);
});

test("in memory only the streams used last are remembered", async () => {
  const ledger = new EdgeLedger(new MemoryReadings({ maxStreams: 2 }), { maxStreams: 0 });
  await ledger.take(e1, batch("a", 1));
  await ledger.take(e1, batch("b", 1));
  await ledger.take(e1, batch("a", 2));
  await ledger.take(e1, batch("c", 1));
  expect((await ledger.take(e1, batch("a", 2))).duplicates).toBe(1);
  expect((await ledger.take(e1, batch("b", 1))).duplicates).toBe(0);
});

test("two hubs that take the same batch at the same time count it once", async () => {
  const store = new MemoryReadings();
  const hubs = [new EdgeLedger(store), new EdgeLedger(store)];
  const taken = await Promise.all(hubs.map((hub) => hub.take(e1, batch("a", 1, 3))));
  expect(taken.map(({ accepted }) => accepted).sort()).toEqual([0, 3]);
  expect(await store.totals()).toEqual({ accepted: 3, missing: 0 });
});

test("a hub that another one has overtaken in a stream asks the store again", async () => {
  const store = new MemoryReadings();
  const [first, second] = [new EdgeLedger(store), new EdgeLedger(store)];
  await first.take(e1, batch("a", 1, 3));
  await second.take(e1, batch("a", 4, 6));
  expect(await first.take(e1, batch("a", 5, 8))).toEqual({ sequence: 8, accepted: 2, duplicates: 2, missing: 0 });
});

test("batches of a stream that come while an earlier one is being stored keep their order", async () => {
  const ledger = new EdgeLedger(new MemoryReadings());
  const taken = await Promise.all([1, 2, 3].map((n) => ledger.take(e1, batch("a", n * 10, n * 10 + 9))));
  expect(taken).toEqual([19, 29, 39].map((sequence) => ({ sequence, accepted: 10, duplicates: 0, missing: 0 })));
});

test("a batch that the store does not take is not counted; the ledger is away until the store is back", async () => {
  const store = new MemoryReadings();
  const ledger = new EdgeLedger(store, { retryMs: 5 });
  const changes: boolean[] = [];
  ledger.watch(() => changes.push(ledger.isAway));
  const { last, probe } = store;
  store.last = () => Promise.reject(new Error("away"));
  store.probe = () => Promise.reject(new Error("away"));
  await expect(ledger.take(e1, batch("a", 1, 2))).rejects.toThrow("away");
  expect(ledger.isAway).toBe(true);
  Object.assign(store, { last, probe });
  await expect.poll(() => changes).toEqual([true, false]);
  expect((await ledger.take(e1, batch("a", 1, 2))).accepted).toBe(2);
});

test("a store that can be read and not written to is away until it takes a write", async () => {
  const store = new MemoryReadings();
  const ledger = new EdgeLedger(store, { retryMs: 1 });
  const changes: boolean[] = [];
  ledger.watch(() => changes.push(ledger.isAway));
  const { advance } = store;
  let asked = 0;
  store.advance = () => Promise.reject(new Error("OOM command not allowed"));
  store.probe = async () => {
    asked += 1;
    if (asked < 4) throw new Error("OOM command not allowed");
  };
  await expect(ledger.take(e1, batch("a", 1, 2))).rejects.toThrow("OOM");
  await expect.poll(() => changes).toEqual([true, false]);
  expect(asked).toBe(4);
  store.advance = advance;
  expect((await ledger.take(e1, batch("a", 1, 2))).accepted).toBe(2);
});

test("batches that wait behind one that is not taken are not taken either, and all of them count when they are sent again", async () => {
  const store = new MemoryReadings();
  const ledger = new EdgeLedger(store, { retryMs: 5 });
  await ledger.take(e1, batch("a", 1, 10));
  const advance = store.advance.bind(store);
  store.advance = () => {
    store.advance = advance;
    return Promise.reject(new Error("away for a moment"));
  };
  const batches = [batch("a", 11, 20), batch("a", 21, 30), batch("a", 31, 40)];
  const refused = await Promise.allSettled(batches.map((one) => ledger.take(e1, one)));
  expect(refused.map(({ status }) => status)).toEqual(["rejected", "rejected", "rejected"]);
  const taken = await Promise.all(batches.map((one) => ledger.take(e1, one)));
  expect(taken.map(({ accepted, missing }) => [accepted, missing])).toEqual([10, 10, 10].map((count) => [count, 0]));
  expect(await store.totals()).toEqual({ accepted: 40, missing: 0 });
});
