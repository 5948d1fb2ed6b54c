import { describe, expect, it } from "vitest";
import type { HttpRoute, RoutedService, VirtualService } from "./objects.ts";
import { chooseTarget, type RoutePlan, type Target } from "./plan.ts";
import { routesOfServices } from "./routes-of-services.ts";

const service = (name: string, ports: RoutedService["spec"]["ports"] = [{ name: "http", port: 80 }]): RoutedService => ({
  metadata: { name, namespace: "fleet" },
  spec: { ports },
});
const services = ["relay", "relay-stable", "relay-canary"].map((name) => service(name));

const metadata = (name: string, creationTimestamp = "2026-01-01T00:00:00Z") => ({
  name,
  namespace: "fleet",
  uid: name,
  resourceVersion: "1",
  creationTimestamp,
});

type Http = VirtualService["spec"]["http"];
const split = (...weights: [string, number?][]): Http => [
  { route: weights.map(([host, weight]) => ({ destination: { host }, ...(weight === undefined ? {} : { weight }) })) },
];
const virtualService = (http: Http, hosts = ["relay"], name = "relay", created?: string): VirtualService => ({
  metadata: metadata(name, created),
  spec: { hosts, http },
});

type Rules = HttpRoute["spec"]["rules"];
const parent = { group: "", kind: "Service", name: "relay" };
const httpRoute = (rules: Rules, parentRefs = [parent] as HttpRoute["spec"]["parentRefs"], name = "relay", created?: string) => ({
  metadata: metadata(name, created),
  spec: { parentRefs, rules },
});
const refs = (...weights: [string, number?][]) => ({
  backendRefs: weights.map(([name, weight]) => ({ name, port: 80, ...(weight === undefined ? {} : { weight }) })),
});

/** A small generator with a fixed seed (mulberry32), so that a share is the same in every run. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const planOf = (virtualServices: VirtualService[], httpRoutes: HttpRoute[], port = "fleet/relay:80"): RoutePlan => {
  const plan = routesOfServices(services, virtualServices, httpRoutes).get(port);
  if (!plan) throw new Error(`there is no plan for ${port}`);
  return plan;
};
const nameOf = (target: Target) => ("status" in target ? target.status : target.service);

/** How many of `count` requests went where. */
function shares(plan: RoutePlan, count: number, headers = {}): Record<string, number> {
  const random = seeded(7);
  const found: Record<string, number> = {};
  for (let at = 0; at < count; at++) {
    const name = nameOf(chooseTarget(plan, headers, random));
    found[name] = (found[name] ?? 0) + 1;
  }
  return found;
}

describe("the weights of a route", () => {
  it.each([
    ["a VirtualService", planOf([virtualService(split(["relay-stable", 90], ["relay-canary", 10]))], [])],
    ["an HTTPRoute", planOf([], [httpRoute([refs(["relay-stable", 90], ["relay-canary", 10])])])],
    ["an HTTPRoute with another sum", planOf([], [httpRoute([refs(["relay-stable", 9], ["relay-canary", 1])])])],
    ["a VirtualService with another sum", planOf([virtualService(split(["relay-stable", 18], ["relay-canary", 2]))], [])],
  ])("of %s give 10 %% of 2,000 requests to the canary, within four standard deviations", (_, plan) => {
    const found = shares(plan, 2_000);
    const bound = 4 * Math.sqrt(2_000 * 0.1 * 0.9);
    expect(Math.abs((found["fleet/relay-canary"] ?? 0) - 200)).toBeLessThan(bound);
    expect(found["fleet/relay-stable"]).toBe(2_000 - (found["fleet/relay-canary"] ?? 0));
  });

  it("send nothing to a weight of 0", () => {
    for (const plan of [
      planOf([virtualService(split(["relay-canary", 0], ["relay-stable", 100]))], []),
      planOf([], [httpRoute([refs(["relay-stable", 1], ["relay-canary", 0])])]),
    ]) {
      expect(shares(plan, 500)).toEqual({ "fleet/relay-stable": 500 });
    }
  });

  it("follow each API where none is given: equal shares of an HTTPRoute, nothing of a VirtualService", () => {
    const equal = shares(planOf([], [httpRoute([refs(["relay-stable"], ["relay-canary"])])]), 2_000);
    expect(Math.abs((equal["fleet/relay-canary"] ?? 0) - 1_000)).toBeLessThan(4 * Math.sqrt(2_000 * 0.25));
    expect(shares(planOf([virtualService(split(["relay-stable", 1], ["relay-canary"]))], []), 100)).toEqual({
      "fleet/relay-stable": 100,
    });
  });

  it("give the only destination of a VirtualService everything, and the only backend of an HTTPRoute with 0 nothing", () => {
    expect(shares(planOf([virtualService(split(["relay-canary", 0]))], []), 10)).toEqual({ "fleet/relay-canary": 10 });
    expect(shares(planOf([], [httpRoute([refs(["relay-canary", 0])])]), 10)).toEqual({ 500: 10 });
  });

  it("answer 503 (VirtualService) or 500 (HTTPRoute) when all are 0 or none is given", () => {
    const zero = split(["relay-stable", 0], ["relay-canary", 0]);
    expect(shares(planOf([virtualService(zero)], []), 10)).toEqual({ 503: 10 });
    expect(shares(planOf([], [httpRoute([{ backendRefs: [] }])]), 10)).toEqual({ 500: 10 });
  });

  it("give the share of a backend that does not exist to a 500 (HTTPRoute) or a 503 (VirtualService)", () => {
    const found = shares(planOf([], [httpRoute([refs(["relay-stable", 1], ["gone", 1])])]), 2_000);
    expect(Math.abs((found[500] ?? 0) - 1_000)).toBeLessThan(4 * Math.sqrt(2_000 * 0.25));
    expect(shares(planOf([virtualService(split(["gone", 1]))], []), 10)).toEqual({ 503: 10 });
  });
});

describe("the rules of a route", () => {
  const canary = (headers: Record<string, string>) => ({
    match: [{ headers: Object.fromEntries(Object.entries(headers).map(([name, exact]) => [name, { exact }])) }],
    ...split(["relay-canary"])[0],
    route: [{ destination: { host: "relay-canary" } }],
  });
  const going = (plan: RoutePlan, headers: Record<string, string>) => nameOf(chooseTarget(plan, headers, () => 0));

  it("of a VirtualService are tried in their order; all headers of a match must be equal, one match is enough", () => {
    const two = { ...canary({ "x-tier": "beta", "x-region": "eu" }) };
    const http = [{ ...two, match: [...two.match, { headers: { Cookie: { exact: "canary=1" } } }] }, ...split(["relay-stable"])];
    const plan = planOf([virtualService(http)], []);
    expect(going(plan, { "x-tier": "beta", "x-region": "eu" })).toBe("fleet/relay-canary");
    expect(going(plan, { cookie: "canary=1" })).toBe("fleet/relay-canary");
    expect(going(plan, { "x-tier": "beta" })).toBe("fleet/relay-stable");
    expect(going(plan, { "x-tier": "BETA", "x-region": "eu" })).toBe("fleet/relay-stable");
  });

  it("of an HTTPRoute go by the number of headers, then by age, then by order", () => {
    const rule = (name: string, ...headers: [string, string][]) => ({
      ...refs([name]),
      matches: [{ headers: headers.map(([header, value]) => ({ name: header, value })) }],
    });
    const younger = httpRoute([rule("gone", ["X-Tier", "beta"])], [parent], "a", "2026-02-01T00:00:00Z");
    const older = httpRoute([rule("relay"), rule("relay-stable", ["X-Tier", "beta"])]);
    const wide = httpRoute([rule("relay-canary", ["X-Tier", "beta"], ["X-Region", "eu"])], [parent], "b", "2026-03-01T00:00:00Z");
    const plan = planOf([], [younger, wide, older]);
    expect(going(plan, { "x-tier": "beta", "x-region": "eu" })).toBe("fleet/relay-canary");
    expect(going(plan, { "x-tier": "beta" })).toBe("fleet/relay-stable");
    expect(going(plan, {})).toBe("fleet/relay");
  });

  it("answer 404 when none matches", () => {
    expect(going(planOf([virtualService([canary({ "x-tier": "beta" })])], []), {})).toBe(404);
  });
});

describe("which Services a route applies to", () => {
  const keysOf = (list: RoutedService[], virtualServices: VirtualService[], httpRoutes: HttpRoute[] = []) => [
    ...routesOfServices(list, virtualServices, httpRoutes).keys(),
  ];

  it("is by short name in its own namespace and by all longer names", () => {
    for (const host of ["relay", "relay.fleet", "relay.fleet.svc", "relay.fleet.svc.cluster.local"]) {
      expect(keysOf(services, [virtualService(split(["relay-stable"]), [host])])).toEqual(["fleet/relay:80"]);
    }
    for (const host of ["relay.other", "relay.fleet.example.com", "api.example.com"]) {
      expect(keysOf(services, [virtualService(split(["relay-stable"]), [host])])).toEqual([]);
    }
  });

  it("leaves ports of other protocols alone, by appProtocol or the first part of the port's name", () => {
    const ports = [
      { name: "http", port: 80 },
      { name: "websocket", port: 81 },
      { name: "tcp-metrics", port: 82 },
      { name: "redis", port: 83 },
      { name: "hub", port: 84, appProtocol: "tls" },
      { name: "grpc", port: 85, appProtocol: "kubernetes.io/ws" },
      { name: "dns", port: 86, protocol: "UDP" },
    ];
    const found = keysOf([service("relay", ports), service("relay-stable")], [virtualService(split(["relay-stable"]))]);
    expect(found).toEqual(["fleet/relay:80", "fleet/relay:81", "fleet/relay:85"]);
  });

  it("is one port when the parent names one, and none when the Service is not its parent", () => {
    const ports = [
      { name: "http", port: 80 },
      { name: "http-admin", port: 81 },
    ];
    const list = [service("relay", ports), service("relay-stable")];
    const rules = [refs(["relay-stable"])];
    expect(keysOf(list, [], [httpRoute(rules, [{ ...parent, port: 81 }])])).toEqual(["fleet/relay:81"]);
    for (const wrong of [
      { ...parent, port: 99 },
      { ...parent, namespace: "other" },
      { ...parent, kind: "Gateway" },
    ]) {
      expect(keysOf(list, [], [httpRoute(rules, [wrong])])).toEqual([]);
    }
  });

  it("is decided by the older of two VirtualServices, and by an HTTPRoute before both", () => {
    const older = virtualService(split(["relay-stable"]), ["relay"], "z", "2026-01-01T00:00:00Z");
    const younger = virtualService(split(["relay-canary"]), ["relay"], "a", "2026-02-01T00:00:00Z");
    expect(shares(planOf([younger, older], []), 1)).toEqual({ "fleet/relay-stable": 1 });
    expect(shares(planOf([older], [httpRoute([refs(["relay-canary"])])]), 1)).toEqual({ "fleet/relay-canary": 1 });
  });

  it("leads to the called port, or to the only one of the destination, when a VirtualService names no port", () => {
    const two = [
      { name: "http", port: 80 },
      { name: "http-admin", port: 81 },
    ];
    const list = [service("relay", two), service("relay-stable", two), service("relay-canary", [{ port: 8080 }])];
    const portsOf = (host: string) =>
      [...routesOfServices(list, [virtualService(split([host]))], []).values()].map((plan) => chooseTarget(plan, {}, () => 0));
    expect(portsOf("relay-stable")).toEqual([
      { service: "fleet/relay-stable", port: 80 },
      { service: "fleet/relay-stable", port: 81 },
    ]);
    expect(portsOf("relay-canary")).toEqual(Array(2).fill({ service: "fleet/relay-canary", port: 8080 }));
  });
});
