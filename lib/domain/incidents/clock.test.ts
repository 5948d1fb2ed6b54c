import { expect, test } from "vitest";
import { type Clock, type ClockTime, figuresOf, refuseClock } from "./clock.ts";

const now = new Date("2026-03-01T13:00:00Z");
const clock: Clock = {
  impactStartedAt: "2026-03-01T12:00:00Z",
  impactStartSource: "alert",
  detectedAt: "2026-03-01T12:01:00Z",
  acknowledgedAt: "2026-03-01T12:03:30Z",
  mitigatedAt: "2026-03-01T12:10:00Z",
  resolvedAt: "2026-03-01T12:40:00Z",
};

/** Minutes after 12:00 as [impact, detected, acknowledged, mitigated, resolved], null for not known. */
type Minutes = [number | null, number, number | null, number | null, number | null];

function clockAt([impact, detected, acknowledged, mitigated, resolved]: Minutes): Clock {
  const at = (minutes: number) => new Date(Date.parse("2026-03-01T12:00:00Z") + minutes * 60_000).toISOString();
  const orNull = (minutes: number | null) => (minutes === null ? null : at(minutes));
  return {
    impactStartedAt: at(impact ?? detected),
    impactStartSource: impact === null ? "unknown" : "alert",
    detectedAt: at(detected),
    acknowledgedAt: orNull(acknowledged),
    mitigatedAt: orNull(mitigated),
    resolvedAt: orNull(resolved),
  };
}

/** Worked by hand, in minutes. */
test.each<[string, Minutes, (number | null)[]]>([
  ["all are known", [0, 1, 3.5, 10, 40], [1, 2.5, 10, 40]],
  ["it has just been detected", [0, 2, null, null, null], [2, null, null, null]],
  ["it was detected as it began", [0, 0, 1, 2, 3], [0, 1, 2, 3]],
  ["all at one instant", [5, 5, 5, 5, 5], [0, 0, 0, 0]],
  ["it was resolved without a mitigation", [0, 1, 2, null, 30], [1, 1, null, 30]],
  ["nobody acknowledged it", [0, 1, null, 2, 240], [1, null, 2, 240]],
  ["nobody knows when it began", [null, 5, 6, 10, 20], [null, 1, null, null]],
  ["nobody knows when it began, and it is open", [null, 5, null, null, null], [null, null, null, null]],
  ["it was noticed hours late", [-600, 0, 1, 20, 60], [600, 1, 620, 660]],
  ["it lasted for days", [0, 1, 2, 2880, 4320], [1, 1, 2880, 4320]],
])("the figures where %s", (_, minutes, figures) => {
  const clock = clockAt(minutes);
  const [ttd, tta, ttm, ttr] = figures.map((minute) => (minute === null ? null : minute * 60));
  expect(figuresOf(clock)).toEqual({ ttd, tta, ttm, ttr });
  expect(refuseClock(clock, new Date("2026-03-08T00:00:00Z"))).toBeNull();
});

test.each<[string, Minutes, ClockTime[]]>([
  ["detected before it began", [5, 1, null, null, null], ["detectedAt"]],
  ["acknowledged before it was detected", [0, 5, 3, 10, 20], ["acknowledgedAt"]],
  ["mitigated before it was acknowledged", [0, 1, 10, 5, 20], ["mitigatedAt"]],
  ["mitigated before it was detected, acknowledged never", [0, 5, null, 3, 20], ["mitigatedAt"]],
  ["mitigated before it began", [10, 10, null, 5, 20], ["mitigatedAt"]],
  ["resolved before it was mitigated", [0, 1, 2, 20, 10], ["resolvedAt"]],
  ["resolved before it was detected, nothing between", [0, 5, null, null, 3], ["resolvedAt"]],
  ["the other way round", [20, 15, 10, 5, 0], ["detectedAt", "acknowledgedAt", "mitigatedAt", "resolvedAt"]],
  ["in the future", [0, 1, 2, 3, 100], ["resolvedAt"]],
])("a clock out of order is refused: %s", (_, minutes, names) => {
  expect(Object.keys(refuseClock(clockAt(minutes), now) ?? {})).toEqual(names);
});

test("a refusal names what a time lies before, also over one that is missing", () => {
  expect(refuseClock({ ...clock, acknowledgedAt: null, mitigatedAt: "2026-03-01T12:00:30Z" }, now)).toEqual({
    mitigatedAt: ["Its mitigation lies before its detection (2026-03-01T12:01:00Z)."],
  });
  expect(refuseClock({ ...clock, resolvedAt: "2026-03-01T13:00:01Z" }, now)).toEqual({
    resolvedAt: ["Its resolution lies in the future."],
  });
});
