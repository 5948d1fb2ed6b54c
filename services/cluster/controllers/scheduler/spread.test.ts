import { describe, expect, it } from "vitest";
import type { Node, Pod } from "../objects.ts";
import { node, pod } from "../test/objects.ts";
import { ClusterState } from "./cluster-state.ts";
import { placePod } from "./plan.ts";

const zoned = (name: string, zone: string, spec: object = {}) => node(name, { labels: { zone }, spec });
const two = [zoned("a1", "a"), zoned("b1", "b")];
const placed = (...nodes: string[]) => nodes.map((name, index) => pod(`p${index}`, { node: name }));

function place(nodes: Node[], pods: Pod[], constraint: object, spec: object = {}, labels = { app: "relay" }) {
  const state = new ClusterState(() => undefined);
  for (const one of nodes) state.setNode(one);
  for (const one of pods) state.place(one, one.spec.nodeName ?? "");
  const topologySpreadConstraints = [
    {
      maxSkew: 1,
      topologyKey: "zone",
      whenUnsatisfiable: "DoNotSchedule",
      labelSelector: { matchLabels: { app: "relay" } },
      ...constraint,
    },
  ];
  return placePod(pod("new", { labels, spec: { topologySpreadConstraints, ...spec } }), state);
}

const uneven = (count: number, others = "") => ({
  message: `0/2 nodes are available: ${count} node(s) didn't match pod topology spread constraints${others}.`,
});

describe("a pod that must be spread", () => {
  it("goes where fewer of its kind are", () => {
    expect(place(two, placed("a1"), {})).toEqual({ node: "b1" });
    expect(place(two, placed("b1", "b1", "a1"), {})).toEqual({ node: "a1" });
  });

  it("goes to a crowded place as far as maxSkew allows", () => {
    const onlyA = { nodeSelector: { zone: "a" } };
    const ignored = { nodeAffinityPolicy: "Ignore" };
    expect(place(two, placed("a1"), { ...ignored, maxSkew: 2 }, onlyA)).toEqual({ node: "a1" });
    expect(place(two, placed("a1", "a1"), { ...ignored, maxSkew: 2 }, onlyA)).toEqual({
      message:
        "0/2 nodes are available: 1 node(s) didn't match Pod's node affinity/selector, 1 node(s) didn't match pod topology spread constraints.",
    });
  });

  it("counts only nodes that its node affinity allows, unless told otherwise", () => {
    expect(place(two, placed("a1", "a1", "a1"), {}, { nodeSelector: { zone: "a" } })).toEqual({ node: "a1" });
  });

  it("counts tainted nodes, unless told otherwise", () => {
    const taints = [{ key: "dedicated", effect: "NoSchedule" }];
    const nodes = [zoned("a1", "a"), zoned("b1", "b", { taints })];
    const taint = "1 node(s) had untolerated taint {dedicated: }";
    expect(place(nodes, placed("a1"), {})).toEqual({
      message: `0/2 nodes are available: 1 node(s) didn't match pod topology spread constraints, ${taint}.`,
    });
    expect(place(nodes, placed("a1"), { nodeTaintsPolicy: "Honor" })).toEqual({ node: "a1" });
  });

  it("does not go to a node without the label, in Kubernetes' words", () => {
    expect(place([node("x"), node("y")], [], {})).toEqual(uneven(2, " (missing required label)"));
  });

  it("takes the domains that minDomains misses as empty", () => {
    expect(place(two, placed("a1", "b1"), {})).toHaveProperty("node");
    expect(place(two, placed("a1", "b1"), { minDomains: 3 })).toEqual(uneven(2));
  });

  it("counts neither pods that are being deleted nor those of other namespaces", () => {
    const gone = pod("gone", { node: "b1", metadata: { deletionTimestamp: "2026-01-01T00:00:00Z" } });
    const foreign = pod("foreign", { node: "b1", metadata: { namespace: "other" } });
    expect(place(two, [...placed("a1"), gone, foreign], {})).toEqual({ node: "b1" });
  });

  it("counts only the pods of its own revision by matchLabelKeys", () => {
    const old = ["a1", "a1", "b1"].map((name, index) => pod(`old${index}`, { node: name, labels: { app: "relay", hash: "1" } }));
    const fresh = pod("fresh", { node: "b1", labels: { app: "relay", hash: "2" } });
    const labels = { app: "relay", hash: "2" };
    expect(place(two, [...old, fresh], { matchLabelKeys: ["hash"] }, {}, labels)).toEqual({ node: "a1" });
    expect(place(two, [...old, fresh], {}, {}, labels)).toHaveProperty("node");
  });
});

describe("a pod that is better spread", () => {
  const anyway = { whenUnsatisfiable: "ScheduleAnyway" };

  it("goes where fewer of its kind are when nothing else matters more", () => {
    expect(place(two, placed("a1"), anyway)).toEqual({ node: "b1" });
  });

  it("goes to a crowded place rather than nowhere", () => {
    expect(place([zoned("a1", "a")], placed("a1", "a1"), anyway)).toEqual({ node: "a1" });
  });

  it("goes to a node without the label last", () => {
    expect(place([node("0"), zoned("a1", "a"), zoned("b1", "b")], placed("a1"), anyway)).toEqual({ node: "b1" });
  });
});
