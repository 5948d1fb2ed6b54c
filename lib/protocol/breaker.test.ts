import { expect, test, vi } from "vitest";
import { Breaker, type BreakerState } from "#lib/protocol/breaker.ts";

function createBreaker() {
  const clock = { ms: 1_000 };
  const changes: BreakerState[] = [];
  const breaker = new Breaker({ now: () => clock.ms, onChange: (state) => changes.push(state) });
  const fail = (times: number) => {
    for (let i = 0; i < times; i++) breaker.fail();
  };
  return { breaker, clock, changes, fail };
}

test("a breaker opens at the fifth failure in a row, not at the fourth", () => {
  const { breaker, fail } = createBreaker();
  fail(4);
  expect(breaker.state).toBe("closed");
  expect(breaker.tryPass()).toBe(true);
  fail(1);
  expect(breaker.state).toBe("open");
  expect(breaker.tryPass()).toBe(false);
});

test("a success starts the count again", () => {
  const { breaker, fail } = createBreaker();
  fail(4);
  breaker.succeed();
  fail(4);
  expect(breaker.state).toBe("closed");
});

test("an open breaker lets nothing through for 30 seconds, then exactly one probe", () => {
  const { breaker, clock, fail } = createBreaker();
  fail(5);
  clock.ms += 29_999;
  expect(breaker.tryPass()).toBe(false);
  expect(breaker.retryInMs).toBe(1);
  clock.ms += 1;
  expect(breaker.retryInMs).toBe(0);
  expect(breaker.tryPass()).toBe(true);
  expect(breaker.state).toBe("half-open");
  expect(breaker.tryPass()).toBe(false);
});

test("a probe that succeeds closes the breaker", () => {
  const { breaker, clock, changes, fail } = createBreaker();
  fail(5);
  clock.ms += 30_000;
  breaker.tryPass();
  breaker.succeed();
  expect(breaker.tryPass()).toBe(true);
  expect(changes).toEqual(["open", "half-open", "closed"]);
});

test("a probe that fails opens it for another 30 seconds", () => {
  const { breaker, clock, fail } = createBreaker();
  fail(5);
  clock.ms += 30_000;
  breaker.tryPass();
  breaker.fail();
  clock.ms += 29_999;
  expect(breaker.tryPass()).toBe(false);
  clock.ms += 1;
  expect(breaker.tryPass()).toBe(true);
});

test("by the timers of the process: the fifth failure opens it, and of all who ask at 30 s one may probe", () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "setInterval", "performance"] });
  try {
    const breaker = new Breaker();
    const failures: number[] = [];
    const probes: number[] = [];
    for (let n = 1; breaker.state === "closed"; n++) {
      breaker.fail();
      failures.push(n);
    }
    const openedAt = performance.now();
    const askers = Array.from({ length: 10 }, () => setInterval(() => breaker.tryPass() && probes.push(performance.now()), 1));
    vi.advanceTimersByTime(29_999);
    expect([failures.length, probes]).toEqual([5, []]);
    vi.advanceTimersByTime(60_000);
    expect(probes).toEqual([openedAt + 30_000]);
    for (const asker of askers) clearInterval(asker);
  } finally {
    vi.useRealTimers();
  }
});

test("news that the other side can be reached lets the probe pass early, and only one", () => {
  const clock = { ms: 0 };
  const breaker = new Breaker({ now: () => clock.ms });
  breaker.hurry();
  expect(breaker.state).toBe("closed");
  for (let i = 0; i < 5; i++) breaker.fail();
  expect(breaker.tryPass()).toBe(false);
  breaker.hurry();
  expect([breaker.tryPass(), breaker.tryPass()]).toEqual([true, false]);
  breaker.fail();
  expect(breaker.retryInMs).toBe(30_000);
});

test("a breaker that is held stays open whatever succeeds, fails or comes into reach, until it is released", async () => {
  const { breaker, clock, changes, fail } = createBreaker();
  breaker.hold();
  expect([breaker.state, breaker.isHeld, breaker.tryPass()]).toEqual(["open", true, false]);
  let isReleased = false;
  const released = breaker.untilReleased().then(() => {
    isReleased = true;
  });
  clock.ms += 3_600_000;
  breaker.succeed();
  breaker.hurry();
  fail(9);
  await Promise.resolve();
  expect([breaker.state, breaker.tryPass(), isReleased]).toEqual(["open", false, false]);
  breaker.release();
  await released;
  expect([breaker.state, breaker.isHeld, breaker.tryPass()]).toEqual(["closed", false, true]);
  expect(changes).toEqual(["open", "closed"]);
  fail(4);
  expect(breaker.state).toBe("closed");
});

test("a release also closes a breaker that failures have opened", () => {
  const { breaker, fail } = createBreaker();
  fail(5);
  breaker.release();
  expect([breaker.state, breaker.tryPass()]).toEqual(["closed", true]);
});
