import { expect, test } from "vitest";
import { EdgeLedger } from "./edge-ledger.ts";

function batch(stream: string, ...sequences: number[]) {
  const at = "2026-01-02T03:04:05Z";
  return { stream, messages: sequences.map((sequence) => ({ sequence, sensor: "s", at, value: 1 })) };
}

test("each message counts once, however often it is sent", () => {
  const ledger = new EdgeLedger();
  expect(ledger.take("e1", batch("a", 1, 2, 3))).toEqual({ ack: { sequence: 3, accepted: 3, duplicates: 0 }, missing: 0 });
  expect(ledger.take("e1", batch("a", 2, 3, 4))).toEqual({ ack: { sequence: 4, accepted: 1, duplicates: 2 }, missing: 0 });
  expect(ledger.take("e1", batch("a", 1, 2))).toEqual({ ack: { sequence: 4, accepted: 0, duplicates: 2 }, missing: 0 });
});

test("another edge, and another life of the same edge, start their own numbers", () => {
  const ledger = new EdgeLedger();
  ledger.take("e1", batch("a", 1, 2));
  expect(ledger.take("e2", batch("a", 1)).ack.accepted).toBe(1);
  expect(ledger.take("e1", batch("b", 1)).ack.accepted).toBe(1);
});

test("numbers that an edge skipped are counted as missing, but not those before a hub knew the stream", () => {
  const ledger = new EdgeLedger();
  expect(ledger.take("e1", batch("a", 41, 42)).missing).toBe(0);
  expect(ledger.take("e1", batch("a", 45, 47)).missing).toBe(3);
});

test("only the streams used last are remembered", () => {
  const ledger = new EdgeLedger(2);
  ledger.take("e1", batch("a", 1));
  ledger.take("e1", batch("b", 1));
  ledger.take("e1", batch("a", 2));
  ledger.take("e1", batch("c", 1));
  expect(ledger.take("e1", batch("a", 2)).ack.duplicates).toBe(1);
  expect(ledger.take("e1", batch("b", 1)).ack.duplicates).toBe(0);
});
