import { describe, expect, it } from "vitest";
import { controllerReference } from "../owners.ts";
import { type PodOptions, pod, replicaSet } from "../test/objects.ts";
import { planReplicaSet, planStatus } from "./plan.ts";

const now = new Date("2026-01-02T00:00:00Z");
const set = replicaSet("relay-abc", { replicas: 2 });
const world = { replicaSet: set, owned: [], orphans: [], related: [], now };
const names = (pods: readonly { metadata: { name: string } }[]) => pods.map(({ metadata }) => metadata.name);

describe("the number of pods", () => {
  it("is filled up", () => expect(planReplicaSet({ ...world, owned: [pod("a")] }).create).toBe(1));

  it("does not count pods that ended or are being deleted", () => {
    const owned = [
      pod("failed", { phase: "Failed" }),
      pod("leaving", { metadata: { deletionTimestamp: "2026-01-01T23:59:00Z" } }),
    ];
    expect(planReplicaSet({ ...world, owned }).create).toBe(2);
  });

  it("is changed by 500 in one pass at most", () => {
    expect(planReplicaSet({ ...world, replicaSet: replicaSet("big", { replicas: 2000 }) }).create).toBe(500);
  });

  it("is left alone once the ReplicaSet is being deleted", () => {
    const deleting = replicaSet("relay-abc", { replicas: 2 }, { metadata: { deletionTimestamp: "2026-01-01T00:00:00Z" } });
    expect(planReplicaSet({ ...world, replicaSet: deleting, orphans: [pod("o")] })).toEqual({
      adopt: [],
      release: [],
      create: 0,
      remove: [],
    });
  });
});

describe("ownership", () => {
  it("takes in matching pods without a controller, which then count", () => {
    const plan = planReplicaSet({ ...world, orphans: [pod("mine"), pod("other", { labels: { app: "hub" } })] });
    expect(names(plan.adopt)).toEqual(["mine"]);
    expect(plan.create).toBe(1);
  });

  it("lets a pod go whose labels no longer match, and replaces it", () => {
    const relabelled = pod("debug", { labels: { app: "debug" }, metadata: { ownerReferences: [controllerReference(set)] } });
    const plan = planReplicaSet({ ...world, owned: [relabelled, pod("a")] });
    expect(names(plan.release)).toEqual(["debug"]);
    expect(plan.create).toBe(1);
  });
});

describe("the pod that is deleted first", () => {
  const running: PodOptions = { node: "node-1" };
  it.each<[string, PodOptions, PodOptions]>([
    ["has no node", {}, { ...running, readySince: false, phase: "Pending" }],
    ["is pending", { node: "node-1", phase: "Pending" }, { node: "node-1", phase: "Unknown" }],
    ["is of unknown phase", { node: "node-1", phase: "Unknown" }, { ...running, readySince: false }],
    ["is not ready", { ...running, readySince: false }, running],
    ["costs least", { ...running, metadata: { annotations: { "controller.kubernetes.io/pod-deletion-cost": "-5" } } }, running],
    ["shares its node with most of its kind", { node: "crowded" }, { node: "empty" }],
    ["became ready last", { ...running, readySince: "2026-01-01T23:00:00Z" }, running],
    ["restarted most", { ...running, restarts: 3 }, running],
    ["is youngest", { ...running, metadata: { creationTimestamp: "2026-01-01T23:59:00Z" } }, running],
  ])("%s", (_, first, second) => {
    const related = [pod("x", { node: "crowded" }), pod("y", { node: "crowded" }), pod("z", { node: "empty" })];
    const one = replicaSet("relay-abc", { replicas: 1 });
    for (const owned of [
      [pod("b-first", first), pod("a-second", second)],
      [pod("a-second", second), pod("b-first", first)],
    ]) {
      expect(names(planReplicaSet({ ...world, replicaSet: one, owned, related }).remove)).toEqual(["b-first"]);
    }
  });
});

describe("the status", () => {
  it("counts ready, available and fully labelled pods", () => {
    const labelled = replicaSet("relay-abc", {
      replicas: 3,
      minReadySeconds: 60,
      template: { metadata: { labels: { app: "relay", tier: "edge" } }, spec: { containers: [] } },
    });
    const owned = [
      pod("old", { labels: { app: "relay", tier: "edge" }, readySince: "2026-01-01T00:00:00Z" }),
      pod("fresh", { readySince: "2026-01-01T23:59:20Z" }),
      pod("starting", { readySince: false }),
    ];
    const { status, requeueAfterMs } = planStatus({ replicaSet: labelled, owned, now });
    expect(status).toEqual({
      replicas: 3,
      fullyLabeledReplicas: 1,
      readyReplicas: 2,
      availableReplicas: 1,
      observedGeneration: 1,
    });
    expect(requeueAfterMs).toBe(20_000);
  });

  it("is not written when it stays the same", () => {
    const { status } = planStatus({ replicaSet: set, owned: [], now });
    const settled = { ...set, status };
    expect(planStatus({ replicaSet: settled, owned: [], now })).toEqual({});
  });

  it("keeps a failure until a pass succeeds", () => {
    const failure = { reason: "FailedCreate", message: "quota" } as const;
    const { status } = planStatus({ replicaSet: set, owned: [], failure, now });
    expect(status?.conditions).toMatchObject([
      { type: "ReplicaFailure", status: "True", reason: "FailedCreate", message: "quota" },
    ]);
    const failed = { ...set, status };
    expect(planStatus({ replicaSet: failed, owned: [], failure, now }).status).toBeUndefined();
    expect(planStatus({ replicaSet: failed, owned: [], now }).status?.conditions).toBeUndefined();
  });
});
