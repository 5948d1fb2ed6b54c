import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { Passes } from "./passes.ts";

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

function make(pass: (passes: Passes) => Promise<void> | void) {
  const errors: unknown[] = [];
  let count = 0;
  const passes: Passes = new Passes({
    pass: async () => {
      count += 1;
      await pass(passes);
    },
    onError: (error) => errors.push(error),
    nowMs: Date.now,
  });
  return { passes, errors, count: () => count };
}

it("runs one pass after the other, once more for all that woke it meanwhile", async () => {
  let isRunning = false;
  const { passes, count } = make(async () => {
    expect(isRunning).toBe(false);
    isRunning = true;
    await new Promise((resolve) => setTimeout(resolve, 100));
    isRunning = false;
  });
  passes.wake();
  passes.wake();
  passes.wake();
  await vi.advanceTimersByTimeAsync(1_000);
  expect(count()).toBe(2);
});

it("runs one pass after the other although a pass wakes itself before it waits for anything", async () => {
  let running = 0;
  let most = 0;
  const { passes, count } = make(async (own) => {
    running += 1;
    most = Math.max(most, running);
    if (count() < 4) own.wake();
    await new Promise((resolve) => setTimeout(resolve, 100));
    running -= 1;
  });
  passes.wake();
  await vi.advanceTimersByTimeAsync(2_000);
  expect([count(), most]).toEqual([4, 1]);
});

it("runs again at the earliest time that a pass asked for", async () => {
  const { passes, count } = make((own) => {
    if (count() > 1) return;
    own.wakeAt(Date.now() + 5_000);
    own.wakeAt(Date.now() + 3_000);
    own.wakeAt(undefined);
  });
  passes.wake();
  await vi.advanceTimersByTimeAsync(2_999);
  expect(count()).toBe(1);
  await vi.advanceTimersByTimeAsync(10_000);
  expect(count()).toBe(2);
});

it("tries again two seconds after an error", async () => {
  const { passes, errors, count } = make(() => {
    if (count() === 1) throw new Error("not now");
  });
  passes.wake();
  await vi.advanceTimersByTimeAsync(2_000);
  expect([count(), errors.length]).toEqual([2, 1]);
});

it("runs nothing any more when it was stopped", async () => {
  const { passes, count } = make((own) => own.wakeAt(Date.now() + 10));
  passes.wake();
  await vi.advanceTimersByTimeAsync(5);
  await passes.stop();
  passes.wake();
  await vi.advanceTimersByTimeAsync(1_000);
  expect(count()).toBe(1);
});
