import { describe, expect, test } from "vitest";
import { decideNext, giveUpAfterMs } from "./policy.ts";
import type { AttemptOutcome } from "./schemas.ts";

const start = new Date("2026-11-21T00:00:00Z");
const giveUpAt = new Date(start.getTime() + giveUpAfterMs);

/** The waits before each further attempt of a message that always ends so, in seconds. */
function waits(outcome: AttemptOutcome, random: () => number, isGone = false): number[] {
  const seconds: number[] = [];
  let now = start;
  for (let attemptCount = 1; attemptCount < 1_000; attemptCount += 1) {
    const next = decideNext({ attemptCount, outcome, isGone, giveUpAt }, now, random);
    if (next.state !== "pending") return seconds;
    seconds.push((next.nextAttemptAt.getTime() - now.getTime()) / 1000);
    now = next.nextAttemptAt;
  }
  throw new Error("it never gives up");
}

const sum = (numbers: number[]) => numbers.reduce((all, one) => all + one, 0);

describe("a message that meets trouble", () => {
  test.each(["failing", "unreachable", "timed-out", "unreadable"] as const)("(%s) is tried over about 24 hours", (outcome) => {
    const all = waits(outcome, () => 1);
    expect(all.slice(0, 5)).toEqual([5, 10, 20, 40, 80]);
    expect(Math.max(...all)).toBe(3600);
    expect(sum(all)).toBeGreaterThan(22 * 3600);
    expect(sum(all)).toBeLessThanOrEqual(24 * 3600);
    expect(all.length).toBeGreaterThan(25);
  });

  test("waits at least half of each step, with the rest at random", () => {
    expect(waits("failing", () => 0).slice(0, 4)).toEqual([2.5, 5, 10, 20]);
    expect(waits("failing", () => 0.5).slice(0, 4)).toEqual([3.75, 7.5, 15, 30]);
  });
});

describe("a message that is refused", () => {
  test("is tried five times in about ten minutes: the receiver may be about to come back", () => {
    expect(waits("refused", () => 1)).toEqual([30, 60, 120, 240]);
  });

  test("is given up at once when the receiver is gone for ever or its address is not allowed", () => {
    expect(waits("refused", () => 1, true)).toEqual([]);
    expect(waits("blocked", () => 1)).toEqual([]);
  });
});

test("a delivered message is at its end, whenever that was", () => {
  const late = new Date(giveUpAt.getTime() + 1);
  expect(decideNext({ attemptCount: 9, outcome: "delivered", isGone: false, giveUpAt }, late)).toEqual({
    state: "delivered",
    nextAttemptAt: null,
  });
});

test("a test, whose time is over as it begins, is tried once", () => {
  expect(decideNext({ attemptCount: 1, outcome: "failing", isGone: false, giveUpAt: start }, start).state).toBe("failed");
});
