import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { measureLoss, measureRecovery, type Outcome, seriesOf } from "./measure.ts";

const path = (name: string, isWrite = true) => ({ name, intervalMs: 500, isWrite });
const ok = (endedAt: number, { on = 0, tookMs = 10 } = {}): Outcome => ({ path: on, endedAt, tookMs, isOk: true });
const failed = (endedAt: number, on = 0): Outcome => ({ path: on, endedAt, tookMs: 10, isOk: false });
const every500 = (from: number, to: number, on = 0) =>
  Array.from({ length: Math.floor((to - from) / 500) + 1 }, (_, index) => ok(from + index * 500, { on }));

const measure = (outcomes: Outcome[], paths = [path("client 1")], over = {}) => {
  const until = Math.max(...outcomes.map(({ endedAt }) => endedAt));
  return measureRecovery({ outcomes, paths, faultAt: 10_000, until, consecutive: 5, clockErrorMs: 0, ...over });
};

describe("the time that a fault kept clients away", () => {
  it("is from the last success before the fault to the first of five in a row after it", () => {
    const found = measure([...every500(8_000, 9_800), failed(10_400), failed(12_000), ...every500(17_200, 20_000)]);
    expect(found).toMatchObject({ lastSuccessAt: 9_500, recoveredAt: 17_200, rtoMs: 7_700, errorMs: 500 });
  });

  it("does not end with a success among failures", () => {
    const found = measure([
      ok(9_900),
      failed(10_400),
      ok(11_000),
      failed(11_400),
      ok(12_000),
      ok(12_500),
      failed(13_000),
      ...every500(15_000, 18_000),
    ]);
    expect(found.rtoMs).toBe(5_100);
  });

  it("does not end with what was under way when it began, though nothing is counted as failed until it is over", () => {
    const found = measure([ok(9_900), ok(10_005), ok(19_000, { tookMs: 8_500 }), ...every500(19_500, 22_000)]);
    expect(found).toMatchObject({ lastSuccessAt: 10_005, recoveredAt: 19_000, rtoMs: 8_995 });
  });

  it("is not over when what had waited succeeds all at once and nothing else does", () => {
    const flushed = [0, 1, 2, 3, 4, 5].map((index) => ok(15_000 + index, { tookMs: 4_000 }));
    expect(measure([ok(9_900), ...flushed]).rtoMs).toBeNull();
    expect(measure([ok(9_900), ...flushed, ...every500(15_500, 18_000)]).recoveredAt).toBe(15_000);
  });

  it("begins when clients notice it, however long after the fault that is", () => {
    const found = measure([...every500(8_000, 14_000), failed(15_000), failed(30_000), ...every500(40_000, 45_000)]);
    expect(found).toMatchObject({ lastSuccessAt: 14_000, recoveredAt: 40_000, rtoMs: 26_000 });
  });

  it("reaches from the first interruption to the end of the last one", () => {
    const twice = [...every500(8_000, 10_000), ...every500(13_000, 20_000), ...every500(25_000, 30_000)];
    expect(measure(twice)).toMatchObject({ lastSuccessAt: 10_000, recoveredAt: 25_000 });
  });

  it("is open when nothing is heard of a path any more", () => {
    expect(measure(every500(8_000, 20_000), undefined, { until: 21_501 }).rtoMs).toBeNull();
    expect(measure(every500(8_000, 20_000), undefined, { until: 21_500 }).rtoMs).toBe(500);
  });

  it("is that of the path that was away the longest, since each is a user", () => {
    const paths = [path("client 1"), path("client 2")];
    const unharmed = every500(8_000, 20_000);
    const struck = [...every500(8_000, 9_800, 1), ...every500(12_000, 20_000, 1)];
    expect(measure([...unharmed, ...struck], paths)).toMatchObject({ rtoMs: 2_500, path: "client 2" });
  });

  it("is open while one path is away, and named by it", () => {
    const paths = [path("client 1"), path("client 2")];
    const found = measure([...every500(8_000, 20_000), ...every500(8_000, 9_800, 1), failed(15_000, 1)], paths);
    expect(found).toMatchObject({ rtoMs: null, recoveredAt: null, path: "client 2" });
  });

  it("leaves out a path that was not served before the fault, and is unknown without any other", () => {
    const paths = [path("client 1"), path("client 2")];
    expect(measure([...every500(8_000, 20_000), ...every500(15_000, 20_000, 1)], paths).path).toBe("client 1");
    expect(measure(every500(15_000, 20_000)).rtoMs).toBeNull();
  });

  it("has an error of one interval and what the clocks may differ", () => {
    expect(measure(every500(8_000, 20_000), undefined, { clockErrorMs: 40 })).toMatchObject({ rtoMs: 500, errorMs: 540 });
  });

  it("is never shorter than an outage without a success, wherever that lies", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1_000, max: 60_000 }), fc.integer({ min: 0, max: 499 }), (outageMs, phase) => {
        const ends = 10_000 + outageMs;
        const found = measure([...every500(5_000 + phase, 10_000), ...every500(ends + phase, ends + phase + 5_000)]);
        expect(found.rtoMs).toBeGreaterThanOrEqual(outageMs);
        expect((found.rtoMs ?? 0) - found.errorMs * 2).toBeLessThanOrEqual(outageMs);
      }),
    );
  });
});

describe("what a fault took along", () => {
  const paths = [path("client 1"), { ...path("scan"), isWrite: false }];
  const lose = (outcomes: Outcome[], ...times: number[]) =>
    measureLoss({ outcomes, paths, faultAt: 10_000, losses: times.map((acknowledgedAt) => ({ acknowledgedAt })) });

  it("is nothing when every acknowledged write is there", () => {
    expect(lose(every500(8_000, 20_000))).toEqual({
      lost: 0,
      rpoMs: 0,
      lastAcknowledgedAt: 10_000,
      newestSurvivingAt: 10_000,
    });
  });

  it("reaches from the newest write before the first missing one to the last that was acknowledged before the fault", () => {
    expect(lose(every500(8_000, 9_500), 9_000, 9_500)).toEqual({
      lost: 2,
      rpoMs: 1_000,
      lastAcknowledgedAt: 9_500,
      newestSurvivingAt: 8_500,
    });
  });

  it("counts a hole in the middle to the end, though the newest one is there", () => {
    expect(lose(every500(8_000, 10_000), 9_000)).toMatchObject({ lost: 1, rpoMs: 1_500 });
  });

  it("reaches to a write that was acknowledged after the fault and is missing", () => {
    expect(lose(every500(8_000, 12_000), 11_500)).toMatchObject({ rpoMs: 500, lastAcknowledgedAt: 11_500 });
  });

  it("begins at the first missing one when nobody saw an earlier write, and reads are no writes", () => {
    const reads = every500(1_000, 5_000, 1);
    expect(lose([...reads, ...every500(8_000, 10_000)], 6_000)).toEqual({
      lost: 1,
      rpoMs: 4_000,
      lastAcknowledgedAt: 10_000,
      newestSurvivingAt: null,
    });
  });
});

describe("the client path by seconds", () => {
  it("counts what ended well and what did not, with the 95th percentile of what took its time, and keeps seconds without any", () => {
    const outcomes = [ok(1_100, { tookMs: 5 }), ok(1_900, { tookMs: 50 }), failed(1_500), ok(3_000, { tookMs: 7 }), ok(4_000)];
    expect(seriesOf(outcomes, 1_000)).toEqual([
      { at: "1970-01-01T00:00:01.000Z", ok: 2, failed: 1, p95Ms: 50 },
      { at: "1970-01-01T00:00:02.000Z", ok: 0, failed: 0, p95Ms: null },
      { at: "1970-01-01T00:00:03.000Z", ok: 1, failed: 0, p95Ms: 7 },
    ]);
  });

  it("ends with the last whole second, and is empty when there is none", () => {
    expect(seriesOf([ok(1_000), ok(2_100), ok(2_200)], 1_000).map(({ ok }) => ok)).toEqual([1]);
    expect(seriesOf([], 1_000)).toEqual([]);
  });
});
