import { describe, expect, test } from "vitest";
import type { Workload } from "#lib/kubernetes/objects.ts";
import { describeService } from "../fleet/describe.ts";
import { controllerRevision, deployment, pod, replicaSet, statefulSet, trouble } from "../fleet/test-objects.ts";
import { type Found, judgeProgress } from "./progress.ts";

const rolledOut = {
  change: "image",
  workloadUid: "deployment-relay",
  targetGeneration: 2,
  toRevision: null as number | null,
  toReplicas: 3,
  toVersion: "2.1.0",
};
const conditions = [{ type: "Progressing", status: "True", reason: "ReplicaSetUpdated" }];

function moving(status: NonNullable<Workload["status"]>, options: Parameters<typeof deployment>[0] = {}): Workload {
  const made = deployment({ generation: 2, conditions, ...options, status: { observedGeneration: 2, ...status } });
  return { ...made, metadata: { ...made.metadata, annotations: { "deployment.kubernetes.io/revision": "2" } } };
}

/** What the controller finds: the workload, with one new pod where its container's state is given. */
function found(workload: Workload, container?: Parameters<typeof pod>[2]): Found {
  const revisions = [replicaSet(workload, { revision: 2 })];
  const pods = container ? revisions.map((revision) => pod(revision, "new", container)) : [];
  const { instances } = describeService({ workload, revisions, pods }, { now: new Date(), staleSince: null });
  return { workload, revisions, instances };
}

describe("a rollout of the template", () => {
  test("goes through kubectl's steps to its end", () => {
    const messages = [
      moving({ observedGeneration: 1 }),
      moving({ replicas: 4, updatedReplicas: 1, availableReplicas: 3 }),
      moving({ replicas: 4, updatedReplicas: 3, availableReplicas: 3 }),
      moving({ replicas: 3, updatedReplicas: 3, availableReplicas: 2 }),
      moving({}),
    ].map((of) => judgeProgress(rolledOut, found(of)));
    expect(messages.map(({ state, message }) => `${state}: ${message}`)).toEqual([
      "progressing: Waiting for the cluster to take up the change.",
      "progressing: 1 of 3 instances are updated.",
      "progressing: 1 old instance is ending.",
      "progressing: 2 of 3 updated instances are available.",
      "complete: All 3 instances are available.",
    ]);
    expect(messages.map(({ toRevision }) => toRevision)).toEqual([null, 2, 2, 2, 2]);
  });

  test("names the image that cannot be pulled while it waits, and when it fails", () => {
    const stuck = { replicas: 4, updatedReplicas: 1, availableReplicas: 3 };
    const of = moving(stuck);
    const message = judgeProgress(rolledOut, found(of, { container: trouble.imagePull })).message;
    expect(message).toBe(
      '1 of 3 instances are updated; 1 instance is in ImagePullBackOff: Back-off pulling image "switchyard/relay:9.9.9".',
    );
    const late = moving(stuck, { conditions: [{ type: "Progressing", status: "False", reason: "ProgressDeadlineExceeded" }] });
    const failed = judgeProgress(rolledOut, found(late, { container: trouble.imagePull }));
    expect(failed.state).toBe("failed");
    expect(failed.message).toContain("switchyard/relay:9.9.9");
  });

  test("is paused while its Deployment is, and superseded by another revision", () => {
    expect(judgeProgress(rolledOut, found(moving({ updatedReplicas: 1, replicas: 4 }, { paused: true })))).toMatchObject({
      state: "paused",
      message: "Paused with 1 of 3 updated.",
    });
    expect(judgeProgress({ ...rolledOut, toRevision: 1 }, found(moving({})))).toMatchObject({
      state: "superseded",
      message: "Replaced by revision 2.",
    });
  });

  test("has failed when its workload is gone or was made anew", () => {
    expect(judgeProgress(rolledOut, null)).toMatchObject({ state: "failed", message: "The workload was deleted." });
    expect(judgeProgress({ ...rolledOut, workloadUid: "before" }, found(moving({})))).toMatchObject({ state: "failed" });
  });
});

describe("a scale", () => {
  const scaled = { ...rolledOut, change: "scale", toReplicas: 5 };

  test("is complete when all instances are there, up or down", () => {
    expect(judgeProgress(scaled, found(moving({ availableReplicas: 3 }, { replicas: 5 })))).toMatchObject({
      state: "progressing",
      message: "3 of 5 instances are available.",
    });
    expect(judgeProgress(scaled, found(moving({}, { replicas: 5 })))).toMatchObject({ state: "complete", toRevision: null });
    expect(judgeProgress({ ...scaled, toReplicas: 0 }, found(moving({ replicas: 2 }, { replicas: 0 })))).toMatchObject({
      state: "progressing",
    });
    expect(judgeProgress({ ...scaled, toReplicas: 0 }, found(moving({}, { replicas: 0 })))).toMatchObject({
      state: "complete",
      message: "Scaled to 0.",
    });
  });

  test("is superseded by another number, not by another revision", () => {
    expect(judgeProgress(scaled, found(moving({}, { replicas: 4 })))).toMatchObject({
      state: "superseded",
      message: "Scaled again, to 4.",
    });
    expect(judgeProgress({ ...scaled, toRevision: 1 }, found(moving({}, { replicas: 5 })))).toMatchObject({ state: "complete" });
  });
});

describe("a rollout of a StatefulSet", () => {
  const followed = { ...rolledOut, workloadUid: "statefulset-redis", toReplicas: 1, toVersion: "7.2" };
  const judge = (status: Workload["status"]) => {
    const workload = statefulSet({ image: "redis:7.2", generation: 2, status: { updateRevision: "redis-hash2", ...status } });
    const revisions = [
      controllerRevision(workload, { revision: 1, image: "redis:7.0" }),
      controllerRevision(workload, { revision: 2 }),
    ];
    return judgeProgress(followed, { workload, revisions, instances: [] });
  };

  test("is complete when nothing of the revision before is left", () => {
    expect(judge({ updatedReplicas: 0 })).toMatchObject({
      state: "progressing",
      message: "0 of 1 instances are updated.",
      toRevision: 2,
    });
    expect(judge({ availableReplicas: 0 })).toMatchObject({ state: "progressing" });
    expect(judge({})).toMatchObject({ state: "progressing" });
    expect(judge({ currentRevision: "redis-hash2" })).toMatchObject({ state: "complete", toRevision: 2 });
  });
});
