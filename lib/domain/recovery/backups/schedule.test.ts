import { expect, test } from "vitest";
import { longestGapSeconds, nextTime, nextTimes, refuseSchedule } from "./schedule.ts";

const text = (times: Date[]) => times.map((at) => at.toISOString());

test("falls due at the local time of its zone, over a change to summer time", () => {
  expect(text(nextTimes("0 3 * * *", "Europe/Berlin", new Date("2026-03-28T00:00:00Z"), 3))).toEqual([
    "2026-03-28T02:00:00.000Z",
    "2026-03-29T01:00:00.000Z",
    "2026-03-30T01:00:00.000Z",
  ]);
});

test("a time that the clocks leave out falls due once, after it", () => {
  expect(text(nextTimes("30 2 * * *", "Europe/Berlin", new Date("2026-03-28T12:00:00Z"), 2))).toEqual([
    "2026-03-29T01:00:00.000Z",
    "2026-03-30T00:30:00.000Z",
  ]);
});

test("the next time is after the instant, never at it", () => {
  expect(nextTime("*/15 * * * *", "UTC", new Date("2026-03-28T12:00:00Z"))).toEqual(new Date("2026-03-28T12:15:00Z"));
  expect(nextTime(null, "UTC", new Date())).toBeNull();
});

test.each([
  ["0 3 * * *", "Mars/Olympus", "There is no time zone Mars/Olympus; use one like Europe/Berlin, or UTC."],
  ["0 3 * *", "UTC", "Give five fields: minute, hour, day of the month, month, day of the week, e.g. 0 3 * * *."],
  ["0 0 3 * * *", "UTC", "Give five fields: minute, hour, day of the month, month, day of the week, e.g. 0 3 * * *."],
  ["61 3 * * *", "UTC", "Give five fields: minute, hour, day of the month, month, day of the week, e.g. 0 3 * * *."],
  ["0 0 30 2 *", "UTC", "This schedule never falls due."],
])("%s in %s is refused", (cron, timeZone, problem) => {
  expect(refuseSchedule(cron, timeZone)).toBe(problem);
});

test("what can be used is not refused", () => {
  expect(refuseSchedule("0 3 1,15 * MON-FRI", "Asia/Kolkata")).toBeNull();
});

test("the longest time between two is what a schedule promises", () => {
  const after = new Date("2026-03-28T12:00:00Z");
  expect(longestGapSeconds("*/15 * * * *", "UTC", after)).toBe(900);
  expect(longestGapSeconds("0 3 * * MON-FRI", "UTC", after)).toBe(3 * 86_400);
});
