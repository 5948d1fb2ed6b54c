import { describe, expect, test } from "vitest";
import type { Clock } from "../clock.ts";
import { summarise, type TrendIncident, trendsOf } from "./trends.ts";

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
const relayOf = (incidents: TrendIncident[]) =>
  trendsOf(incidents, from, to).byService.find(({ service }) => service === "relay");

describe("a summary", () => {
  // Worked by hand: sorted, the middle, the rank ceil(0.9 n), the sum over n.
  test.each([
    ["of nothing", [], { n: 0, missing: 0, median: null, p90: null, mean: null }],
    ["of one", [60], { n: 1, missing: 0, median: 60, p90: 60, mean: 60 }],
    ["of two", [60, 120], { n: 2, missing: 0, median: 90, p90: 120, mean: 90 }],
    ["of three, out of order", [300, 60, 120], { n: 3, missing: 0, median: 120, p90: 300, mean: 160 }],
    ["of ten", [10, 9, 8, 7, 6, 5, 4, 3, 2, 1], { n: 10, missing: 0, median: 5.5, p90: 9, mean: 5.5 }],
    ["of eleven", [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 110], { n: 11, missing: 0, median: 6, p90: 10, mean: 15 }],
    ["with what is missing", [null, 60, null, 180], { n: 2, missing: 2, median: 120, p90: 180, mean: 120 }],
    ["of nothing known", [null, null], { n: 0, missing: 2, median: null, p90: null, mean: null }],
    ["with zeros, which are known", [0, 0, 30], { n: 3, missing: 0, median: 0, p90: 30, mean: 10 }],
  ])("%s", (_, values, expected) => {
    expect(summarise(values)).toEqual(expected);
  });
});

describe("trends", () => {
  test("count each figure over those incidents that have it", () => {
    const { all } = trendsOf(
      [
        incident({ impact: 1, detected: 1.5, acknowledged: 2, mitigated: 3, resolved: 4 }),
        incident({ impact: 10, detected: 10.25, acknowledged: 10.5 }),
      ],
      from,
      to,
    );
    expect(all).toEqual({
      incidents: 2,
      figures: {
        ttd: { n: 2, missing: 0, median: 0.375 * hour, p90: 0.5 * hour, mean: 0.375 * hour },
        tta: { n: 2, missing: 0, median: 0.375 * hour, p90: 0.5 * hour, mean: 0.375 * hour },
        ttm: { n: 1, missing: 1, median: 2 * hour, p90: 2 * hour, mean: 2 * hour },
        ttr: { n: 1, missing: 1, median: 3 * hour, p90: 3 * hour, mean: 3 * hour },
      },
    });
  });

  test("leave drills out and count them", () => {
    const trends = trendsOf(
      [incident({ impact: 1, resolved: 2 }, { isDrill: true }), incident({ impact: 3, resolved: 4 })],
      from,
      to,
    );
    expect(trends).toMatchObject({ drillsLeftOut: 1, all: { incidents: 1 } });
    expect(trends.byService[0]).toMatchObject({ downtimeSeconds: hour });
  });

  test("list every severity, and a service only where it was concerned", () => {
    const trends = trendsOf(
      [
        incident({ impact: 1 }, { severity: "P3", services: [] }),
        incident({ impact: 2 }, { services: [{ namespace: "a", name: "hub" }] }),
      ],
      from,
      to,
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
    const trends = trendsOf([incident({ impact: -1 }), incident({ impact: 0 }), incident({ impact: 24 })], from, to);
    expect(trends.all.incidents).toBe(1);
  });
});

describe("the mean time between failures", () => {
  test("is what is left of the time without downtime, divided by the failures", () => {
    // 24 h - (2 h + 1 h) = 21 h, of two failures.
    expect(relayOf([incident({ impact: 1, mitigated: 3 }), incident({ impact: 10, mitigated: 11 })])).toMatchObject({
      incidents: 2,
      downtimeSeconds: 3 * hour,
      mtbf: 10.5 * hour,
    });
  });

  test("counts what overlaps, or lies within another, once, whatever the order", () => {
    // 1-4, 2-3 and 3-6 are down from 1 to 6: (24 - 5) / 3.
    const all = [
      incident({ impact: 3, mitigated: 6 }),
      incident({ impact: 1, mitigated: 4 }),
      incident({ impact: 2, mitigated: 3 }),
    ];
    expect(relayOf(all)).toMatchObject({ downtimeSeconds: 5 * hour, mtbf: (19 / 3) * hour });
  });

  test("ends downtime at the mitigation, else at the resolution, else with the time", () => {
    expect(relayOf([incident({ impact: 1, mitigated: 2, resolved: 5 })])).toMatchObject({ downtimeSeconds: hour });
    expect(relayOf([incident({ impact: 1, resolved: 5 })])).toMatchObject({ downtimeSeconds: 4 * hour });
    expect(relayOf([incident({ impact: 20 })])).toMatchObject({ downtimeSeconds: 4 * hour, mtbf: 20 * hour });
  });

  test("takes the part of an incident from before the time that lies within it, and no failure", () => {
    expect(relayOf([incident({ impact: -2, mitigated: 1 })])).toMatchObject({ incidents: 0, downtimeSeconds: hour, mtbf: null });
  });

  test("is 0 for a service that was down all the time", () => {
    expect(relayOf([incident({ impact: 0 })])).toMatchObject({ downtimeSeconds: 24 * hour, mtbf: 0 });
  });

  test("is a service's own where an incident concerns two", () => {
    const both = [
      { namespace: "fleet", name: "relay" },
      { namespace: "fleet", name: "hub" },
    ];
    const { byService } = trendsOf(
      [incident({ impact: 1, mitigated: 2 }, { services: both }), incident({ impact: 5, mitigated: 7 })],
      from,
      to,
    );
    expect(byService.map(({ service, downtimeSeconds, mtbf }) => [service, downtimeSeconds, mtbf])).toEqual([
      ["hub", hour, 23 * hour],
      ["relay", 3 * hour, 10.5 * hour],
    ]);
  });
});
