import { describe, expect, it } from "vitest";
import type { RoutedService } from "../../proxy/routes/objects.ts";
import { type HttpRoute, planRouteStatus } from "./plan.ts";

const now = new Date("2026-01-01T01:00:00.250Z");
const later = new Date("2026-01-01T02:00:00Z");
const parent = { group: "", kind: "Service", name: "relay" };
const services = new Map<string, RoutedService>(
  ["relay", "relay-canary"].map((name) => [
    `fleet/${name}`,
    { metadata: { name, namespace: "fleet" }, spec: { ports: [{ port: 80 }] } },
  ]),
);

const route = (spec: HttpRoute["spec"], status?: HttpRoute["status"]): HttpRoute => ({
  apiVersion: "gateway.networking.k8s.io/v1",
  kind: "HTTPRoute",
  metadata: {
    name: "relay",
    namespace: "fleet",
    uid: "u",
    resourceVersion: "1",
    generation: 3,
    creationTimestamp: "2026-01-01T00:00:00Z",
  },
  spec,
  ...(status ? { status } : {}),
});
const backends = (...names: string[]) => [{ backendRefs: names.map((name) => ({ name, port: 80 })) }];
const conditionsOf = (status: HttpRoute["status"]) =>
  status?.parents.map(({ conditions = [] }) => conditions.map(({ type, status: word, reason }) => `${type}=${word} ${reason}`));

describe("the status of an HTTPRoute", () => {
  it("is accepted and resolved when parent and backends exist", () => {
    const status = planRouteStatus(route({ parentRefs: [parent], rules: backends("relay", "relay-canary") }), services, now);
    expect(conditionsOf(status)).toEqual([["Accepted=True Accepted", "ResolvedRefs=True ResolvedRefs"]]);
    expect(status?.parents[0]).toMatchObject({
      controllerName: "switchyard.dev/service-proxy",
      parentRef: parent,
      conditions: [{ observedGeneration: 3, lastTransitionTime: "2026-01-01T01:00:00Z" }, {}],
    });
  });

  it.each([
    ["a parent that does not exist", { ...parent, name: "gone" }, backends("relay"), "Accepted=False NoMatchingParent"],
    ["a port that the parent lacks", { ...parent, port: 81 }, backends("relay"), "Accepted=False NoMatchingParent"],
    ["a parent elsewhere", { ...parent, namespace: "other" }, backends("relay"), "Accepted=False NotAllowedByListeners"],
    ["a backend that does not exist", parent, backends("relay", "gone"), "ResolvedRefs=False BackendNotFound"],
    [
      "a backend elsewhere",
      parent,
      [{ backendRefs: [{ name: "relay", namespace: "other", port: 80 }] }],
      "ResolvedRefs=False RefNotPermitted",
    ],
    [
      "a backend of another kind",
      parent,
      [{ backendRefs: [{ name: "x", kind: "Bucket", port: 80 }] }],
      "ResolvedRefs=False InvalidKind",
    ],
  ])("names %s", (_, parentRef, rules, expected) => {
    expect(conditionsOf(planRouteStatus(route({ parentRefs: [parentRef], rules }), services, now))?.flat()).toContain(expected);
  });

  it("is not written again when nothing differs, and keeps the time of the last change", () => {
    const spec = { parentRefs: [parent], rules: backends("relay") };
    const first = planRouteStatus(route(spec), services, now);
    expect(planRouteStatus(route(spec, first), services, later)).toBeUndefined();
    const second = planRouteStatus(route({ ...spec, rules: backends("gone") }, first), services, later);
    expect(second?.parents[0]?.conditions?.map(({ lastTransitionTime }) => lastTransitionTime)).toEqual([
      "2026-01-01T01:00:00Z",
      "2026-01-01T02:00:00Z",
    ]);
  });

  it("keeps what other controllers wrote, and drops parents that are no longer named", () => {
    const other = { controllerName: "example.com/gateway", parentRef: { name: "outside" } };
    const old = { controllerName: "switchyard.dev/service-proxy", parentRef: { ...parent, name: "old" }, conditions: [] };
    const status = planRouteStatus(route({ parentRefs: [parent] }, { parents: [other, old] }), services, now);
    expect(status?.parents.map(({ parentRef }) => parentRef.name)).toEqual(["outside", "relay"]);
  });
});
