import { describe, expect, test } from "vitest";
import type { Indicator } from "./indicators.ts";
import { beginIndicator, type Point, takePoints, type Watch, type WatchedIndicator } from "./recovery.ts";

const impact = new Date("2026-03-01T12:00:00Z");
const watch: Watch = { impactStartedAt: impact.toISOString(), windowSeconds: 30 };
const latency: Indicator = {
  name: "latency-p95",
  title: "p95",
  short: "p95",
  unit: "seconds",
  limit: 0.05,
  bad: "above",
  expr: "p95",
  standsInFor: null,
};
const begin = () => beginIndicator(latency, impact);

/** A point every 5 s from so many seconds after the impact on. */
const row = (from: number, ...values: (number | null)[]): Point[] =>
  values.map((value, index) => ({ at: impact.getTime() + (from + index * 5) * 1000, value }));
const at = (seconds: number) => new Date(impact.getTime() + seconds * 1000).toISOString();
const take = (points: Point[], stored: WatchedIndicator = begin()) => {
  const { indicator: recovery, news } = takePoints(stored, watch, points);
  return { recovery, news: news.map(({ kind, at }) => ({ kind, at })) };
};

describe("a recovery", () => {
  test("began a window before the first good point, and shows before, during and after", () => {
    const { recovery, news } = take([...row(-10, 0.004, 0.006), ...row(0, 0.2, 0.4, 0.3), ...row(60, 0.005, 0.007)]);
    expect(news).toEqual([{ kind: "recovered", at: at(30) }]);
    expect(recovery).toMatchObject({
      state: "good",
      before: 0.006,
      during: 0.4,
      after: 0.006,
      now: 0.007,
      goodSince: at(30),
      recoveredAt: at(30),
    });
  });

  test("is found the same when the points come one by one", () => {
    const points = [...row(-10, 0.004, 0.004), ...row(0, 0.2, 0.4), ...row(60, 0.005, 0.005, 0.006)];
    const told: unknown[] = [];
    let stored = begin();
    for (const point of points) {
      const { recovery, news } = take([point], stored);
      stored = recovery;
      told.push(...news);
    }
    const whole = take(points);
    expect(told).toEqual(whole.news);
    expect(stored).toEqual(whole.recovery);
  });

  test("is told once, however often the same points are looked at", () => {
    const points = [...row(0, 0.2), ...row(60, 0.005)];
    expect(take(points, take(points).recovery).news).toEqual([]);
  });

  test("never lies before the impact", () => {
    expect(take([...row(0, 0.2), ...row(5, 0.01)]).news).toEqual([{ kind: "recovered", at: at(0) }]);
  });

  test("is taken back by a bad point, and found anew", () => {
    const { recovery, news } = take([...row(0, 0.2), ...row(60, 0.01), ...row(65, 0.3), ...row(100, 0.01)]);
    expect(news).toEqual([
      { kind: "recovered", at: at(30) },
      { kind: "relapsed", at: at(65) },
      { kind: "recovered", at: at(70) },
    ]);
    expect(recovery).toMatchObject({ during: 0.3, recoveredAt: at(70) });
  });

  test("is none where nothing was bad since the impact began, though it was before", () => {
    const { recovery, news } = take([...row(-60, 0.4), ...row(0, 0.01, 0.01, 0.01)]);
    expect(news).toEqual([]);
    expect(recovery).toMatchObject({ state: "good", wasBad: false, recoveredAt: null, during: null });
  });
});

describe("what nobody could know", () => {
  test("is never good", () => {
    expect(take(row(0, 0.2, null)).recovery).toMatchObject({ state: "unknown", goodSince: null, now: null });
  });

  test("has to be followed by a whole window that is known and good", () => {
    const dark = take([...row(0, 0.2), ...row(60, null)]).recovery;
    const early = take(row(65, 0.01, 0.01, 0.01, 0.01, 0.01), dark);
    expect(early.news).toEqual([]);
    expect(early.recovery).toMatchObject({ state: "good", goodSince: at(60), recoveredAt: null });
    expect(take(row(90, 0.01), early.recovery).news).toEqual([{ kind: "recovered", at: at(60) }]);
  });

  test("does not take back a recovery by itself", () => {
    const good = take([...row(0, 0.2), ...row(60, 0.01)]).recovery;
    const { recovery, news } = take(row(65, null), good);
    expect(news).toEqual([]);
    expect(recovery).toMatchObject({ state: "unknown", recoveredAt: at(30) });
  });
});

test("an indicator that is bad below its limit is worst at its lowest", () => {
  const up: Indicator = { ...latency, name: "up", limit: 1, bad: "below" };
  const { recovery } = take([...row(0, 0.5, 0, 0.5), ...row(60, 1)], beginIndicator(up, impact));
  expect(recovery).toMatchObject({ during: 0, state: "good", recoveredAt: at(30) });
});

test("a long incident keeps its newest points and the shape of the older ones", () => {
  const values = Array.from({ length: 1_000 }, (_, index) => (index < 500 ? 0.2 : 0.01));
  const { points } = take(row(0, ...values)).recovery;
  expect(points.length).toBeLessThanOrEqual(360);
  expect(points.at(-1)).toEqual([impact.getTime() / 1000 + 4_995, 0.01]);
  expect(points[0]).toEqual([impact.getTime() / 1000, 0.2]);
  expect(points.slice(-100)).toEqual(row(4_500, ...values.slice(900)).map((point) => [point.at / 1000, point.value]));
});
