import { describe, expect, it } from "vitest";
import type { EndpointSlice, Service } from "../objects.ts";
import { pod } from "../test/objects.ts";
import { changedEndpoints, desiredEndpoints } from "./plan-endpoints.ts";
import { groupsOfEndpoints, groupsOfService, type PortGroup, planSlices } from "./plan-slices.ts";

const service = (spec: Partial<Service["spec"]> = {}): Service =>
  ({
    apiVersion: "v1",
    kind: "Service",
    metadata: {
      name: "relay",
      namespace: "fleet",
      uid: "service-uid",
      resourceVersion: "1",
      creationTimestamp: "2026-01-01T00:00:00Z",
      labels: { team: "a" },
    },
    spec: { clusterIP: "127.11.0.4", selector: { app: "relay" }, ports: [{ name: "ws", port: 80, targetPort: "ws" }], ...spec },
  }) as Service;

const serving = (name: string, ip: string, port = 8081, options: Parameters<typeof pod>[1] = {}) =>
  pod(name, {
    node: "node-1",
    ip,
    ...options,
    spec: { containers: [{ name: "relay", ports: [{ name: "ws", containerPort: port }] }] },
  });

const deleting = { metadata: { deletionTimestamp: "2026-01-01T00:00:00Z" } };

describe("Endpoints", () => {
  it("divide ready from unready addresses, and leave out pods that end, have ended or have no address", () => {
    const pods = [
      serving("b", "127.10.10.3"),
      serving("a", "127.10.10.2"),
      serving("starting", "127.10.10.4", 8081, { readySince: false }),
      serving("ending", "127.10.10.5", 8081, deleting),
      serving("ended", "127.10.10.6", 8081, { phase: "Succeeded" }),
      pod("unplaced"),
    ];
    const { subsets } = desiredEndpoints(service(), pods);
    expect(subsets).toHaveLength(1);
    expect(subsets[0]?.addresses?.map(({ ip }) => ip)).toEqual(["127.10.10.2", "127.10.10.3"]);
    expect(subsets[0]?.notReadyAddresses?.map(({ ip }) => ip)).toEqual(["127.10.10.4"]);
    expect(subsets[0]?.ports).toEqual([{ name: "ws", port: 8081, protocol: "TCP" }]);
  });

  it("group pods by where they serve a named port", () => {
    const { subsets } = desiredEndpoints(service(), [serving("a", "127.10.10.2", 8081), serving("b", "127.10.10.3", 9081)]);
    expect(subsets.map(({ ports }) => ports?.[0]?.port)).toEqual([8081, 9081]);
  });

  it("are not written again when nothing differs", () => {
    const desired = desiredEndpoints(service(), [serving("a", "127.10.10.2")]);
    const stored = { ...desired, metadata: { ...service().metadata, labels: desired.metadata.labels } };
    expect(changedEndpoints(stored as never, desired)).toBeUndefined();
    expect(changedEndpoints(stored as never, desiredEndpoints(service(), []))).toMatchObject({ subsets: [] });
  });
});

describe("an endpoint's conditions", () => {
  it.each([
    ["a ready pod", {}, {}, { ready: true, serving: true, terminating: false }],
    ["an unready pod", { readySince: false }, {}, { ready: false, serving: false, terminating: false }],
    ["a pod that ends but still answers", deleting, {}, { ready: false, serving: true, terminating: true }],
    [
      "an unready pod of a service that publishes those",
      { readySince: false },
      { publishNotReadyAddresses: true },
      { ready: true, serving: false, terminating: false },
    ],
  ] as const)("of %s", (_, options, spec, conditions) => {
    const [group] = groupsOfService(service(spec), [serving("a", "127.10.10.2", 8081, options)], () => undefined);
    expect(group?.endpoints[0]?.conditions).toEqual(conditions);
  });
});

describe("EndpointSlices", () => {
  const world = { owner: service(), serviceName: "relay", labels: { team: "a" } };
  const ports = [{ name: "ws", port: 8081, protocol: "TCP" }];
  const endpoints = (count: number, from = 0) =>
    Array.from({ length: count }, (_, index) => ({ addresses: [`127.10.1.${from + index}`], conditions: { ready: true } }));
  const stored = (name: string, of: PortGroup): EndpointSlice =>
    ({
      apiVersion: "discovery.k8s.io/v1",
      kind: "EndpointSlice",
      metadata: { ...service().metadata, name, labels: { team: "a", "kubernetes.io/service-name": "relay" } },
      addressType: "IPv4",
      ...of,
    }) as EndpointSlice;

  it("hold 100 endpoints at most, and carry the service's name and the service as owner", () => {
    const { create } = planSlices({ ...world, groups: [{ ports, endpoints: endpoints(150) }], existing: [] });
    expect(create.map((slice) => (slice.endpoints as unknown[]).length)).toEqual([100, 50]);
    expect(create[0]?.metadata).toMatchObject({ generateName: "relay-", labels: { "kubernetes.io/service-name": "relay" } });
    expect(create[0]?.metadata.ownerReferences?.[0]).toMatchObject({ kind: "Service", uid: "service-uid", controller: true });
  });

  it("are touched only where something changed", () => {
    const existing = [
      stored("one", { ports, endpoints: endpoints(100) }),
      stored("two", { ports, endpoints: endpoints(50, 100) }),
    ];
    expect(planSlices({ ...world, groups: [{ ports, endpoints: endpoints(150) }], existing })).toEqual({
      create: [],
      update: [],
      remove: [],
    });
    const grown = planSlices({ ...world, groups: [{ ports, endpoints: endpoints(160) }], existing });
    expect(grown.update.map(({ metadata, endpoints: all }) => [metadata.name, all.length])).toEqual([["two", 60]]);
    const shrunk = planSlices({ ...world, groups: [{ ports, endpoints: endpoints(100) }], existing });
    expect(shrunk.remove.map(({ metadata }) => metadata.name)).toEqual(["two"]);
  });

  it("keep one empty slice for a service without pods", () => {
    const empty = groupsOfService(service(), [], () => undefined);
    expect(planSlices({ ...world, groups: empty, existing: [] }).create).toHaveLength(1);
    expect(planSlices({ ...world, groups: empty, existing: [stored("one", { ports: [], endpoints: [] })] })).toEqual({
      create: [],
      update: [],
      remove: [],
    });
  });

  it("mirror Endpoints that were written by hand", () => {
    const manual = {
      ...service(),
      kind: "Endpoints",
      subsets: [{ addresses: [{ ip: "127.0.0.9" }], notReadyAddresses: [{ ip: "127.0.0.8" }], ports }],
    };
    expect(groupsOfEndpoints(manual)).toEqual([
      {
        ports,
        endpoints: [
          { addresses: ["127.0.0.9"], conditions: { ready: true } },
          { addresses: ["127.0.0.8"], conditions: { ready: false } },
        ],
      },
    ]);
  });
});
