import { describe, expect, test } from "vitest";
import type { Clock } from "../clock.ts";
import { serviceTrendOf, summaryOf, type TrendIncident, trendsOf } from "./trends.ts";

const from = new Date("2026-03-01T00:00:00Z");
const to = new Date("2026-03-02T00:00:00Z");
const hour = 3600;
/** Hours after the beginning of the period. */
const at = (hours: number) => new Date(from.getTime() + hours * hour * 1000).toISOString();

type Times = {
  impact: number;
  detected?: number;
  acknowledged?: number | null;
  mitigated?: number | null;
  resolved?: number | null;
};

function incident(times: Times, rest: Partial<TrendIncident> = {}): TrendIncident {
  const { impact, detected = impact, acknowledged = null, mitigated = null, resolved = null } = times;
  const orNull = (hours: number | null) => (hours === null ? null : at(hours));
  const clock: Clock = {
    impactStartedAt: at(impact),
    impactStartSource: "reported",
    detectedAt: at(detected),
    acknowledgedAt: orNull(acknowledged),
    mitigatedAt: orNull(mitigated),
    resolvedAt: orNull(resolved),
  };
  return { severity: "P1", isDrill: false, services: [{ namespace: "fleet", name: "relay" }], clock, ...rest };
}

describe("a summary", () => {
  // Worked by hand: sorted, the middle, the rank ceil(0.9 n), the sum over n.
  test.each([
    ["of nothing", [], { n: 0, median: null, p90: null, mean: null }],
    ["of one", [60], { n: 1, median: 60, p90: 60, mean: 60 }],
    ["of two", [60, 120], { n: 2, median: 90, p90: 120, mean: 90 }],
    ["of three, out of order", [300, 60, 120], { n: 3, median: 120, p90: 300, mean: 160 }],
    ["of ten", [10, 9, 8, 7, 6, 5, 4, 3, 2, 1], { n: 10, median: 5.5, p90: 9, mean: 5.5 }],
    ["of eleven", [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 110], { n: 11, median: 6, p90: 10, mean: 15 }],
    ["with zeros, which are known", [0, 0, 30], { n: 3, median: 0, p90: 30, mean: 10 }],
  ])("%s", (_, values, expected) => {
    expect(summaryOf(values, { missing: 2, pending: 1 })).toEqual({ ...expected, missing: 2, pending: 1 });
  });
});

describe("trends", () => {
  test("count each figure over those incidents that have it", () => {
    const { all } = trendsOf(
      [
        incident({ impact: 1, detected: 1.5, acknowledged: 2, mitigated: 3, resolved: 4 }),
        incident({ impact: 10, detected: 10.25, acknowledged: 10.5 }),
      ],
      { from, to },
    );
    const known = { missing: 0, pending: 0 };
    expect(all).toEqual({
      incidents: 2,
      figures: {
        ttd: { ...known, n: 2, median: 0.375 * hour, p90: 0.5 * hour, mean: 0.375 * hour },
        tta: { ...known, n: 2, median: 0.375 * hour, p90: 0.5 * hour, mean: 0.375 * hour },
        ttm: { ...known, n: 1, pending: 1, median: 2 * hour, p90: 2 * hour, mean: 2 * hour },
        ttr: { ...known, n: 1, pending: 1, median: 3 * hour, p90: 3 * hour, mean: 3 * hour },
      },
    });
  });

  test("count what nobody knows apart from what is not known yet", () => {
    const start = { impactStartSource: "unknown" } as const;
    const over = incident({ impact: 1, resolved: 2 });
    const { figures } = trendsOf(
      [
        { ...over, clock: { ...over.clock, ...start } },
        incident({ impact: 3, mitigated: 3.5, resolved: 4 }),
        incident({ impact: 5 }),
      ],
      { from, to },
    ).all;
    const counts = Object.values(figures).map(({ n, missing, pending }) => [n, missing, pending]);
    // ttd: of two; tta: of none; ttm and ttr: of one; the third is open.
    expect(counts).toEqual([
      [2, 1, 0],
      [0, 2, 1],
      [1, 1, 1],
      [1, 1, 1],
    ]);
  });

  test("leave drills out and count them", () => {
    const trends = trendsOf([incident({ impact: 1, resolved: 2 }, { isDrill: true }), incident({ impact: 3, resolved: 4 })], {
      from,
      to,
    });
    expect(trends).toMatchObject({ drillsLeftOut: 1, all: { incidents: 1 } });
    expect(trends.byService[0]).toMatchObject({ downtimeSeconds: hour });
  });

  test("list every severity, and a service only where it was concerned", () => {
    const trends = trendsOf(
      [
        incident({ impact: 1 }, { severity: "P3", services: [] }),
        incident({ impact: 2 }, { services: [{ namespace: "a", name: "hub" }] }),
      ],
      { from, to },
    );
    expect(trends.bySeverity.map(({ severity, incidents }) => [severity, incidents])).toEqual([
      ["P1", 1],
      ["P2", 0],
      ["P3", 1],
      ["P4", 0],
    ]);
    expect(trends.byService.map(({ namespace, service }) => `${namespace}/${service}`)).toEqual(["a/hub"]);
  });

  test("take those whose impact began within the time, its end left out", () => {
    const trends = trendsOf([incident({ impact: -1 }), incident({ impact: 0 }), incident({ impact: 24 })], { from, to });
    expect(trends.all.incidents).toBe(1);
  });
});

/** Worked by hand over 24 hours; each incident as [impact, mitigated, resolved, the rest], hours, null for not. */
type Worked = [number, number | null, number | null, Partial<TrendIncident>?][];
const minor = { severity: "P3" } as const;

describe("the mean time between failures", () => {
  test.each<[string, Worked, { failures: number; down: number; mtbf: number | null }]>([
    [
      "what is left without downtime, by the failures",
      [
        [1, 3, 4],
        [10, 11, 12],
      ],
      { failures: 2, down: 3, mtbf: 10.5 },
    ],
    ["none without a failure", [], { failures: 0, down: 0, mtbf: null }],
    [
      "what overlaps counts once",
      [
        [1, 4, 4],
        [3, 6, 6],
      ],
      { failures: 2, down: 5, mtbf: 9.5 },
    ],
    [
      "so does what lies within another, in any order",
      [
        [3, 6, 6],
        [1, 4, 4],
        [2, 3, 3],
      ],
      { failures: 3, down: 5, mtbf: 19 / 3 },
    ],
    [
      "what is equal",
      [
        [2, 4, 5],
        [2, 4, 6],
      ],
      { failures: 2, down: 2, mtbf: 11 },
    ],
    [
      "what touches",
      [
        [2, 4, 4],
        [4, 5, 5],
      ],
      { failures: 2, down: 3, mtbf: 10.5 },
    ],
    [
      "a long one with others in and after it",
      [
        [1, 9, 9],
        [2, 3, 3],
        [4, 5, 5],
        [12, 13, 13],
      ],
      { failures: 4, down: 9, mtbf: 15 / 4 },
    ],
    ["it ends with the resolution where no mitigation is known", [[1, null, 5]], { failures: 1, down: 4, mtbf: 20 }],
    ["what is open ends with the time", [[20, null, null]], { failures: 1, down: 4, mtbf: 20 }],
    [
      "what is open hides what comes within it",
      [
        [20, null, null],
        [21, 22, 22],
      ],
      { failures: 2, down: 4, mtbf: 10 },
    ],
    ["of one from before, the part within", [[-2, 1, 1]], { failures: 0, down: 1, mtbf: null }],
    ["one from before that goes on over all", [[-5, null, null]], { failures: 0, down: 24, mtbf: null }],
    [
      "one from before that overlaps a new one",
      [
        [-2, 3, 3],
        [2, 5, 5],
      ],
      { failures: 1, down: 5, mtbf: 19 },
    ],
    ["one that ended as the time began", [[-2, 0, 0]], { failures: 0, down: 0, mtbf: null }],
    ["one that begins as it ends is of the next", [[24, 25, 25]], { failures: 0, down: 0, mtbf: null }],
    ["down all the time", [[0, null, null]], { failures: 1, down: 24, mtbf: 0 }],
    ["no time at all", [[5, 5, 5]], { failures: 1, down: 0, mtbf: 24 }],
    [
      "P3 and P4 are no failures",
      [
        [1, 3, 3, minor],
        [5, 6, 6, { severity: "P4" }],
        [8, 9, 9],
      ],
      { failures: 1, down: 1, mtbf: 23 },
    ],
    [
      "a P3 around a P2 adds nothing",
      [
        [1, 9, 9, minor],
        [2, 3, 3, { severity: "P2" }],
      ],
      { failures: 1, down: 1, mtbf: 23 },
    ],
    [
      "drills are none",
      [
        [1, 3, 3, { isDrill: true }],
        [8, 9, 9],
      ],
      { failures: 1, down: 1, mtbf: 23 },
    ],
  ])("%s", (_, worked, { failures, down, mtbf }) => {
    const incidents = worked.map(([impact, mitigated, resolved, rest]) => incident({ impact, mitigated, resolved }, rest));
    const trend = serviceTrendOf(incidents, { namespace: "fleet", name: "relay" }, { from, to });
    expect(trend).toMatchObject({
      failures,
      downtimeSeconds: down * hour,
      mtbf: mtbf === null ? null : expect.closeTo(mtbf * hour, 6),
    });
  });

  test.each([
    ["began with the service", 12, [[14, 16, 16]], { observed: 12, mtbf: 10 }],
    ["did not begin with it where an incident was before", 12, [[6, 8, 8]], { observed: 6, mtbf: 16 }],
    ["is the whole of a service from before", -100, [[6, 8, 8]], { observed: 0, mtbf: 22 }],
    ["is none of a service that is not there yet", 30, [], { observed: 24, mtbf: null }],
  ] as [string, number, Worked, { observed: number; mtbf: number | null }][])(
    "the time %s",
    (_, sinceHours, worked, expected) => {
      const incidents = worked.map(([impact, mitigated, resolved]) => incident({ impact, mitigated, resolved }));
      const since = new Map([["fleet/relay", new Date(at(sinceHours))]]);
      const trend = serviceTrendOf(incidents, { namespace: "fleet", name: "relay" }, { from, to, since });
      expect(trend.observedFrom).toBe(at(expected.observed));
      expect(trend.mtbf).toBe(expected.mtbf === null ? null : expected.mtbf * hour);
    },
  );

  test("is a service's own where an incident concerns two", () => {
    const both = [
      { namespace: "fleet", name: "relay" },
      { namespace: "fleet", name: "hub" },
    ];
    const { byService } = trendsOf(
      [incident({ impact: 1, mitigated: 2 }, { services: both }), incident({ impact: 5, mitigated: 7 })],
      { from, to },
    );
    expect(byService.map(({ service, downtimeSeconds, mtbf }) => [service, downtimeSeconds, mtbf])).toEqual([
      ["hub", hour, 23 * hour],
      ["relay", 3 * hour, 10.5 * hour],
    ]);
  });
});
