import { describe, expect, it } from "vitest";
import { formatAbsolute, formatAge, formatAxisTime, formatClock, formatClockMs, formatRelative, timeTicks } from "./time.ts";

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;

describe("durations", () => {
  it("are cut to one unit in columns", () => {
    expect([0, 59 * second, 90 * second, 3 * hour, 40 * day].map(formatAge)).toEqual(["0 s", "59 s", "1 m", "3 h", "40 d"]);
  });
});

describe("moments", () => {
  const at = "2026-11-21T01:14:05.123Z";
  const now = Date.parse(at);

  it("are relative, forward and back, and forgive clocks that differ by seconds", () => {
    expect(formatRelative(at, now + 3 * minute)).toBe("3 m ago");
    expect(formatRelative(at, now - 2 * day)).toBe("in 2 d");
    expect(formatRelative(at, now + 2 * second)).toBe("now");
    expect(formatRelative(at, now - 2 * second)).toBe("now");
  });

  it("name their zone when absolute", () => {
    expect(formatAbsolute(at, "UTC")).toBe("2026-11-21 01:14:05 UTC");
    expect(formatAbsolute(at, "Europe/Berlin")).toMatch(/^2026-11-21 02:14:05 (GMT\+1|CET)$/);
  });

  it("have a clock to the second, the minute and the millisecond", () => {
    expect(formatClock(at, { timeZone: "UTC" })).toBe("01:14:05");
    expect(formatClock(at, { seconds: false, timeZone: "UTC" })).toBe("01:14");
    expect(formatClockMs(at, "UTC")).toBe("01:14:05.123");
    expect(formatClockMs("nonsense")).toBe("--:--:--.---");
  });

  it("mark an axis by the clock within two days and by the day beyond", () => {
    expect(formatAxisTime(now / 1000, 3600, "UTC")).toBe("01:14");
    expect(formatAxisTime(now / 1000, 7 * 86_400, "UTC")).toBe("21 Nov");
  });

  it("are ticked on round steps inside the span, no more than wanted", () => {
    const from = Date.UTC(2026, 10, 21, 1, 3) / 1000;
    const ticks = timeTicks(from, from + 3600, 6);
    expect(ticks.every((tick) => tick % 600 === 0 && tick >= from && tick <= from + 3600)).toBe(true);
    expect(ticks.length).toBeGreaterThanOrEqual(4);
    expect(ticks.length).toBeLessThanOrEqual(7);
  });
});
