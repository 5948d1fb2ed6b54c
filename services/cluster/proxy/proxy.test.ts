import { describe, expect, it } from "vitest";
import { type EndpointSlice, frontendsOf, type Service } from "./backends.ts";
import { Balancer } from "./balancer.ts";

const metadata = (name: string, labels = {}) => ({ name, namespace: "fleet", uid: name, resourceVersion: "1", labels });
const service = (spec: Partial<Service["spec"]> = {}): Service => ({
  metadata: metadata("relay"),
  spec: { clusterIP: "127.11.0.5", ports: [{ name: "ws", port: 80 }], ...spec },
});
const slice = (endpoints: EndpointSlice["endpoints"]): EndpointSlice => ({
  metadata: metadata("relay-1", { "kubernetes.io/service-name": "relay" }),
  ports: [
    { name: "metrics", port: 9090 },
    { name: "ws", port: 8081 },
  ],
  endpoints,
});

describe("the backends of a Service", () => {
  it("are its ready endpoints at the port of the same name", () => {
    const endpoints = [{ addresses: ["127.10.10.2"] }, { addresses: ["127.10.10.3"], conditions: { ready: false } }];
    expect(frontendsOf([service()], [slice(endpoints)], [])).toEqual([
      {
        host: "127.11.0.5",
        port: 80,
        service: "fleet/relay",
        affinitySeconds: 0,
        backends: [{ host: "127.10.10.2", port: 8081 }],
      },
    ]);
  });

  it("are those that still serve while terminating when no other is ready", () => {
    const draining = { addresses: ["127.10.10.3"], conditions: { ready: false, serving: true, terminating: true } };
    const [frontend] = frontendsOf([service()], [slice([draining])], []);
    expect(frontend?.backends).toEqual([{ host: "127.10.10.3", port: 8081 }]);
  });

  it("come from Endpoints where nothing made slices of them", () => {
    const endpoints = {
      metadata: metadata("relay"),
      subsets: [{ addresses: [{ ip: "127.0.0.1" }], ports: [{ name: "ws", port: 3000 }] }],
    };
    expect(frontendsOf([service()], [], [endpoints])[0]?.backends).toEqual([{ host: "127.0.0.1", port: 3000 }]);
  });

  it("have no address to listen on for headless Services, and are none for UDP and ExternalName", () => {
    expect(frontendsOf([service({ clusterIP: "None" })], [], []).map(({ host }) => host)).toEqual([undefined]);
    expect(frontendsOf([service({ type: "ExternalName", clusterIP: undefined })], [], [])).toEqual([]);
    expect(frontendsOf([service({ ports: [{ port: 53, protocol: "UDP" }] })], [], [])).toEqual([]);
  });

  it("keep clients for three hours when ClientIP affinity names no time", () => {
    expect(frontendsOf([service({ sessionAffinity: "ClientIP" })], [], [])[0]?.affinitySeconds).toBe(10_800);
  });
});

describe("balancing", () => {
  const a = { host: "a", port: 1 };
  const b = { host: "b", port: 1 };

  it("takes backends in turn", () => {
    const balancer = new Balancer();
    balancer.update([a, b], 0);
    expect([1, 2, 3, 4].map(() => balancer.choose("x"))).toEqual([a, b, a, b]);
  });

  it("keeps a client at its backend while the affinity lasts, counted from its last connection", () => {
    let now = 0;
    const balancer = new Balancer(() => now);
    balancer.update([a, b], 10);
    expect(balancer.choose("x")).toBe(a);
    expect(balancer.choose("y")).toBe(b);
    now = 9_000;
    expect(balancer.choose("x")).toBe(a);
    now = 18_000;
    expect(balancer.choose("x")).toBe(a);
    now = 29_000;
    balancer.update([b], 10);
    expect(balancer.choose("x")).toBe(b);
  });

  it("moves a client whose backend is gone", () => {
    const balancer = new Balancer();
    balancer.update([a], 10);
    balancer.choose("x");
    balancer.update([b], 10);
    expect(balancer.choose("x")).toBe(b);
  });

  it("passes over backends that were tried, and has none left when all were", () => {
    const balancer = new Balancer();
    balancer.update([a, b], 10);
    expect(balancer.choose("x")).toBe(a);
    expect(balancer.choose("x", [a])).toBe(b);
    expect(balancer.choose("x", [a, b])).toBeUndefined();
    expect(balancer.choose("x")).toBe(b);
  });

  it("has nothing to choose without backends", () => {
    expect(new Balancer().choose("x")).toBeUndefined();
  });
});
