import { describe, expect, it } from "vitest";
import type { Pod } from "../objects.ts";
import { node, pod } from "../test/objects.ts";
import { ClusterState } from "./cluster-state.ts";
import { placePod } from "./plan.ts";

const labelSelector = { matchLabels: { app: "relay" } };
const hostname = "kubernetes.io/hostname";
const requests = { cpu: "100m", memory: "64Mi" };

function demanding(name: string, app = "relay"): Pod {
  const spec = {
    containers: [{ name: "main", resources: { requests } }],
    topologySpreadConstraints: [{ maxSkew: 2, topologyKey: "zone", whenUnsatisfiable: "DoNotSchedule", labelSelector }],
    affinity: {
      podAntiAffinity: {
        preferredDuringSchedulingIgnoredDuringExecution: [
          { weight: 10, podAffinityTerm: { labelSelector, topologyKey: hostname } },
        ],
      },
    },
  };
  return pod(name, { labels: { app }, spec });
}

function stateWith(nodeCount: number): ClusterState {
  const state = new ClusterState(() => undefined);
  for (let index = 0; index < nodeCount; index += 1) {
    const name = `node-${String(index).padStart(3, "0")}`;
    const allocatable = { cpu: "64", memory: "64Gi", pods: "250" };
    state.setNode(node(name, { labels: { zone: `zone-${index % 3}` }, allocatable }));
  }
  return state;
}

function placeNext(state: ClusterState, next: Pod): string {
  const placement = placePod(next, state);
  if ("message" in placement) throw new Error(placement.message);
  state.place({ ...next, spec: { ...next.spec, nodeName: placement.node } }, placement.node);
  return placement.node;
}

describe("the scheduler's picture of the cluster", () => {
  it("is the same whether it followed changes or was made from the pods that are left", () => {
    const followed = stateWith(6);
    const left = new Map<string, { pod: Pod; node: string }>();
    for (let index = 0; index < 60; index += 1) {
      const next = demanding(`p${index}`, index % 4 === 0 ? "edge" : "relay");
      left.set(next.metadata.uid, { pod: next, node: placeNext(followed, next) });
      const [oldest] = left.keys();
      if (index % 3 === 0 && oldest) {
        left.delete(oldest);
        followed.remove(oldest);
      }
    }
    const fresh = stateWith(6);
    for (const { pod: one, node: name } of left.values()) fresh.place(one, name);
    for (const name of ["x", "y", "z"]) {
      expect(placeNext(followed, demanding(name))).toBe(placeNext(fresh, demanding(name)));
    }
    const amounts = (state: ClusterState) => state.nodes.map(({ load }) => load.requested);
    expect(amounts(followed)).toEqual(amounts(fresh));
  });

  it("spreads pods evenly over hosts and zones", () => {
    const state = stateWith(6);
    const counts = new Map<string, number>();
    for (let index = 0; index < 30; index += 1) {
      const name = placeNext(state, demanding(`p${index}`));
      counts.set(name, (counts.get(name) ?? 0) + 1);
    }
    expect([...counts.values()]).toEqual(Array(6).fill(5));
  });

  it("forgets a pod that has gone, and counts one once however often it changes", () => {
    const state = stateWith(1);
    const one = demanding("one");
    state.place(one, "node-000");
    state.place({ ...one, metadata: { ...one.metadata, labels: { app: "edge" } } }, "node-000");
    expect(state.nodes[0]?.load.requested).toMatchObject({ cpu: 100, memory: 64 * 2 ** 20, pods: 1 });
    state.remove(one.metadata.uid);
    state.remove(one.metadata.uid);
    expect(state.nodes[0]?.load.requested).toMatchObject({ cpu: 0, memory: 0, pods: 0 });
  });

  it("counts the pods of a node that is not known yet", () => {
    const state = new ClusterState(() => undefined);
    state.place(demanding("early"), "late");
    state.setNode(node("late"));
    expect(state.nodes[0]?.load.requested.pods).toBe(1);
  });

  it("looks at no placed pod to place another one, so that the cost stays as the cluster grows", () => {
    const state = stateWith(10);
    let looks = 0;
    for (let index = 0; index < 50; index += 1) {
      const one = demanding(`p${index}`);
      const { labels } = one.metadata;
      const metadata = Object.defineProperty({ ...one.metadata }, "labels", {
        get() {
          looks += 1;
          return labels;
        },
      });
      state.place({ ...one, metadata }, `node-00${index % 10}`);
    }
    placeNext(state, demanding("first of its kind"));
    expect(looks).toBeGreaterThan(50);
    looks = 0;
    placeNext(state, demanding("second"));
    expect(looks).toBe(0);
  });
});
