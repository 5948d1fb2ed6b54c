import fc from "fast-check";
import { expect, test } from "vitest";
import { type HubBatch, packReadings } from "#lib/protocol/hub-batch.ts";
import { OfflineBuffer } from "./offline-buffer.ts";

const endless = { readings: Number.POSITIVE_INFINITY, bytes: Number.POSITIVE_INFINITY };

function fill(buffer: OfflineBuffer, count: number) {
  for (let i = 0; i < count; i++) buffer.push({ sensor: "s", atMs: 0, value: String(buffer.nextSequence) });
}

/** The numbers of a batch; each reading's value is its number. */
function numbersOf({ first, readings }: HubBatch): number[] {
  const numbers = [...readings].map(({ value }) => Number(value));
  expect(numbers).toEqual(numbers.map((_, i) => first + i));
  return numbers;
}

function sendAll(buffer: OfflineBuffer, room = endless): number[] {
  const numbers: number[] = [];
  for (let batch = buffer.next(room); batch; batch = buffer.next(room)) numbers.push(...numbersOf(batch));
  return numbers;
}

function fail(): never {
  throw new Error("there is nothing to send");
}

const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i);

test.each([
  [9_999, 0, 9_999],
  [10_000, 0, 10_000],
  [10_001, 1, 10_000],
  [50_000, 40_000, 10_000],
])("an outage that produces %i readings drops exactly %i of the oldest and keeps %i", (produced, dropped, kept) => {
  const buffer = new OfflineBuffer(10_000);
  fill(buffer, produced);
  expect([buffer.dropped, buffer.depth]).toEqual([dropped, kept]);
  expect(sendAll(buffer)).toEqual(range(dropped + 1, produced));
});

test.each([
  [9_999, 0],
  [10_000, 0],
  [10_001, 1],
  [50_000, 40_000],
])("what was on its way when an outage began is neither dropped nor counted: %i readings drop %i", (produced, dropped) => {
  const buffer = new OfflineBuffer(10_000);
  fill(buffer, 700);
  expect(sendAll(buffer)).toEqual(range(1, 700));
  buffer.rewind();
  fill(buffer, produced);
  expect([buffer.dropped, buffer.depth]).toEqual([dropped, 700 + produced - dropped]);
  expect(numbersOf(buffer.next(endless) ?? fail())).toEqual(range(1, 700));
  buffer.acknowledge(buffer.ownStream, 700);
  expect(sendAll(buffer)).toEqual(range(700 + dropped + 1, 700 + produced));
});

test("a block of many readings is numbered, and dropped from its front, as if they had come one by one", () => {
  const buffer = new OfflineBuffer(10);
  fill(buffer, 3);
  buffer.pushBlock(packReadings(range(4, 12).map((n) => ({ sensor: `s${n % 2}`, atMs: 0, value: String(n) }))));
  fill(buffer, 2);
  expect(buffer.dropped).toBe(4);
  expect(sendAll(buffer)).toEqual(range(5, 14));
});

test("readings are bounded by their bytes too: those never sent by dropping the oldest, those on their way by waiting", () => {
  const buffer = new OfflineBuffer(1_000, 1_000);
  const push = (count: number) => {
    for (let i = 0; i < count; i++) buffer.push({ sensor: "s", atMs: 0, value: String(buffer.nextSequence).padStart(88) });
  };
  push(7);
  expect(sendAll(buffer)).toEqual(range(1, 7));
  push(15);
  expect([buffer.depth, buffer.dropped]).toEqual([17, 5]);
  expect(sendAll(buffer)).toEqual(range(13, 15));
  buffer.pushBlock(packReadings(range(23, 30).map((n) => ({ sensor: "s", atMs: 0, value: String(n).padStart(88) }))));
  expect([buffer.depth, buffer.dropped]).toEqual([20, 10]);
  buffer.acknowledge(buffer.ownStream, 15);
  expect(sendAll(buffer)).toEqual(range(21, 30));
});

test("a reading that cannot be sent is refused, takes no number and leaves nothing behind", () => {
  const buffer = new OfflineBuffer(10);
  expect(() => buffer.push({ sensor: "s", atMs: Date.parse("9999-12-31T00:00:00Z"), value: "1" })).toThrow(RangeError);
  expect([buffer.depth, buffer.nextSequence, buffer.next(endless)]).toEqual([0, 1, undefined]);
  fill(buffer, 2);
  expect(sendAll(buffer)).toEqual([1, 2]);
});

test("an acknowledgement frees everything that was sent up to its number, once", () => {
  const buffer = new OfflineBuffer(10);
  fill(buffer, 4);
  sendAll(buffer);
  fill(buffer, 2);
  expect(buffer.acknowledge("another stream", 4)).toBe(0);
  expect(buffer.acknowledge(buffer.ownStream, 100)).toBe(4);
  expect(buffer.acknowledge(buffer.ownStream, 4)).toBe(0);
  expect(sendAll(buffer)).toEqual([5, 6]);
});

test("what is sent keeps within the room for it, and what does not fit is sent later", () => {
  const buffer = new OfflineBuffer(100);
  fill(buffer, 9);
  expect(buffer.next({ readings: 0, bytes: 1_000 })).toBeUndefined();
  expect(buffer.next({ readings: 5, bytes: 12 })).toBeUndefined();
  expect(buffer.next({ readings: 2, bytes: 1_000 })?.readings.count).toBe(2);
  expect(buffer.next({ readings: 5, bytes: 40 })?.readings.count).toBe(3);
  buffer.rewind();
  const sizes = range(1, 4).map(() => buffer.next({ readings: 2, bytes: 1_000 })?.readings.count);
  expect(sizes).toEqual([2, 2, 1, 2]);
});

test("not more than the buffer's size is on its way", () => {
  const buffer = new OfflineBuffer(10);
  fill(buffer, 8);
  expect(sendAll(buffer)).toEqual(range(1, 8));
  fill(buffer, 8);
  expect(sendAll(buffer)).toEqual([9, 10]);
  expect(buffer.depth).toBe(16);
});

test("whatever is pushed, sent, cut off and acknowledged: kept + gone + dropped = pushed, in order, and nothing sent is dropped", () => {
  const step = fc.oneof(
    fc.record({ push: fc.integer({ min: 1, max: 20 }) }),
    fc.record({ block: fc.integer({ min: 1, max: 20 }) }),
    fc.record({ send: fc.integer({ min: 1, max: 20 }) }),
    fc.record({ ack: fc.nat(200) }),
    fc.constant({ cut: true }),
  );
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 12 }), fc.array(step, { maxLength: 40 }), (size, steps) => {
      const buffer = new OfflineBuffer(size);
      const owed = new Set<number>();
      let [pushed, gone, acknowledged] = [0, 0, 0];
      for (const step of steps) {
        if ("push" in step) fill(buffer, step.push);
        if ("block" in step) {
          const numbers = range(pushed + 1, pushed + step.block);
          buffer.pushBlock(packReadings(numbers.map((n) => ({ sensor: "s", atMs: 0, value: String(n) }))));
        }
        pushed = buffer.nextSequence - 1;
        if ("send" in step) {
          const batch = buffer.next({ readings: step.send, bytes: 10_000 });
          for (const number of batch ? numbersOf(batch) : []) owed.add(number);
        }
        if ("ack" in step) {
          gone += buffer.acknowledge(buffer.ownStream, step.ack);
          acknowledged = Math.max(acknowledged, step.ack);
        }
        if ("cut" in step) buffer.rewind();
        expect(buffer.depth + gone + buffer.dropped).toBe(pushed);
      }
      buffer.rewind();
      const left: number[] = [];
      for (let batch = buffer.next(endless); batch; batch = buffer.next(endless)) {
        left.push(...numbersOf(batch));
        buffer.acknowledge(batch.stream, batch.first + batch.readings.count - 1);
      }
      expect(left.length + gone + buffer.dropped).toBe(pushed);
      expect(left).toEqual([...left].sort((a, b) => a - b));
      expect([...owed].filter((number) => number > acknowledged && !left.includes(number))).toEqual([]);
    }),
  );
});
