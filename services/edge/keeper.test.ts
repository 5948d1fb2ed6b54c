import { expect, test } from "vitest";
import { packReadings } from "#lib/protocol/hub-batch.ts";
import { createKeeper } from "./keeper.ts";
import { OfflineBuffer } from "./offline-buffer.ts";

const reading = (value: number) => ({ sensor: "s", atMs: 0, value: String(value) });

function create(faults?: { latencyMs: number; errorRatio: number }) {
  const buffer = new OfflineBuffer(100);
  const counts = { kept: 0, taken: 0 };
  const keeper = createKeeper({
    buffer,
    onKept: () => {
      counts.kept += 1;
    },
    onTaken: (count) => {
      counts.taken += count;
    },
    faults,
  });
  return { buffer, counts, keeper };
}

const numbers = (buffer: OfflineBuffer) =>
  [...(buffer.next({ readings: 100, bytes: 10_000 })?.readings ?? [])].map(({ value }) => Number(value));

test("in memory readings are kept at once, one by one or many together", () => {
  const { buffer, counts, keeper } = create();
  expect(keeper.onReading(reading(1))).toBeUndefined();
  expect(keeper.onBlock(packReadings([2, 3].map(reading)))).toBeUndefined();
  expect(counts).toEqual({ kept: 2, taken: 3 });
  expect([buffer.depth, buffer.nextSequence]).toEqual([3, 4]);
});

test("FAULT_ERROR_RATIO refuses readings, and none of them is kept", async () => {
  const { buffer, counts, keeper } = create({ latencyMs: 0, errorRatio: 1 });
  await expect(keeper.onReading(reading(1))).rejects.toThrow("FAULT_ERROR_RATIO");
  expect([buffer.depth, counts]).toEqual([0, { kept: 0, taken: 1 }]);
});

test("FAULT_LATENCY_MS keeps readings later, and in the order in which they came", async () => {
  const { buffer, keeper } = create({ latencyMs: 5, errorRatio: 0 });
  const kept = Array.from({ length: 20 }, (_, i) => keeper.onReading(reading(i + 1)));
  expect(buffer.depth).toBe(0);
  await Promise.all(kept);
  expect(numbers(buffer)).toEqual(Array.from({ length: 20 }, (_, i) => i + 1));
});
