import { describe, expect, it } from "vitest";
import type { Condition, Deployment, ReplicaSet } from "../objects.ts";
import { findCondition } from "../pod-state.ts";
import { deployment, pod, replicaSet, template } from "../test/objects.ts";
import { type DeploymentPlan, planDeployment } from "./plan.ts";
import { templateHash, templateHashLabel } from "./template.ts";

const now = new Date("2026-01-01T01:00:00Z");
const newTemplate = template("switchyard/relay:2.0.0");

function plan(of: Deployment, replicaSets: ReplicaSet[], pods = [] as ReturnType<typeof pod>[]): DeploymentPlan {
  return planDeployment({ deployment: of, replicaSets, podsOf: () => pods, now });
}

function sizes({ update, create }: DeploymentPlan): Record<string, number | undefined> {
  const created = create ? [["new", (create.replicaSet.spec as { replicas: number }).replicas]] : [];
  return Object.fromEntries([...update.map(({ replicaSet: { metadata, spec } }) => [metadata.name, spec.replicas]), ...created]);
}

function annotations(desired: number, max: number, revision = 1): { metadata: object } {
  return {
    metadata: {
      annotations: {
        "deployment.kubernetes.io/desired-replicas": String(desired),
        "deployment.kubernetes.io/max-replicas": String(max),
        "deployment.kubernetes.io/revision": String(revision),
      },
    },
  };
}

const progressing = (reason: string, lastUpdateTime: string, status: Condition["status"] = "True"): Condition => ({
  type: "Progressing",
  status,
  reason,
  lastUpdateTime,
  lastTransitionTime: lastUpdateTime,
});

describe("the first pass over a new deployment", () => {
  const first = plan(
    deployment({ minReadySeconds: 5 }, { metadata: { ...deployment().metadata, annotations: { team: "relay" } } }),
    [],
  );
  const created = first.create?.replicaSet as unknown as ReplicaSet;
  const hash = templateHash(template());

  it("creates its ReplicaSet at full size, named and labelled by the template's hash", () => {
    expect(created.metadata.name).toBe(`relay-${hash}`);
    expect(created.spec).toMatchObject({ replicas: 3, minReadySeconds: 5 });
    expect(created.metadata.labels).toEqual({ app: "relay", [templateHashLabel]: hash });
    expect(created.spec.selector.matchLabels).toEqual({ app: "relay", [templateHashLabel]: hash });
    expect(created.spec.template.metadata?.labels).toEqual({ app: "relay", [templateHashLabel]: hash });
    expect(created.metadata.ownerReferences).toEqual([
      {
        apiVersion: "apps/v1",
        kind: "Deployment",
        name: "relay",
        uid: "deployment-uid",
        controller: true,
        blockOwnerDeletion: true,
      },
    ]);
  });

  it("writes revision 1 and the sizes on it, and copies the deployment's annotations", () => {
    expect(created.metadata.annotations).toEqual({
      team: "relay",
      "deployment.kubernetes.io/revision": "1",
      "deployment.kubernetes.io/desired-replicas": "3",
      "deployment.kubernetes.io/max-replicas": "4",
    });
    expect(first.revision).toBe("1");
  });

  it("says so in an event and in the conditions", () => {
    expect(first.create?.event?.message).toBe(`Scaled up replica set relay-${hash} to 3`);
    expect(findCondition(first.status?.conditions, "Progressing")).toMatchObject({
      status: "True",
      reason: "NewReplicaSetCreated",
      message: `Created new replica set "relay-${hash}"`,
    });
    expect(findCondition(first.status?.conditions, "Available")).toMatchObject({
      status: "False",
      reason: "MinimumReplicasUnavailable",
    });
    expect(first.requeueAfterMs).toBe(601_000);
  });
});

describe("a rolling update", () => {
  const rolling = (replicas: number, maxSurge: number | string, maxUnavailable: number | string) =>
    deployment({
      replicas,
      template: newTemplate,
      strategy: { type: "RollingUpdate", rollingUpdate: { maxSurge, maxUnavailable } },
    });

  it.each([
    // Kubernetes' NewRSNewReplicas: never above replicas + surge in all, never above replicas itself.
    [10, 0, 1, { old: 10 }, 0],
    [10, 2, 0, { old: 10 }, 2],
    [10, "25%", "25%", { old: 10 }, 3],
    [10, 0, 1, { old: 7 }, 3],
    [10, 5, 0, { old: 0 }, 10],
  ])(
    "of %d with surge %s and unavailable %s creates the new ReplicaSet beside %j with %d",
    (replicas, surge, unavailable, { old }, expected) => {
      const oldSet = replicaSet("old", { replicas: old }, annotations(replicas, replicas));
      expect(sizes(plan(rolling(replicas, surge, unavailable), [oldSet])).new).toBe(expected);
    },
  );

  const newSet = (replicas: number, available: number) =>
    replicaSet(
      "newest",
      { replicas, template: newTemplate },
      { ...annotations(10, 12, 2), status: { replicas, readyReplicas: available, availableReplicas: available } },
    );
  const oldSet = (replicas: number, available = replicas) =>
    replicaSet(
      "old",
      { replicas },
      { ...annotations(10, 12), status: { replicas, readyReplicas: available, availableReplicas: available } },
    );

  it.each([
    // [surge, unavailable, old, old available, new, new available, what is written]
    [0, 2, 10, 10, 0, 0, { old: 8 }],
    [2, 0, 10, 10, 2, 0, {}],
    [2, 0, 10, 10, 2, 2, { old: 8 }],
    [2, 0, 8, 8, 2, 2, { newest: 4 }],
    [2, 2, 8, 8, 4, 0, {}],
    [2, 2, 10, 8, 2, 0, { old: 8 }],
    [2, 0, 3, 0, 9, 9, { old: 1 }],
    [0, 2, 1, 1, 10, 10, { old: 0 }],
    [0, 0, 10, 10, 0, 0, { old: 9 }],
  ])(
    "with surge %d, unavailable %d, old %d (%d available), new %d (%d available) writes %j",
    (surge, unavailable, old, oldUp, fresh, freshUp, expected) => {
      const result = sizes(plan(rolling(10, surge, unavailable), [oldSet(old, oldUp), newSet(fresh, freshUp)]));
      expect(result).toEqual(expected);
    },
  );

  it("shrinks the oldest unhealthy ReplicaSet first", () => {
    const older = replicaSet(
      "older",
      { replicas: 4, template: template("a") },
      { ...annotations(10, 12), status: { replicas: 4, availableReplicas: 0 } },
    );
    const result = plan(rolling(10, 2, 2), [older, oldSet(8), newSet(0, 0)]);
    expect(sizes(result)).toEqual({ older: 0 });
    expect(result.update[0]?.event?.message).toBe("Scaled down replica set older to 0 from 4");
  });

  it("goes down one step only: growing comes first", () => {
    const result = plan(rolling(10, 2, 0), [oldSet(8), newSet(3, 3)]);
    expect(sizes(result)).toEqual({ newest: 4 });
    expect(result.update[0]?.event?.message).toBe("Scaled up replica set newest to 4 from 3");
  });
});

describe("recreating", () => {
  const recreate = deployment({ template: newTemplate, strategy: { type: "Recreate" } });

  it("first brings every old ReplicaSet to zero", () => {
    const result = plan(recreate, [replicaSet("old", { replicas: 3 }, annotations(3, 3))]);
    expect(sizes(result)).toEqual({ old: 0 });
    expect(result.create).toBeUndefined();
  });

  it("waits while an old pod still runs", () => {
    const old = replicaSet("old", { replicas: 0 }, { ...annotations(3, 3), status: { replicas: 0 } });
    expect(
      plan(recreate, [old], [pod("last", { metadata: { deletionTimestamp: "2026-01-01T00:59:59Z" } })]).create,
    ).toBeUndefined();
  });

  it("then creates the new one at full size", () => {
    const old = replicaSet("old", { replicas: 0 }, { ...annotations(3, 3), status: { replicas: 0 } });
    expect(sizes(plan(recreate, [old], [pod("ended", { phase: "Failed" })]))).toEqual({ new: 3 });
  });
});

describe("scaling", () => {
  it("gives a settled deployment its new size and notes it", () => {
    const result = plan(deployment({ replicas: 5 }), [replicaSet("only", { replicas: 3 }, annotations(3, 4))]);
    expect(sizes(result)).toEqual({ only: 5 });
    expect(result.update[0]?.replicaSet.metadata.annotations).toMatchObject({
      "deployment.kubernetes.io/desired-replicas": "5",
      "deployment.kubernetes.io/max-replicas": "7",
    });
    expect(result.update[0]?.event?.message).toBe("Scaled up replica set only to 5 from 3");
  });

  it.each([
    // Kubernetes' own table of proportional scaling, surge 3 in numbers, sizes from a deployment of 10 (max 13).
    [15, [8, 5], { newest: 11, old: 7 }],
    [5, [8, 5], { newest: 5, old: 3 }],
    [20, [5, 8], { newest: 9, old: 14 }],
    [0, [8, 5], { newest: 0, old: 0 }],
  ])("in the middle of a rollout to %d keeps the proportions of %j", (replicas, [fresh = 0, old = 0], expected) => {
    const strategy = { type: "RollingUpdate", rollingUpdate: { maxSurge: 3, maxUnavailable: 2 } } as const;
    const sets = [
      replicaSet("newest", { replicas: fresh, template: newTemplate }, annotations(10, 13, 2)),
      replicaSet("old", { replicas: old }, annotations(10, 13)),
    ];
    expect(sizes(plan(deployment({ replicas, template: newTemplate, strategy }), sets))).toEqual(expected);
  });

  it("removes no revision in the middle of a rollout", () => {
    const sets = [
      replicaSet("newest", { replicas: 2, template: newTemplate }, annotations(3, 4, 3)),
      replicaSet("old", { replicas: 2 }, annotations(3, 4, 2)),
      replicaSet("oldest", { replicas: 0, template: template("a") }, annotations(3, 4, 1)),
    ];
    const scaled = deployment({ replicas: 6, revisionHistoryLimit: 0, template: newTemplate });
    expect(plan(scaled, sets).remove).toEqual([]);
  });

  it("acts while paused, without starting a rollout", () => {
    const result = plan(deployment({ replicas: 6, paused: true, template: newTemplate }), [
      replicaSet("old", { replicas: 3 }, annotations(3, 4)),
    ]);
    expect(sizes(result)).toEqual({ old: 6 });
    expect(result.create).toBeUndefined();
    expect(findCondition(result.status?.conditions, "Progressing")).toMatchObject({
      status: "Unknown",
      reason: "DeploymentPaused",
    });
    expect(result.requeueAfterMs).toBeUndefined();
  });
});

describe("revisions", () => {
  it("go up by one with every new template", () => {
    const sets = [
      replicaSet("a", { replicas: 3, template: template("a") }, annotations(3, 4, 4)),
      replicaSet("b", { template: template("b") }, annotations(3, 4, 7)),
    ];
    expect(plan(deployment(), sets).revision).toBe("8");
  });

  it("go up for rolled-back content too, whose ReplicaSet remembers the old number", () => {
    const back = replicaSet("back", { replicas: 0 }, annotations(3, 4, 1));
    const bad = replicaSet("bad", { replicas: 3, template: newTemplate }, annotations(3, 4, 2));
    const result = plan(
      deployment({}, { metadata: { ...deployment().metadata, annotations: { "deployment.kubernetes.io/revision": "2" } } }),
      [back, bad],
    );
    expect(result.create).toBeUndefined();
    expect(result.revision).toBe("3");
    const written = result.update.find(({ replicaSet: { metadata } }) => metadata.name === "back")?.replicaSet;
    expect(written?.metadata.annotations).toMatchObject({
      "deployment.kubernetes.io/revision": "3",
      "deployment.kubernetes.io/revision-history": "1",
    });
    expect(written?.spec.replicas).toBe(1);
  });

  it("are compared as numbers", () => {
    const nine = replicaSet("nine", { replicas: 0 }, annotations(3, 4, 9));
    const ten = replicaSet("ten", { replicas: 3, template: newTemplate }, annotations(3, 4, 10));
    expect(plan(deployment(), [nine, ten]).revision).toBe("11");
  });

  it("do not carry kubectl's own annotations onto the ReplicaSet", () => {
    const annotated = { "kubectl.kubernetes.io/last-applied-configuration": "{}", "kubernetes.io/change-cause": "new image" };
    const result = plan(deployment({}, { metadata: { ...deployment().metadata, annotations: annotated } }), []);
    expect(result.create?.replicaSet.metadata.annotations).toMatchObject({ "kubernetes.io/change-cause": "new image" });
    expect(result.create?.replicaSet.metadata.annotations).not.toHaveProperty("kubectl.kubernetes.io/last-applied-configuration");
  });

  it("beyond the history limit are removed, lowest first, once the rollout is complete", () => {
    const old = [3, 1, 2].map((revision) =>
      replicaSet(`old-${revision}`, { replicas: 0, template: template(`v${revision}`) }, annotations(3, 4, revision)),
    );
    const current = replicaSet("current", { replicas: 3 }, annotations(3, 4, 4));
    const status = { observedGeneration: 1, replicas: 3, updatedReplicas: 3, readyReplicas: 3, availableReplicas: 3 };
    const done = deployment({ revisionHistoryLimit: 1 }, { status });
    expect(plan(done, [...old, current]).remove.map(({ metadata }) => metadata.name)).toEqual(["old-1", "old-2"]);
    const underWay = deployment({ revisionHistoryLimit: 1 }, { status: { ...status, availableReplicas: 2 } });
    expect(plan(underWay, [...old, current]).remove).toEqual([]);
  });
});

describe("progress", () => {
  const underWay = (conditions: Condition[], counts = {}) =>
    deployment(
      { template: newTemplate, progressDeadlineSeconds: 60 },
      {
        status: {
          observedGeneration: 1,
          replicas: 4,
          updatedReplicas: 1,
          readyReplicas: 3,
          availableReplicas: 3,
          conditions,
          ...counts,
        },
      },
    );
  const stuck = [
    replicaSet("old", { replicas: 3 }, annotations(3, 4)),
    replicaSet(
      "newest",
      { replicas: 1, template: newTemplate },
      { ...annotations(3, 4, 2), status: { replicas: 1, readyReplicas: 0, availableReplicas: 0 } },
    ),
  ];

  it.each([
    ["2026-01-01T00:59:30Z", "ReplicaSetUpdated", 31_000],
    ["2026-01-01T00:59:00Z", "ReplicaSetUpdated", 1000],
    ["2026-01-01T00:58:59Z", "ProgressDeadlineExceeded", undefined],
  ])("that last moved at %s is %s", (since, reason, requeueAfterMs) => {
    const of = underWay([progressing("ReplicaSetUpdated", since)]);
    const result = plan(of, stuck);
    const conditions = result.status?.conditions ?? of.status?.conditions;
    expect(findCondition(conditions, "Progressing")?.reason).toBe(reason);
    expect(result.requeueAfterMs).toBe(requeueAfterMs);
  });

  it("names the ReplicaSet that ran out of time", () => {
    const result = plan(underWay([progressing("ReplicaSetUpdated", "2026-01-01T00:00:00Z")]), stuck);
    expect(findCondition(result.status?.conditions, "Progressing")).toMatchObject({
      status: "False",
      message: 'ReplicaSet "newest" has timed out progressing.',
    });
  });

  it("starts the deadline anew with every ready pod, under the same reason", () => {
    const result = plan(
      underWay([progressing("ReplicaSetUpdated", "2026-01-01T00:00:00Z")], { readyReplicas: 2, availableReplicas: 2 }),
      stuck,
    );
    expect(findCondition(result.status?.conditions, "Progressing")).toMatchObject({
      status: "True",
      reason: "ReplicaSetUpdated",
      lastUpdateTime: "2026-01-01T01:00:00Z",
      lastTransitionTime: "2026-01-01T00:00:00Z",
    });
  });

  it("is complete when all pods are of the new template and available, and stays so", () => {
    const done = [replicaSet("newest", { replicas: 3, template: newTemplate }, annotations(3, 4, 2))];
    const result = plan(underWay([progressing("ReplicaSetUpdated", "2026-01-01T00:59:59Z")]), done);
    expect(findCondition(result.status?.conditions, "Progressing")).toMatchObject({
      reason: "NewReplicaSetAvailable",
      message: 'ReplicaSet "newest" has successfully progressed.',
    });
    const hour = plan(
      underWay([progressing("NewReplicaSetAvailable", "2025-01-01T00:00:00Z")], { replicas: 3, updatedReplicas: 3 }),
      [
        replicaSet(
          "newest",
          { replicas: 3, template: newTemplate },
          { ...annotations(3, 4, 2), status: { replicas: 3, readyReplicas: 0, availableReplicas: 0 } },
        ),
      ],
    );
    expect(findCondition(hour.status?.conditions, "Progressing")?.reason).toBe("NewReplicaSetAvailable");
  });

  it("is not held against a rollout that was paused", () => {
    const resumed = plan(underWay([progressing("DeploymentPaused", "2026-01-01T00:00:00Z", "Unknown")]), stuck);
    expect(findCondition(resumed.status?.conditions, "Progressing")).toMatchObject({
      status: "Unknown",
      reason: "DeploymentResumed",
      lastUpdateTime: "2026-01-01T01:00:00Z",
    });
  });

  it("is not watched without a deadline", () => {
    const result = plan(deployment({ template: newTemplate, progressDeadlineSeconds: 2 ** 31 - 1 }), stuck);
    expect(findCondition(result.status?.conditions, "Progressing")).toBeUndefined();
  });

  it("tells of pods that could not be created", () => {
    const failure: Condition = {
      type: "ReplicaFailure",
      status: "True",
      reason: "FailedCreate",
      message: "quota",
      lastTransitionTime: "2026-01-01T00:00:00Z",
    };
    const sets = [
      replicaSet(
        "newest",
        { replicas: 3, template: newTemplate },
        { ...annotations(3, 4, 2), status: { conditions: [failure], replicas: 0 } },
      ),
    ];
    expect(findCondition(plan(underWay([]), sets).status?.conditions, "ReplicaFailure")).toMatchObject({
      reason: "FailedCreate",
      message: "quota",
    });
  });
});

describe("a pass that finds everything done", () => {
  it("writes nothing", () => {
    const set = replicaSet("only", { replicas: 3, minReadySeconds: 0 }, annotations(3, 4));
    const before = deployment();
    const first = plan(before, [set]);
    const after = {
      ...before,
      metadata: { ...before.metadata, annotations: { "deployment.kubernetes.io/revision": "1" } },
      status: first.status,
    };
    expect(plan(after, [set])).toEqual({ update: [], remove: [], requeueAfterMs: undefined });
  });
});

describe("templates", () => {
  it("are the same whatever their hash label and the order of their fields", () => {
    const left = {
      spec: { containers: [{ image: "x", name: "relay" }] },
      metadata: { labels: { app: "relay", [templateHashLabel]: "abc" } },
    };
    expect(
      plan(deployment({ template: template("x") }), [replicaSet("same", { replicas: 3, template: left }, annotations(3, 4))])
        .create,
    ).toBeUndefined();
  });

  it("differ when an empty volume becomes none, and hash to letters that spell nothing", () => {
    const withVolume = { ...template(), spec: { ...template().spec, volumes: [{ name: "data", emptyDir: {} }] } };
    const without = { ...template(), spec: { ...template().spec, volumes: [{ name: "data" }] } };
    expect(templateHash(withVolume)).not.toBe(templateHash(without));
    expect(templateHash(withVolume)).toMatch(/^[bcdfghjklmnpqrstvwxz2456789]+$/);
    expect(templateHash(withVolume, 1)).not.toBe(templateHash(withVolume));
  });
});
