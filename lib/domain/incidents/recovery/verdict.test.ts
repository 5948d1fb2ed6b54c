import { expect, test } from "vitest";
import type { Indicator } from "./indicators.ts";
import { beginIndicator, type StoredRecovery, takePoints } from "./recovery.ts";
import { isMeantToHelp, judgeMitigation, type Mitigation } from "./verdict.ts";

const impact = new Date("2026-03-01T12:00:00Z");
const late = (seconds: number) => new Date(impact.getTime() + seconds * 1000);
const latency: Indicator = {
  name: "latency-p95",
  title: "p95 latency",
  short: "p95",
  unit: "seconds",
  limit: 0.05,
  bad: "above",
  expr: "p95",
  standsInFor: null,
};
const errors: Indicator = { ...latency, name: "error-ratio", short: "failed operations", unit: "ratio", limit: 0.01, expr: "e" };

/** Values by seconds after the impact, each 5 s until then. */
function watched(until: number, ...all: [Indicator, (seconds: number) => number | null][]): StoredRecovery {
  const watch = { impactStartedAt: impact.toISOString(), windowSeconds: 30 };
  return {
    ...watch,
    named: [],
    soughtFrom: null,
    indicators: all.map(([indicator, valueAt]) => {
      const times = Array.from({ length: (until + 60) / 5 + 1 }, (_, index) => -60 + index * 5);
      const points = times.map((seconds) => ({ at: late(seconds).getTime(), value: valueAt(seconds) }));
      return takePoints(beginIndicator(indicator, impact), watch, points).indicator;
    }),
  };
}
const slow = (from: number, to: number) => (seconds: number) => (seconds >= from && seconds < to ? 0.31 : 0.042);
const done = (seconds: number, what = "Rollback of relay", endedAt: Date | null = late(seconds + 10)): Mitigation => ({
  id: what,
  what,
  isRepair: true,
  at: late(seconds),
  endedAt,
});
const judge = (action: Mitigation, recovery: StoredRecovery, next: Mitigation | null = null) =>
  judgeMitigation(action, next, recovery);

test("an action is verified once what was bad has been good for a window that began after it, and not before", () => {
  // Good values at 141 s speak for the time from 111 s on.
  expect(judge(done(100), watched(135, [latency, slow(0, 140)]))).toBeNull();
  expect(judge(done(100), watched(300, [latency, slow(0, 140)]))).toEqual({
    verdict: "recovered",
    seconds: 40,
    before: 0.31,
    after: 0.042,
    at: late(140),
    message: "Rollback of relay verified: p95 over 30 s is 42 ms, was 310 ms; 40 s after the click",
  });
});

test("it is not while something else has become bad", () => {
  const failing = (to: number) => (seconds: number) => (seconds >= 110 && seconds < to ? 0.2 : 0);
  const recovery = (until: number) => watched(until, [latency, slow(0, 140)], [errors, failing(180)]);
  expect(judge(done(100), recovery(175))).toBeNull();
  expect(judge(done(100), recovery(185))).toMatchObject({ verdict: "recovered", seconds: 80, before: 0.31 });
});

test("what was good or unknown when it was done proves nothing", () => {
  expect(judge(done(100), watched(200, [latency, slow(0, 30)]))).toMatchObject({
    verdict: "unknown",
    message: "Rollback of relay: whether it helped is not known. No indicator was bad when it was done.",
  });
  expect(judge(done(100), watched(200, [latency, () => null]))).toMatchObject({
    verdict: "unknown",
    message: expect.stringContaining("Nothing was measured when it was done."),
  });
  // Bad until 110 s by the values, which is until 80 s in truth.
  expect(judge(done(100), watched(200, [latency, slow(0, 110)]))).toMatchObject({
    verdict: "unknown",
    message: expect.stringContaining("It had begun to recover before."),
  });
});

test("it did not help when what was bad is so three minutes after its end", () => {
  expect(judge(done(100), watched(285, [latency, slow(0, 900)]))).toBeNull();
  expect(judge(done(100), watched(290, [latency, slow(0, 900)]))).toEqual({
    verdict: "not-recovered",
    seconds: null,
    before: 0.31,
    after: 0.31,
    at: late(290),
    message: "Rollback of relay did not help: p95 over 30 s is 310 ms (limit 50 ms), was 310 ms; 190 s after the click",
  });
  expect(judge(done(100, "Abort", null), watched(290, [latency, slow(0, 900)]))).toBeNull();
});

test("nothing is known of it when nothing was measured after it", () => {
  const dark = (seconds: number) => (seconds < 120 ? slow(0, 900)(seconds) : null);
  expect(judge(done(100), watched(300, [latency, dark]))).toMatchObject({ verdict: "unknown" });
});

test("of two actions the one counts after which it became good", () => {
  const recovery = watched(300, [latency, slow(0, 140)]);
  const [restart, rollback] = [done(60, "Restart of relay"), done(100)];
  expect(judge(restart, recovery, rollback)).toMatchObject({
    verdict: "unknown",
    message: "Restart of relay: whether it helped is not known. Rollback of relay followed before the data could tell.",
  });
  expect(judge(rollback, recovery)).toMatchObject({ verdict: "recovered" });
  expect(judge(rollback, recovery, done(200, "Scaling of relay"))).toMatchObject({ verdict: "recovered" });
});

test("it is verified by what happened then, though it was bad again before anybody looked", () => {
  const again = (seconds: number) => (seconds >= 250 ? 0.4 : slow(0, 140)(seconds));
  expect(judge(done(100), watched(300, [latency, again]))).toMatchObject({ verdict: "recovered", seconds: 40, after: 0.042 });
});

test("a new image or a scaling is meant to help only while something is bad, a rollback always", () => {
  const recovery = watched(200, [latency, slow(0, 140)]);
  const image = { ...done(100, "New image of relay"), isRepair: false };
  expect(isMeantToHelp(image, recovery)).toBe(true);
  expect(isMeantToHelp({ ...image, at: late(-10) }, recovery)).toBe(false);
  expect(isMeantToHelp(done(-10), recovery)).toBe(true);
});
