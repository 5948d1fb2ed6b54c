import { describe, expect, test } from "vitest";
import { contains, findRoute, type RouteObject, readWeight, weighRules } from "./traffic.ts";

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
          { name: "relay", port: 80, weight: 150 },
          { name: "relay-candidate", port: 80, weight: 150 },
          { name: "other", port: 80, weight: 100 },
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
      expect(readWeight(route(kind, [...rules]), "fleet", "relay-candidate")).toBeNull();
      const weighed = weighRules({ kind, rules: [...rules] }, { ...weighting, percent: 35, header });
      expect(readWeight(route(kind, weighed), "fleet", "relay-candidate")).toBe(35);
    }
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
