import { describe, expect, test } from "vitest";
import { type Clock, figuresOf, refuseClock } from "./clock.ts";

const now = new Date("2026-03-01T13:00:00Z");
const clock: Clock = {
  impactStartedAt: "2026-03-01T12:00:00Z",
  impactStartSource: "alert",
  detectedAt: "2026-03-01T12:01:00Z",
  acknowledgedAt: "2026-03-01T12:03:30Z",
  mitigatedAt: "2026-03-01T12:10:00Z",
  resolvedAt: "2026-03-01T12:40:00Z",
};

test("counts detection and mitigation from the impact, the acknowledgement from the detection", () => {
  expect(figuresOf(clock)).toEqual({ ttd: 60, tta: 150, ttm: 600, ttr: 2_400 });
});

test("has no figure where the end is not known", () => {
  expect(figuresOf({ ...clock, acknowledgedAt: null, mitigatedAt: null, resolvedAt: null })).toEqual({
    ttd: 60,
    tta: null,
    ttm: null,
    ttr: null,
  });
});

describe("times that cannot be", () => {
  test("are named with the one before which they lie, also over one that is missing", () => {
    expect(refuseClock({ ...clock, acknowledgedAt: null, mitigatedAt: "2026-03-01T12:00:30Z" }, now)).toEqual({
      mitigatedAt: ["Its mitigation lies before its detection (2026-03-01T12:01:00Z)."],
    });
  });

  test("are those in the future", () => {
    expect(refuseClock({ ...clock, resolvedAt: "2026-03-01T13:00:01Z" }, now)).toEqual({
      resolvedAt: ["Its resolution lies in the future."],
    });
  });

  test("are not those that are equal: what is detected as it begins has a time to detect of 0", () => {
    expect(refuseClock({ ...clock, detectedAt: clock.impactStartedAt }, now)).toBeNull();
  });
});
