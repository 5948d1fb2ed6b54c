import fc from "fast-check";
import { expect, test } from "vitest";
import { decodeBatch, packReadings } from "#lib/protocol/hub-batch.ts";
import { BatchRing } from "./batch-ring.ts";

function batch(first: number, count: number, valueBytes: number) {
  const value = JSON.stringify("x".repeat(valueBytes));
  return { stream: "s", first, readings: packReadings(Array.from({ length: count }, () => ({ sensor: "s", atMs: 0, value }))) };
}

test("whatever is pushed, the newest batches come out whole, newest first, and what is missing are the oldest ones", () => {
  const pushes = fc.array(fc.record({ count: fc.integer({ min: 1, max: 5 }), bytes: fc.nat(200) }), { maxLength: 80 });
  fc.assert(
    fc.property(pushes, fc.integer({ min: 1_300, max: 6_000 }), fc.integer({ min: 1, max: 60 }), (list, maxBytes, kept) => {
      const ring = new BatchRing(kept, maxBytes);
      for (const [index, { count, bytes }] of list.entries()) ring.push(batch(index + 1, count, bytes));
      const found = [...ring.newestFirst()].map((bytes) => decodeBatch(bytes));
      expect(found.map(({ first }) => first)).toEqual(found.map((_, i) => list.length - i));
      for (const { first, readings } of found) {
        const pushed = list[first - 1];
        const values = [...readings].map(({ value }) => value.length - 2);
        expect(values).toEqual(Array.from({ length: pushed?.count ?? 0 }, () => pushed?.bytes));
      }
      const readings = found.reduce((sum, one) => sum + one.readings.count, 0);
      expect(readings - (found.at(-1)?.readings.count ?? 0)).toBeLessThan(kept);
      if (list.length > 0) expect(found.length).toBeGreaterThan(0);
    }),
  );
});

test("a reader that waits sees no batch that was written over meanwhile", () => {
  const ring = new BatchRing(1_000_000, 1_000);
  for (let i = 1; i <= 8; i++) ring.push(batch(i, 1, 50));
  const reader = ring.newestFirst();
  expect(decodeBatch(reader.next().value).first).toBe(8);
  for (let i = 9; i <= 14; i++) ring.push(batch(i, 1, 50));
  expect([...reader].map((bytes) => decodeBatch(bytes).first)).toEqual([7, 6, 5]);
});
