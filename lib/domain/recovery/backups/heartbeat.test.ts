import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Cancelled, ClaimLost, underHeartbeat } from "./heartbeat.ts";

beforeEach(() => vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] }));
afterEach(() => vi.useRealTimers());

const untilAborted = (signal: AbortSignal) =>
  new Promise<never>((_, reject) => signal.addEventListener("abort", () => reject(new Error("ended somehow"))));
const never = new AbortController().signal;

test("work goes on while the heartbeat is written, and ends with its own result", async () => {
  const { promise, resolve } = Promise.withResolvers<string>();
  let beats = 0;
  const beat = async () => {
    beats += 1;
  };
  const run = underHeartbeat({ beat, signal: never }, () => promise);
  await vi.advanceTimersByTimeAsync(5_000);
  resolve("done");
  expect(await run).toBe("done");
  expect(beats).toBe(5);
  await vi.advanceTimersByTimeAsync(5_000);
  expect(beats).toBe(5);
});

test.each([new ClaimLost("Another process has it."), new Cancelled("olga")])(
  "%s ends the work with that reason",
  async (reason) => {
    const run = underHeartbeat({ beat: () => Promise.reject(reason), signal: never }, untilAborted);
    const ended = expect(run).rejects.toBe(reason);
    await vi.advanceTimersByTimeAsync(1_000);
    await ended;
  },
);

test("a database that is away for a while ends nothing, but in time before another process takes the run over", async () => {
  let isAway = true;
  const beat = () => (isAway ? Promise.reject(new Error("connection refused")) : Promise.resolve());
  let hasEnded = false;
  const run = underHeartbeat({ beat, signal: never }, untilAborted).finally(() => {
    hasEnded = true;
  });
  const ended = expect(run).rejects.toBeInstanceOf(ClaimLost);
  await vi.advanceTimersByTimeAsync(15_000);
  expect(hasEnded).toBe(false);
  isAway = false;
  await vi.advanceTimersByTimeAsync(2_000);
  isAway = true;
  await vi.advanceTimersByTimeAsync(15_000);
  expect(hasEnded).toBe(false);
  await vi.advanceTimersByTimeAsync(10_000);
  await ended;
});

test("a process that stops ends its work with its own reason", async () => {
  const stop = new AbortController();
  const run = underHeartbeat({ beat: async () => {}, signal: stop.signal }, untilAborted);
  const ended = expect(run).rejects.toThrow("The process stops.");
  stop.abort(new Error("The process stops."));
  await ended;
});
