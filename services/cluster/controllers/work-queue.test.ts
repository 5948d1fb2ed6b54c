import { describe, expect, it } from "vitest";
import { createLogger } from "#lib/runtime/logger.ts";
import { StatusError } from "../api.ts";
import { eventually } from "./test/eventually.ts";
import { FakeTime } from "./test/fake-time.ts";
import { type Requeue, WorkQueue } from "./work-queue.ts";

const logger = createLogger("work-queue-test", "silent");

function queueOf(work: (key: string) => Promise<Requeue>, concurrency = 4) {
  const time = new FakeTime();
  return { time, queue: new WorkQueue({ name: "test", logger, timers: time, concurrency, work }) };
}

function gate() {
  let open = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { open, opened };
}

describe("the work queue", () => {
  it("works once on a key that was added several times", async () => {
    const seen: string[] = [];
    const { queue } = queueOf(async (key) => void seen.push(key) as undefined);
    for (const key of ["a", "a", "b", "a"]) queue.add(key);
    await eventually("idle", () => queue.idle);
    expect(seen).toEqual(["a", "b"]);
  });

  it("never works on one key twice at once, and runs it again when it was added meanwhile", async () => {
    const { open, opened } = gate();
    let running = 0;
    let most = 0;
    let passes = 0;
    const { queue } = queueOf(async () => {
      running += 1;
      passes += 1;
      most = Math.max(most, running);
      await opened;
      running -= 1;
      return undefined;
    });
    queue.add("a");
    await eventually("the first pass", () => passes === 1);
    queue.add("a");
    queue.add("a");
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(passes).toBe(1);
    open();
    await eventually("idle", () => queue.idle);
    expect({ passes, most }).toEqual({ passes: 2, most: 1 });
  });

  it("works on different keys at once, up to its limit", async () => {
    const { open, opened } = gate();
    let running = 0;
    let most = 0;
    const { queue } = queueOf(async () => {
      running += 1;
      most = Math.max(most, running);
      await opened;
      running -= 1;
      return undefined;
    }, 2);
    for (const key of ["a", "b", "c"]) queue.add(key);
    await eventually("two passes", () => running === 2);
    open();
    await eventually("idle", () => queue.idle);
    expect(most).toBe(2);
  });

  it("tries a failed key again after 5, 10, 20 ms and starts over after a success", async () => {
    const times: number[] = [];
    let failing = 3;
    const { queue, time } = queueOf(async () => {
      times.push(time.nowMs());
      if (failing-- > 0) throw new StatusError(409, "Conflict", "modified");
      return undefined;
    });
    const start = time.nowMs();
    queue.add("a");
    for (const [passes, delayMs] of [
      [1, 5],
      [2, 10],
      [3, 20],
    ] as const) {
      await eventually(`pass ${passes}`, () => times.length === passes && queue.idle);
      time.advance(delayMs - 1);
      expect(queue.idle).toBe(true);
      time.advance(1);
    }
    await eventually("the success", () => times.length === 4 && queue.idle);
    expect(times.map((at) => at - start)).toEqual([0, 5, 15, 35]);
    failing = 1;
    queue.add("a");
    await eventually("another failure", () => times.length === 5 && queue.idle);
    time.advance(5);
    await eventually("the retry", () => times.length === 6);
  });

  it("runs a delayed key when its time has come, the shortest delay counting", async () => {
    const times: number[] = [];
    const { queue, time } = queueOf(async () => void times.push(time.nowMs()) as undefined);
    const start = time.nowMs();
    queue.addAfter("a", 1000);
    queue.addAfter("a", 300);
    queue.addAfter("a", 2000);
    time.advance(299);
    expect(queue.idle).toBe(true);
    time.advance(1);
    await eventually("the pass", () => times.length === 1);
    time.advance(5000);
    await eventually("idle", () => queue.idle);
    expect(times.map((at) => at - start)).toEqual([300]);
  });

  it("takes nothing more once stopped, and waits for the pass under way", async () => {
    const { open, opened } = gate();
    const seen: string[] = [];
    const { queue } = queueOf(async (key) => {
      seen.push(key);
      await opened;
      return undefined;
    });
    queue.add("a");
    await eventually("the pass", () => seen.length === 1);
    let stopped = false;
    const stopping = queue.stop().then(() => {
      stopped = true;
    });
    queue.add("b");
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(stopped).toBe(false);
    open();
    await stopping;
    expect(seen).toEqual(["a"]);
  });
});
