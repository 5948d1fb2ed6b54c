import { describe, expect, it } from "vitest";
import type { Node, Pod, PodTemplate } from "#lib/kubernetes/objects.ts";
import { countRoom, hasUncountedRules } from "./capacity.ts";

const metadata = (name: string, labels: Record<string, string> = {}) => ({
  name,
  namespace: "fleet",
  uid: name,
  resourceVersion: "1",
  creationTimestamp: "2026-01-01T00:00:00Z",
  labels,
});
const ready = [{ type: "Ready", status: "True" }];

function node(
  name: string,
  allocatable: Record<string, string>,
  parts: Partial<Node> & { labels?: Record<string, string> } = {},
): Node {
  return {
    metadata: metadata(name, parts.labels),
    spec: parts.spec,
    status: { conditions: ready, allocatable, ...parts.status },
  };
}

const container = (requests: Record<string, string>, more: object = {}) => ({ name: "main", resources: { requests }, ...more });
const template = (requests: Record<string, string>, spec: object = {}): PodTemplate => ({
  spec: { containers: [container(requests)], ...spec },
});
const pod = (nodeName: string | undefined, requests: Record<string, string>, phase = "Running"): Pod => ({
  metadata: metadata(`pod-${Math.random()}`),
  spec: { nodeName, containers: [container(requests)] },
  status: { phase },
});

const small = { cpu: "100m", memory: "128Mi" };
const big = { cpu: "4", memory: "4Gi", pods: "110" };

describe("the room on the nodes", () => {
  it("is what the scarcest resource of each node leaves", () => {
    const nodes = [node("a", { cpu: "1", memory: "10Gi" }), node("b", { cpu: "4", memory: "300Mi" })];
    expect(countRoom(template(small), nodes, [])).toBe(10 + 2);
  });

  it("counts what the pods there have requested, and not those that have ended or have no node", () => {
    const pods = [
      pod("a", { cpu: "500m" }),
      pod("a", { cpu: "2" }, "Succeeded"),
      pod("a", { cpu: "2" }, "Failed"),
      pod(undefined, { cpu: "2" }, "Pending"),
    ];
    expect(countRoom(template(small), [node("a", { cpu: "1", memory: "10Gi" })], pods)).toBe(5);
  });

  it("takes sums of tenths of a core for what they are", () => {
    const pods = [pod("a", { cpu: "0.1" }), pod("a", { cpu: "0.2" })];
    expect(countRoom(template({ cpu: "0.7" }), [node("a", { cpu: "1", memory: "1Gi" })], pods)).toBe(1);
  });

  it("is never less than nothing on a node that is overfull", () => {
    const nodes = [node("a", { cpu: "1", memory: "1Gi" }), node("b", big)];
    expect(countRoom(template(small), nodes, [pod("a", { cpu: "3" })])).toBe(32);
  });

  it("ends at the number of pods that a node takes, 110 where it does not say", () => {
    expect(countRoom(template({}), [node("a", { cpu: "1", pods: "3" })], [pod("a", {})])).toBe(2);
    expect(countRoom(template({}), [node("a", { cpu: "1" })], [])).toBe(110);
  });

  it("is nothing where a device is wanted that no node has", () => {
    expect(countRoom(template({ ...small, "example.com/gpu": "1" }), [node("a", big)], [])).toBe(0);
    expect(countRoom(template({ ...small, "example.com/gpu": "1" }), [node("a", { ...big, "example.com/gpu": "2" })], [])).toBe(
      2,
    );
  });

  it("is sought by the larger of all containers together and the largest init container", () => {
    const nodes = [node("a", { cpu: "4", memory: "100Gi" })];
    const containers = [container({ cpu: "500m" }), container({ cpu: "500m" })];
    expect(countRoom({ spec: { containers } }, nodes, [])).toBe(4);
    const initContainers = [container({ cpu: "1" }, { restartPolicy: "Always" }), container({ cpu: "1" })];
    expect(countRoom({ spec: { containers, initContainers } }, nodes, [])).toBe(2);
    expect(countRoom({ spec: { containers, overhead: { cpu: "1" } } }, nodes, [])).toBe(2);
  });

  it("takes a limit for the request where there is none", () => {
    const containers = [{ name: "main", resources: { limits: { cpu: "2" }, requests: { memory: "1Mi" } } }];
    expect(countRoom({ spec: { containers } }, [node("a", big)], [])).toBe(2);
  });

  it.each<[string, Node]>([
    ["is not ready", node("a", big, { status: { conditions: [{ type: "Ready", status: "Unknown" }], allocatable: big } })],
    ["is cordoned", node("a", big, { spec: { unschedulable: true } })],
    [
      "has a taint that is not tolerated",
      node("a", big, { spec: { taints: [{ key: "db", value: "yes", effect: "NoSchedule" }] } }),
    ],
    ["has not the label that is wanted", node("a", big, { labels: { zone: "b" } })],
  ])("is nothing on a node that %s", (_, closed) => {
    expect(countRoom(template({ cpu: "1" }, { nodeSelector: { zone: "a" } }), [closed], [])).toBe(0);
  });

  it.each<[string, object, number]>([
    ["by its key", { key: "db", operator: "Exists" }, 4],
    ["by its value", { key: "db", value: "yes", effect: "NoSchedule" }, 4],
    ["with all others", { operator: "Exists" }, 4],
    ["not, for the value is another", { key: "db", value: "no" }, 0],
    ["not, for the effect is another", { key: "db", operator: "Exists", effect: "NoExecute" }, 0],
  ])("is there behind a taint that is tolerated %s", (_, toleration, room) => {
    const tainted = node("a", big, { spec: { taints: [{ key: "db", value: "yes", effect: "NoSchedule" }] } });
    expect(countRoom(template({ cpu: "1" }, { tolerations: [toleration] }), [tainted], [])).toBe(room);
  });

  it("is there on a node that is only preferred against", () => {
    const tainted = node("a", big, { spec: { taints: [{ key: "db", effect: "PreferNoSchedule" }] } });
    expect(countRoom(template({ cpu: "1" }), [tainted], [])).toBe(4);
  });
});

describe("rules of placement that are not counted", () => {
  it("are required affinity and spread, not what is only preferred", () => {
    const affinity = { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey: "zone" }] } };
    const preferred = { podAntiAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 1 }] } };
    expect(hasUncountedRules(template({}, { affinity }))).toBe(true);
    expect(hasUncountedRules(template({}, { topologySpreadConstraints: [{ whenUnsatisfiable: "DoNotSchedule" }] }))).toBe(true);
    expect(hasUncountedRules(template({}, { affinity: preferred }))).toBe(false);
    expect(hasUncountedRules(template({}))).toBe(false);
  });
});
