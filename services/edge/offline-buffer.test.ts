import fc from "fast-check";
import { expect, test } from "vitest";
import { OfflineBuffer } from "./offline-buffer.ts";

const at = "2026-01-02T03:04:05Z";

function fill(buffer: OfflineBuffer, count: number) {
  for (let i = 0; i < count; i++) buffer.push({ sensor: "s", at, value: i }, 10);
}

test.each([
  [9_999, 0, 9_999],
  [10_000, 0, 10_000],
  [10_001, 1, 10_000],
  [50_000, 40_000, 10_000],
])("an outage that produces %i readings drops exactly %i of the oldest and keeps %i", (produced, dropped, kept) => {
  const buffer = new OfflineBuffer(10_000);
  fill(buffer, produced);
  expect(buffer.dropped).toBe(dropped);
  expect(buffer.depth).toBe(kept);
  const messages = buffer.oldest(20_000, Number.POSITIVE_INFINITY);
  expect(messages.map(({ sequence }) => sequence)).toEqual(Array.from({ length: kept }, (_, i) => dropped + i + 1));
  expect(messages[0]?.value).toBe(dropped);
});

test("an acknowledgement frees everything up to its number, once", () => {
  const buffer = new OfflineBuffer(10);
  fill(buffer, 6);
  expect(buffer.acknowledge(4)).toBe(4);
  expect(buffer.acknowledge(4)).toBe(0);
  expect(buffer.acknowledge(1)).toBe(0);
  expect(buffer.oldest(10, 1_000).map(({ sequence }) => sequence)).toEqual([5, 6]);
});

test("a batch is bounded by number and by bytes, and is never empty", () => {
  const buffer = new OfflineBuffer(10);
  fill(buffer, 6);
  expect(buffer.oldest(2, 1_000)).toHaveLength(2);
  expect(buffer.oldest(10, 35)).toHaveLength(3);
  expect(buffer.oldest(10, 1)).toHaveLength(1);
});

test("whatever is pushed and acknowledged: kept + gone + dropped = pushed, in order", () => {
  const steps = fc.array(fc.oneof(fc.record({ push: fc.integer({ min: 1, max: 20 }) }), fc.record({ ack: fc.nat(200) })));
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 12 }), steps, (size, list) => {
      const buffer = new OfflineBuffer(size);
      let pushed = 0;
      let gone = 0;
      for (const step of list) {
        if ("push" in step) {
          fill(buffer, step.push);
          pushed += step.push;
        } else gone += buffer.acknowledge(step.ack);
      }
      const sequences = buffer.oldest(size, 1_000).map(({ sequence }) => sequence);
      expect(sequences.length + gone + buffer.dropped).toBe(pushed);
      expect(sequences).toEqual(sequences.map((_, i) => pushed - sequences.length + i + 1));
    }),
  );
});
