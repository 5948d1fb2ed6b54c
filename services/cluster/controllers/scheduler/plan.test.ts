import { describe, expect, it } from "vitest";
import type { Node, Pod } from "../objects.ts";
import { node, type PodOptions, pod } from "../test/objects.ts";
import type { PersistentVolume, VolumeClaim } from "../volumes/types.ts";
import { ClusterState } from "./cluster-state.ts";
import { placePod } from "./plan.ts";
import { podRequests } from "./requests.ts";

function snapshot(nodes: Node[], pods: Pod[] = []): ClusterState {
  const state = new ClusterState((name) => ({ "kubernetes.io/metadata.name": name }));
  for (const one of nodes) state.setNode(one);
  for (const one of pods) if (one.spec.nodeName) state.place(one, one.spec.nodeName);
  return state;
}

const three = [node("node-1"), node("node-2"), node("node-3")];
const pending = (spec: object = {}, options: PodOptions = {}) => pod("new", { ...options, spec });
const asking = (requests: Record<string, string>) => ({ containers: [{ name: "relay", resources: { requests } }] });
const apart = (topologyKey = "kubernetes.io/hostname") => ({
  requiredDuringSchedulingIgnoredDuringExecution: [{ labelSelector: { matchLabels: { app: "relay" } }, topologyKey }],
});

describe("a pod that fits nowhere", () => {
  it.each<[string, object, Node[], string]>([
    ["has no node", {}, [], "no nodes available to schedule pods"],
    ["asks for too much cpu", asking({ cpu: "3" }), three, "0/3 nodes are available: 3 Insufficient cpu."],
    [
      "asks for too much of both",
      asking({ cpu: "3", memory: "8Gi" }),
      three,
      "0/3 nodes are available: 3 Insufficient cpu, 3 Insufficient memory.",
    ],
    [
      "asks for a device that no node has",
      asking({ "example.com/gpu": "1" }),
      three,
      "0/3 nodes are available: 3 Insufficient example.com/gpu.",
    ],
    [
      "meets full nodes",
      {},
      [node("a", { allocatable: { cpu: "1", memory: "1Gi", pods: "0" } })],
      "0/1 nodes are available: 1 Too many pods.",
    ],
    [
      "meets cordons, taints and wrong labels",
      { nodeSelector: { disk: "ssd" } },
      [
        node("a", { spec: { unschedulable: true } }),
        node("b", { spec: { taints: [{ key: "dedicated", value: "db", effect: "NoSchedule" }] } }),
        node("c"),
      ],
      "0/3 nodes are available: 1 node(s) didn't match Pod's node affinity/selector, 1 node(s) had untolerated taint {dedicated: db}, 1 node(s) were unschedulable.",
    ],
    [
      "meets a node that is not ready",
      {},
      [node("a", { ready: "False" })],
      "0/1 nodes are available: 1 node(s) had untolerated taint {node.kubernetes.io/not-ready: }.",
    ],
  ])("because it %s is told so in kube-scheduler's words", (_, spec, nodes, message) => {
    expect(placePod(pending(spec), snapshot(nodes))).toEqual({ message });
  });

  it("for a required anti-affinity says so", () => {
    const placed = three.map(({ metadata }) => pod(`on-${metadata.name}`, { node: metadata.name }));
    expect(placePod(pending({ affinity: { podAntiAffinity: apart() } }), snapshot(three, placed))).toEqual({
      message: "0/3 nodes are available: 3 node(s) didn't match pod anti-affinity rules.",
    });
  });

  it("for another pod's anti-affinity says so", () => {
    const guard = pod("guard", { node: "node-1", spec: { affinity: { podAntiAffinity: apart() } } });
    expect(placePod(pending(), snapshot([node("node-1")], [guard]))).toEqual({
      message: "0/1 nodes are available: 1 node(s) didn't satisfy existing pods anti-affinity rules.",
    });
  });
});

describe("a node takes a pod", () => {
  it.each<[string, object, Node[], string]>([
    ["whose selector it matches", { nodeSelector: { disk: "ssd" } }, [node("a"), node("b", { labels: { disk: "ssd" } })], "b"],
    [
      "that tolerates its taint",
      { tolerations: [{ key: "dedicated", operator: "Exists" }] },
      [node("a", { spec: { taints: [{ key: "dedicated", effect: "NoSchedule" }] } })],
      "a",
    ],
    [
      "that would rather avoid its taint, when it is the only one",
      {},
      [node("a", { spec: { taints: [{ key: "old", effect: "PreferNoSchedule" }] } })],
      "a",
    ],
    [
      "before one with a soft taint",
      {},
      [node("a", { spec: { taints: [{ key: "old", effect: "PreferNoSchedule" }] } }), node("b")],
      "b",
    ],
    [
      "that requires its labels by expression",
      {
        affinity: {
          nodeAffinity: {
            requiredDuringSchedulingIgnoredDuringExecution: {
              nodeSelectorTerms: [{ matchExpressions: [{ key: "cpus", operator: "Gt", values: ["4"] }] }],
            },
          },
        },
      },
      [node("a", { labels: { cpus: "4" } }), node("b", { labels: { cpus: "8" } })],
      "b",
    ],
    [
      "that prefers its labels",
      {
        affinity: {
          nodeAffinity: {
            preferredDuringSchedulingIgnoredDuringExecution: [
              { weight: 10, preference: { matchExpressions: [{ key: "disk", operator: "In", values: ["ssd"] }] } },
            ],
          },
        },
      },
      [node("a"), node("b", { labels: { disk: "ssd" } })],
      "b",
    ],
  ])("%s", (_, spec, nodes, expected) => expect(placePod(pending(spec), snapshot(nodes))).toEqual({ node: expected }));

  it("whose devices are not all taken", () => {
    const gpu = asking({ "example.com/gpu": "1" });
    const nodes = ["a", "b"].map((name) => node(name, { allocatable: { cpu: "2", memory: "4Gi", "example.com/gpu": "1" } }));
    expect(placePod(pending(gpu), snapshot(nodes, [pod("there", { node: "a", spec: gpu })]))).toEqual({ node: "b" });
  });

  it("exactly up to its capacity", () => {
    const existing = pod("there", { node: "a", spec: asking({ cpu: "1500m" }) });
    const small = [node("a")];
    expect(placePod(pending(asking({ cpu: "500m" })), snapshot(small, [existing]))).toEqual({ node: "a" });
    expect(placePod(pending(asking({ cpu: "501m" })), snapshot(small, [existing]))).toHaveProperty("message");
  });
});

describe("of several nodes", () => {
  const ownerReferences = [{ apiVersion: "apps/v1", kind: "ReplicaSet", name: "relay-abc", uid: "set", controller: true }];

  it("the one with the fewest pods of the same owner is taken", () => {
    const placed = [
      pod("a", { node: "node-1", metadata: { ownerReferences } }),
      pod("b", { node: "node-3", metadata: { ownerReferences } }),
    ];
    expect(placePod(pending({}, { metadata: { ownerReferences } }), snapshot(three, placed))).toEqual({ node: "node-2" });
  });

  it("the least loaded one is taken otherwise", () => {
    const placed = [
      pod("a", { node: "node-1", spec: asking({ cpu: "1" }) }),
      pod("b", { node: "node-2", spec: asking({ cpu: "500m" }) }),
      pod("c", { node: "node-3", spec: asking({ cpu: "1500m" }) }),
    ];
    expect(placePod(pending(asking({ cpu: "100m" })), snapshot(three, placed))).toEqual({ node: "node-2" });
  });

  it("the one near a wanted pod is taken", () => {
    const podAffinity = {
      requiredDuringSchedulingIgnoredDuringExecution: [
        { labelSelector: { matchLabels: { app: "hub" } }, topologyKey: "kubernetes.io/hostname" },
      ],
    };
    const hub = pod("hub", { node: "node-3", labels: { app: "hub" } });
    expect(placePod(pending({ affinity: { podAffinity } }), snapshot(three, [hub]))).toEqual({ node: "node-3" });
    expect(placePod(pending({ affinity: { podAffinity } }), snapshot(three))).toHaveProperty("message");
  });

  it("the first pod of a group that wants to be together may go anywhere", () => {
    expect(placePod(pending({ affinity: { podAffinity: apart() } }), snapshot(three))).toHaveProperty("node");
  });

  it("a preferred distance counts, in zones too", () => {
    const zones = [
      node("a", { labels: { zone: "east" } }),
      node("b", { labels: { zone: "east" } }),
      node("c", { labels: { zone: "west" } }),
    ];
    const podAntiAffinity = {
      preferredDuringSchedulingIgnoredDuringExecution: [
        { weight: 100, podAffinityTerm: { labelSelector: { matchLabels: { app: "relay" } }, topologyKey: "zone" } },
      ],
    };
    expect(placePod(pending({ affinity: { podAntiAffinity } }), snapshot(zones, [pod("x", { node: "a" })]))).toEqual({
      node: "c",
    });
  });

  it("pods of other namespaces do not count for a term without namespaces", () => {
    const elsewhere = pod("x", { node: "node-1", metadata: { namespace: "other" } });
    expect(placePod(pending({ affinity: { podAntiAffinity: apart() } }), snapshot([node("node-1")], [elsewhere]))).toEqual({
      node: "node-1",
    });
  });
});

describe("a pod that takes ports of its node", () => {
  const listening = (hostPort: number, hostIP?: string) => ({
    containers: [{ name: "main", ports: [{ containerPort: hostPort, hostPort, hostIP }] }],
  });
  const there = pod("there", { node: "node-1", spec: listening(80) });

  it("goes where they are free", () => {
    expect(placePod(pending(listening(80)), snapshot(three, [there]))).toEqual({ node: "node-2" });
    expect(placePod(pending(listening(81)), snapshot([node("node-1")], [there]))).toEqual({ node: "node-1" });
  });

  it("goes nowhere when they are taken on every address that it wants", () => {
    const message = "0/1 nodes are available: 1 node(s) didn't have free ports for the requested pod ports.";
    expect(placePod(pending(listening(80, "127.0.0.1")), snapshot([node("node-1")], [there]))).toEqual({ message });
    const local = pod("local", { node: "node-1", spec: listening(80, "127.0.0.2") });
    expect(placePod(pending(listening(80)), snapshot([node("node-1")], [local]))).toEqual({ message });
    expect(placePod(pending(listening(80, "127.0.0.1")), snapshot([node("node-1")], [local]))).toEqual({ node: "node-1" });
  });
});

describe("a pod with claims", () => {
  const claiming = pending({ volumes: [{ name: "data", persistentVolumeClaim: { claimName: "data" } }] });
  const claim = (status: object, metadata = {}) =>
    ({ metadata, spec: { volumeName: "volume" }, status }) as unknown as VolumeClaim;
  const volume = (terms?: object[]) =>
    ({ spec: terms ? { nodeAffinity: { required: { nodeSelectorTerms: terms } } } : {} }) as unknown as PersistentVolume;
  const place = (found: VolumeClaim | undefined, of = volume()) =>
    placePod(claiming, snapshot(three), { findClaim: () => found, findVolume: () => of });
  const onlyOn = (name: string) =>
    volume([{ matchExpressions: [{ key: "kubernetes.io/hostname", operator: "In", values: [name] }] }]);

  it.each([
    ["that is not there", undefined, 'persistentvolumeclaim "data" not found'],
    ["that has no volume yet", claim({ phase: "Pending" }), "pod has unbound immediate PersistentVolumeClaims"],
    [
      "that is being deleted",
      claim({ phase: "Bound" }, { deletionTimestamp: "2026" }),
      'persistentvolumeclaim "data" is being deleted',
    ],
  ])("waits for one %s", (_, found, reason) => {
    expect(place(found)).toEqual({ message: `0/3 nodes are available: ${reason}.` });
  });

  it("goes where its volume is", () => {
    expect(place(claim({ phase: "Bound" }), onlyOn("node-3"))).toEqual({ node: "node-3" });
    expect(place(claim({ phase: "Bound" }), onlyOn("node-9"))).toEqual({
      message: "0/3 nodes are available: 3 node(s) had volume node affinity conflict.",
    });
  });
});

describe("what a pod requests", () => {
  it.each([
    [
      {
        containers: [
          { name: "a", resources: { requests: { cpu: "100m" } } },
          { name: "b", resources: { requests: { cpu: "200m" } } },
        ],
      },
      300,
    ],
    [{ containers: [{ name: "a", resources: { limits: { cpu: "400m" } } }] }, 400],
    [
      {
        containers: [{ name: "a", resources: { requests: { cpu: "100m" } } }],
        initContainers: [{ name: "i", resources: { requests: { cpu: "250m" } } }],
      },
      250,
    ],
    [
      {
        containers: [{ name: "a", resources: { requests: { cpu: "100m" } } }],
        initContainers: [{ name: "s", restartPolicy: "Always", resources: { requests: { cpu: "50m" } } }],
      },
      150,
    ],
    [{ containers: [{ name: "a" }], overhead: { cpu: "10m" } }, 10],
  ])("%j is %d thousandths of a core", (spec, expected) => expect(podRequests(pending(spec)).cpu).toBe(expected));
});
