import { describe, expect, it } from "vitest";
import { node } from "../test/objects.ts";
import { desiredTaints, unknownConditions } from "./plan.ts";

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
