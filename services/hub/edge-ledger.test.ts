import { expect, test } from "vitest";
import { EdgeLedger } from "./edge-ledger.ts";
import { MemoryStreams } from "./memory-state.ts";

function batch(stream: string, ...sequences: number[]) {
  const at = "2026-01-02T03:04:05Z";
  return { stream, messages: sequences.map((sequence) => ({ sequence, sensor: "s", at, value: 1 })) };
}

test("each message counts once, however often it is sent", async () => {
  const ledger = new EdgeLedger(new MemoryStreams());
  expect(await ledger.take("e1", batch("a", 1, 2, 3))).toEqual({ ack: { sequence: 3, accepted: 3, duplicates: 0 }, missing: 0 });
  expect(await ledger.take("e1", batch("a", 2, 3, 4))).toEqual({ ack: { sequence: 4, accepted: 1, duplicates: 2 }, missing: 0 });
  expect(await ledger.take("e1", batch("a", 1, 2))).toEqual({ ack: { sequence: 4, accepted: 0, duplicates: 2 }, missing: 0 });
});

test("another edge, and another life of the same edge, start their own numbers", async () => {
  const ledger = new EdgeLedger(new MemoryStreams());
  await ledger.take("e1", batch("a", 1, 2));
  expect((await ledger.take("e2", batch("a", 1))).ack.accepted).toBe(1);
  expect((await ledger.take("e1", batch("b", 1))).ack.accepted).toBe(1);
});

test("numbers that an edge skipped are counted as missing, but not those before a hub knew the stream", async () => {
  const ledger = new EdgeLedger(new MemoryStreams());
  expect((await ledger.take("e1", batch("a", 41, 42))).missing).toBe(0);
  expect((await ledger.take("e1", batch("a", 45, 47))).missing).toBe(3);
});

test("in memory only the streams used last are remembered", async () => {
  const ledger = new EdgeLedger(new MemoryStreams(2));
  await ledger.take("e1", batch("a", 1));
  await ledger.take("e1", batch("b", 1));
  await ledger.take("e1", batch("a", 2));
  await ledger.take("e1", batch("c", 1));
  expect((await ledger.take("e1", batch("a", 2))).ack.duplicates).toBe(1);
  expect((await ledger.take("e1", batch("b", 1))).ack.duplicates).toBe(0);
});

test("two hubs that take the same batch at the same time count it once", async () => {
  const store = new MemoryStreams();
  const hubs = [new EdgeLedger(store), new EdgeLedger(store)];
  const taken = await Promise.all(hubs.map((hub) => hub.take("e1", batch("a", 1, 2, 3))));
  expect(taken.map(({ ack }) => ack.accepted).sort()).toEqual([0, 3]);
  expect(await store.totals()).toEqual({ accepted: 3, missing: 0 });
});

test("batches of a stream that come while an earlier one is being stored keep their order", async () => {
  const ledger = new EdgeLedger(new MemoryStreams());
  const taken = await Promise.all([1, 2, 3].map((first) => ledger.take("e1", batch("a", first * 10, first * 10 + 1))));
  expect(taken.map(({ ack }) => ack)).toEqual([11, 21, 31].map((sequence) => ({ sequence, accepted: 2, duplicates: 0 })));
});

test("a batch that the store does not take is not counted, and counts when it is sent again", async () => {
  const store = new MemoryStreams();
  const ledger = new EdgeLedger(store);
  const last = store.last.bind(store);
  store.last = () => Promise.reject(new Error("away"));
  await expect(ledger.take("e1", batch("a", 1, 2))).rejects.toThrow("away");
  store.last = last;
  expect((await ledger.take("e1", batch("a", 1, 2))).ack.accepted).toBe(2);
});
