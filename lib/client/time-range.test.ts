import { describe, expect, it } from "vitest";
import {
  describeRange,
  fromLocalField,
  isWithin,
  rangeAround,
  rangeParameters,
  readComparison,
  readTimeRange,
  refuseSpan,
  sameRange,
  shifted,
  type TimeRange,
  toLocalField,
  zoomedOut,
  zoomedTo,
} from "./time-range.ts";

const read = (text: string) => readTimeRange(new URLSearchParams(text));
const live = (range: "15m" | "1h" | "6h" | "24h" | "7d"): TimeRange => ({ kind: "live", range });
const fixed = (from: number, to: number): TimeRange => ({ kind: "fixed", from, to });
const now = 1_800_000_000;

describe("the range around what happened", () => {
  it("is the shortest live one that holds it while it goes on", () => {
    expect(rangeAround(now - 60, null, now)).toEqual(live("15m"));
    expect(rangeAround(now - 890, null, now)).toEqual(live("1h"));
    expect(rangeAround(now - 20 * 3600, null, now)).toEqual(live("24h"));
  });

  it("stays once it has ended, with room on both sides where there is time", () => {
    expect(rangeAround(now - 5000.5, now - 4000, now)).toEqual(fixed(now - 5121, now - 3880));
    expect(rangeAround(now - 100, now, now)).toEqual(fixed(now - 220, now));
  });

  it("is cut at what can be charted at once", () => {
    expect(rangeAround(now - 60 * 86_400, null, now)).toEqual(fixed(now - 31 * 86_400, now));
  });
});

describe("the address's time range", () => {
  it("is the last hour unless it says something else", () => {
    expect(read("")).toEqual(live("1h"));
    expect(read("range=24h")).toEqual(live("24h"));
    expect(read("from=1000&to=2000")).toEqual(fixed(1000, 2000));
    expect(read("range=24h&from=1000&to=2000")).toEqual(fixed(1000, 2000));
  });

  it("falls back when it cannot be read: backwards, too short, too long, no numbers, half of it, unknown", () => {
    for (const text of [
      "from=2000&to=1000",
      "from=1000&to=1010",
      `from=0&to=${32 * 86_400}`,
      "from=a&to=b",
      "from=1e3&to=2000",
      "from=1000",
      "range=constructor",
    ]) {
      expect(read(text), text).toEqual(live("1h"));
    }
  });

  it("reads what it writes", () => {
    for (const range of [live("1h"), live("7d"), fixed(1000, 2000)]) {
      const search = new URLSearchParams();
      for (const [name, value] of Object.entries(rangeParameters(range))) if (value !== null) search.set(name, value);
      expect(readTimeRange(search)).toEqual(range);
    }
    expect(rangeParameters(live("1h"))).toEqual({ range: null, from: null, to: null });
  });

  it("compares with nothing it does not know", () => {
    expect(readComparison(new URLSearchParams("compare=week"))).toBe("week");
    expect(readComparison(new URLSearchParams("compare=year"))).toBeNull();
  });
});

describe("zooming", () => {
  it("takes what was marked in either direction, whole seconds, and not the future", () => {
    expect(zoomedTo(1000.7, 2000.2, now)).toEqual(fixed(1000, 2001));
    expect(zoomedTo(2000, 1000, now)).toEqual(fixed(1000, 2000));
    expect(zoomedTo(now - 100, now + 100, now)).toEqual(fixed(now - 100, now));
  });

  it("never goes below a minute, also at the edge of now", () => {
    expect(zoomedTo(1000, 1001, now)).toEqual(fixed(1000, 1060));
    expect(zoomedTo(now - 1, now, now)).toEqual(fixed(now - 60, now));
  });

  it("out doubles around the middle, stays before now and below the limit; live it takes the next longer", () => {
    expect(zoomedOut(fixed(1000, 2000), now)).toEqual(fixed(500, 2500));
    expect(zoomedOut(fixed(now - 1000, now), now)).toEqual(fixed(now - 2000, now));
    expect(zoomedOut(fixed(now - 30 * 86_400, now), now)).toEqual(fixed(now - 31 * 86_400, now));
    expect(zoomedOut(live("15m"), now)).toEqual(live("1h"));
    expect(zoomedOut(live("7d"), now)).toEqual(live("7d"));
  });
});

describe("jumping", () => {
  it("goes by half, from live to fixed", () => {
    expect(shifted(live("1h"), -1, now)).toEqual(fixed(now - 5400, now - 1800));
    expect(shifted(fixed(1000, 2000), -1, now)).toEqual(fixed(500, 1500));
    expect(shifted(fixed(1000, 2000), 1, now)).toEqual(fixed(1500, 2500));
  });

  it("later than now is live again where there is such a range, else up to now", () => {
    expect(shifted(shifted(live("1h"), -1, now), 1, now)).toEqual(live("1h"));
    expect(shifted(fixed(now - 1000, now - 200), 1, now)).toEqual(fixed(now - 800, now));
  });
});

describe("a span of one's own", () => {
  it("is refused with what to do", () => {
    expect(refuseSpan(null, 5, now)).toContain("both ends");
    expect(refuseSpan(2000, 1000, now)).toContain("after the beginning");
    expect(refuseSpan(now + 1, now + 1000, now)).toContain("future");
    expect(refuseSpan(1000, 1030, now)).toContain("at least 1 m");
    expect(refuseSpan(now - 40 * 86_400, now, now)).toContain("31 days");
    expect(refuseSpan(now - 3600, now, now)).toBeNull();
  });

  it("comes back from its fields as it went in", () => {
    expect(fromLocalField(toLocalField(1_795_262_400))).toBe(1_795_262_400);
    expect(fromLocalField("")).toBeNull();
  });
});

it("a range is told in words, with the zone once", () => {
  expect(describeRange(live("6h"))).toBe("last 6 h");
  expect(describeRange(fixed(1_795_262_400, 1_795_266_000), "UTC")).toBe("2026-11-21 12:00:00 – 13:00:00 UTC");
  expect(describeRange(fixed(1_795_262_400, 1_795_352_400), "UTC")).toBe("2026-11-21 12:00:00 – 2026-11-22 13:00:00 UTC");
  expect(sameRange(live("1h"), live("1h"))).toBe(true);
  expect(sameRange(fixed(1, 100), fixed(1, 101))).toBe(false);
});

it("something happened in a range when any part of it did; nothing is later than a live range", () => {
  const event = (first: number, last: number) => ({
    firstAt: new Date(first * 1000).toISOString(),
    lastAt: new Date(last * 1000).toISOString(),
  });
  const fixed = { kind: "fixed", from: 1000, to: 2000 } as const;
  const within = [event(500, 1000), event(500, 3000), event(2000, 2100), event(500, 999), event(2001, 2100)];
  expect(within.map((each) => isWithin(fixed, 9000, each))).toEqual([true, true, true, false, false]);
  const live = { kind: "live", range: "15m" } as const;
  expect([event(0, 8100), event(9005, 9005), event(0, 8099)].map((each) => isWithin(live, 9000, each))).toEqual([
    true,
    true,
    false,
  ]);
});
