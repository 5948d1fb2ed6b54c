import { describe, expect, test } from "vitest";
import { contains, findRoute, type RouteObject, readWeight, unweighRules, weighRules } from "./traffic.ts";

const weighting = { namespace: "fleet", service: "relay", candidate: "relay-candidate", percent: 10, header: null };

function route(kind: RouteObject["kind"], rules: unknown[], name = "relay"): RouteObject {
  const metadata = { name, namespace: "fleet", uid: name, resourceVersion: "1", creationTimestamp: "2026-01-01T00:00:00Z" };
  return { kind, metadata, spec: kind === "HTTPRoute" ? { rules } : { http: rules } };
}

describe("weights", () => {
  test("divide the only destination of a VirtualService, by any of the Service's names, its port kept", () => {
    for (const host of ["relay", "relay.fleet", "relay.fleet.svc.cluster.local"]) {
      const rules = [{ route: [{ destination: { host, port: { number: 80 } } }] }];
      expect(weighRules({ kind: "VirtualService", rules }, weighting)).toEqual([
        {
          route: [
            { destination: { host, port: { number: 80 } }, weight: 90 },
            { destination: { host: host.replace("relay", "relay-candidate"), port: { number: 80 } }, weight: 10 },
          ],
        },
      ]);
    }
  });

  test("take the share of the Service only, where others have theirs", () => {
    const rules = [
      {
        backendRefs: [
          { name: "relay", port: 80, weight: 3 },
          { name: "other", port: 80, weight: 1 },
        ],
      },
    ];
    expect(weighRules({ kind: "HTTPRoute", rules }, { ...weighting, percent: 50 })).toEqual([
      {
        backendRefs: [
          { name: "relay", port: 80, weight: 3 },
          { name: "relay-candidate", port: 80, weight: 3 },
          { name: "other", port: 80, weight: 2 },
        ],
      },
    ]);
  });

  test("leave rules alone that do not lead to the Service", () => {
    const rules = [
      { backendRefs: [{ name: "other", port: 80 }] },
      { backendRefs: [{ name: "relay", namespace: "elsewhere", port: 80 }] },
    ];
    expect(weighRules({ kind: "HTTPRoute", rules }, weighting)).toEqual(rules);
  });

  test("go with a rule for the header before each of them, which keeps the matches that were there", () => {
    const header = { name: "X-Canary", value: "yes" };
    const rules = [{ matches: [{ headers: [{ name: "Region", value: "eu" }] }], backendRefs: [{ name: "relay", port: 80 }] }];
    const [first, second] = weighRules({ kind: "HTTPRoute", rules }, { ...weighting, header });
    expect(first).toEqual({
      matches: [
        {
          headers: [
            { name: "Region", value: "eu" },
            { type: "Exact", name: "X-Canary", value: "yes" },
          ],
        },
      ],
      backendRefs: [{ name: "relay-candidate", port: 80, weight: 1 }],
    });
    expect(second).toMatchObject({ matches: rules[0]?.matches });
  });

  test("are read back without the header's rule", () => {
    const header = { name: "X-Canary", value: "yes" };
    for (const [kind, rules] of [
      ["VirtualService", [{ route: [{ destination: { host: "relay" } }] }]],
      ["HTTPRoute", [{ backendRefs: [{ name: "relay", port: 80 }] }]],
    ] as const) {
      expect(readWeight(route(kind, [...rules]), weighting)).toBeNull();
      const weighed = weighRules({ kind, rules: [...rules] }, { ...weighting, percent: 35, header });
      expect(readWeight(route(kind, weighed), weighting)).toBe(35);
    }
  });
});

describe("two rollouts in one route", () => {
  const header = { name: "X-Canary", value: "yes" };
  const relay = { ...weighting, header };
  const hub = { ...relay, service: "hub", candidate: "hub-candidate", percent: 50 };
  const mesh = [
    {
      route: [
        { destination: { host: "relay" }, weight: 50 },
        { destination: { host: "hub" }, weight: 50 },
      ],
    },
  ];
  const gateway = [
    {
      backendRefs: [
        { name: "relay", port: 80 },
        { name: "hub", port: 80 },
      ],
    },
  ];

  test.each([
    ["VirtualService", mesh],
    ["HTTPRoute", gateway],
  ] as const)("divide their own shares of a %s only, and write nothing once both are there", (kind, before) => {
    const first = weighRules({ kind, rules: [...before] }, relay);
    const both = weighRules({ kind, rules: first }, hub);
    expect(both).toHaveLength(3);
    expect(contains(both, weighRules({ kind, rules: both }, relay))).toBe(true);
    expect(contains(both, weighRules({ kind, rules: both }, hub))).toBe(true);
    expect(JSON.stringify(both.at(-1))).toMatch(/:45.*:5\b.*:25.*:25/);
    expect([relay, hub].map((one) => readWeight(route(kind, both), one))).toEqual([10, 50]);
  });

  test.each([
    ["VirtualService", mesh],
    ["HTTPRoute", gateway],
  ] as const)("end in a %s without what the other one has there, in any order", (kind, before) => {
    const first = weighRules({ kind, rules: [...before] }, relay);
    const both = weighRules({ kind, rules: first }, hub);
    const hubOnly = unweighRules({ kind, rules: both }, before, relay);
    expect(JSON.stringify(hubOnly)).not.toContain("relay-candidate");
    expect(contains(hubOnly, weighRules({ kind, rules: hubOnly }, hub))).toBe(true);
    const shares = (rules: unknown) => JSON.stringify(rules).replaceAll(/,?"weight":50/g, "");
    expect(shares(unweighRules({ kind, rules: hubOnly }, first, hub))).toBe(shares(before));
    const relayOnly = unweighRules({ kind, rules: both }, first, hub);
    expect(relayOnly).toEqual(first);
    expect(unweighRules({ kind, rules: relayOnly }, before, relay)).toEqual(before);
  });
});

describe("what somebody else writes into a route", () => {
  const own = { route: [{ destination: { host: "relay" } }] };
  const kind = "VirtualService";

  test("stays when the weights change and when they end", () => {
    const weighed = weighRules({ kind, rules: [own] }, weighting) as (typeof own)[];
    const added = { route: [{ destination: { host: "metrics" } }] };
    const edited = [added, ...weighed.map((rule) => ({ ...rule, timeout: "5s" }))];
    expect(weighRules({ kind, rules: edited }, { ...weighting, percent: 50 })).toMatchObject([
      added,
      { timeout: "5s", route: [{ weight: 50 }, { weight: 50 }] },
    ]);
    expect(unweighRules({ kind, rules: edited }, [own], weighting)).toEqual([
      added,
      { timeout: "5s", route: [{ destination: { host: "relay" }, weight: 100 }] },
    ]);
  });

  test("is never left leading to the candidate alone", () => {
    const rules = [{ route: [{ destination: { host: "relay-candidate.fleet", port: { number: 80 } } }] }];
    expect(unweighRules({ kind, rules }, [], weighting)).toEqual([
      { route: [{ destination: { host: "relay.fleet", port: { number: 80 } }, weight: 100 }] },
    ]);
  });
});

test("of several routes to a Service the HTTPRoute decides, then the older one", () => {
  const mesh = route("VirtualService", [{ route: [{ destination: { host: "relay" } }] }], "mesh");
  const young = route("HTTPRoute", [{ backendRefs: [{ name: "relay", port: 80 }] }], "young");
  const old = { ...young, metadata: { ...young.metadata, name: "old", creationTimestamp: "2025-01-01T00:00:00Z" } };
  expect(findRoute([mesh, young, old], "fleet", "relay")?.metadata.name).toBe("old");
  expect(findRoute([mesh], "fleet", "relay")?.metadata.name).toBe("mesh");
  expect(findRoute([mesh, young], "fleet", "hub")).toBeNull();
});

test("what the API adds to an object is no difference, an entry more in a list is", () => {
  expect(contains({ a: 1, list: [{ b: 2, added: true }] }, { list: [{ b: 2 }] })).toBe(true);
  expect(contains({ list: [{ b: 2 }, { b: 3 }] }, { list: [{ b: 2 }] })).toBe(false);
  expect(contains({ a: 1 }, { a: 1, b: 2 })).toBe(false);
});
