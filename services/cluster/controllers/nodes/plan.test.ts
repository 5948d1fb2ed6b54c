import { describe, expect, it } from "vitest";
import type { Node } from "../objects.ts";
import { node } from "../test/objects.ts";
import { desiredTaints, unknownConditions } from "./plan.ts";
import { type EvictionMode, evictionMode } from "./zones.ts";

const now = new Date("2026-01-01T01:00:00Z");
const keys = (of: ReturnType<typeof node>) => desiredTaints(of, now)?.map(({ key, effect }) => `${key}:${effect}`);

describe("a silent node", () => {
  it("turns unknown in all of its conditions, since now", () => {
    const conditions = unknownConditions(node("a"), now) ?? [];
    expect(conditions.map(({ type, status, reason }) => [type, status, reason])).toEqual([
      ["Ready", "Unknown", "NodeStatusUnknown"],
      ["MemoryPressure", "Unknown", "NodeStatusNeverUpdated"],
      ["DiskPressure", "Unknown", "NodeStatusNeverUpdated"],
      ["PIDPressure", "Unknown", "NodeStatusNeverUpdated"],
    ]);
    expect(conditions[0]).toMatchObject({
      message: "Kubelet stopped posting node status.",
      lastTransitionTime: "2026-01-01T01:00:00Z",
    });
  });

  it("is marked once", () => {
    const silent = node("a");
    const marked = { ...silent, status: { ...silent.status, conditions: unknownConditions(silent, now) } };
    expect(unknownConditions(marked, new Date("2026-01-01T02:00:00Z"))).toBeUndefined();
  });
});

describe("taints", () => {
  it.each([
    ["of a ready node are none", node("a"), undefined],
    [
      "of an unready node",
      node("a", { ready: "False" }),
      ["node.kubernetes.io/not-ready:NoSchedule", "node.kubernetes.io/not-ready:NoExecute"],
    ],
    [
      "of an unknown node",
      node("a", { ready: "Unknown" }),
      ["node.kubernetes.io/unreachable:NoSchedule", "node.kubernetes.io/unreachable:NoExecute"],
    ],
    ["of a cordoned node", node("a", { spec: { unschedulable: true } }), ["node.kubernetes.io/unschedulable:NoSchedule"]],
    [
      "of a node that is short of memory",
      node("a", { conditions: [{ type: "MemoryPressure", status: "True" }] }),
      ["node.kubernetes.io/memory-pressure:NoSchedule"],
    ],
    [
      "go when the node is back, and other people's stay",
      node("a", {
        spec: {
          taints: [
            { key: "node.kubernetes.io/unreachable", effect: "NoExecute" },
            { key: "db", effect: "NoSchedule" },
          ],
        },
      }),
      ["db:NoSchedule"],
    ],
  ])("%s", (_, of, expected) => expect(keys(of)).toEqual(expected));
});

describe("the eviction from lost nodes", () => {
  const lost = (name: string, zone = "a") => node(name, { ready: "Unknown", labels: { "topology.kubernetes.io/zone": zone } });
  const fine = (name: string, zone = "a") => node(name, { labels: { "topology.kubernetes.io/zone": zone } });

  it.each([
    ["goes on while one node of three is left", [lost("1"), lost("2"), fine("3")], "evict"],
    ["stops when no node at all is ready", [lost("1"), lost("2")], "lift"],
    ["stops for further nodes when more than half of a zone is lost", [lost("1"), lost("2"), lost("3"), fine("4")], "hold"],
    ["goes on when a whole zone is lost and another one is not", [lost("1"), lost("2"), lost("3"), fine("4", "b")], "evict"],
  ])("%s", (_, nodes, expected) => expect(evictionMode(nodes[0] ?? lost("1"), nodes)).toBe(expected));

  it("taints nothing new while it is held, and lifts taints when every node is lost", () => {
    const effects = (of: Node, mode: EvictionMode) =>
      (desiredTaints(of, now, mode) ?? of.spec?.taints)?.map(({ effect }) => effect);
    const unreachable = { key: "node.kubernetes.io/unreachable" };
    const tainted = node("a", {
      ready: "Unknown",
      spec: {
        taints: [
          { ...unreachable, effect: "NoSchedule" },
          { ...unreachable, effect: "NoExecute" },
        ],
      },
    });
    expect(effects(lost("a"), "hold")).toEqual(["NoSchedule"]);
    expect(effects(tainted, "hold")).toEqual(["NoSchedule", "NoExecute"]);
    expect(effects(tainted, "lift")).toEqual(["NoSchedule"]);
  });
});
