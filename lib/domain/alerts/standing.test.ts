import { describe, expect, test } from "vitest";
import { isFlapping, severityRank, standingOf } from "./standing.ts";

const open = { state: "firing", endsAt: null, blindSince: null, silencedBy: [], inhibited: false, acknowledgedAt: null } as const;
const at = (minutes: number) => new Date(Date.UTC(2026, 10, 21, 12, minutes));

describe("how an alert stands", () => {
  test("is one word, the one that matters most", () => {
    const acknowledgedAt = new Date();
    expect(standingOf(open)).toBe("firing");
    expect(standingOf({ ...open, acknowledgedAt })).toBe("acknowledged");
    expect(standingOf({ ...open, acknowledgedAt, inhibited: true })).toBe("inhibited");
    expect(standingOf({ ...open, acknowledgedAt, inhibited: true, silencedBy: ["x"] })).toBe("silenced");
  });

  test("is unknown while its source is blind, unless it had ended before", () => {
    const blind = { ...open, blindSince: at(10) };
    expect(standingOf({ ...blind, silencedBy: ["x"] })).toBe("unknown");
    expect(standingOf({ ...blind, state: "resolved", endsAt: at(9) })).toBe("resolved");
    expect(standingOf({ ...blind, state: "resolved", endsAt: at(11) })).toBe("unknown");
    expect(standingOf({ ...open, state: "resolved", endsAt: at(11) })).toBe("resolved");
  });
});

describe("flapping", () => {
  test("is three beginnings within 30 minutes, the 30th included", () => {
    const starts = [at(0), at(15), at(30)];
    expect(starts.map((start) => isFlapping(start, starts))).toEqual([true, true, true]);
    const slower = [at(0), at(15), at(31)];
    expect(slower.map((start) => isFlapping(start, slower))).toEqual([false, false, false]);
  });

  test("is not of an episode that only lies near", () => {
    const starts = [at(0), at(1), at(2), at(31)];
    expect(starts.map((start) => isFlapping(start, starts))).toEqual([true, true, true, true]);
    const far = [at(0), at(1), at(2), at(33)];
    expect(far.map((start) => isFlapping(start, far))).toEqual([true, true, true, false]);
  });
});

test("severities are ranked from critical to none, unknown ones between warning and info", () => {
  const sorted = ["none", "info", "purple", "warning", "Critical"].toSorted((a, b) => severityRank(a) - severityRank(b));
  expect(sorted).toEqual(["Critical", "warning", "purple", "info", "none"]);
});
