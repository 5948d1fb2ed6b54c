import { describe, expect, test } from "vitest";
import type { Deployment } from "#lib/kubernetes/objects.ts";
import { describeService } from "../fleet/describe.ts";
import { deployment, pod, replicaSet, trouble } from "../fleet/test-objects.ts";
import { judgeProgress } from "./progress.ts";

const rolledOut = {
  change: "image",
  workloadUid: "deployment-relay",
  targetGeneration: 2,
  toRevision: null as number | null,
  toReplicas: 3,
  toVersion: "2.1.0",
};
const conditions = [{ type: "Progressing", status: "True", reason: "ReplicaSetUpdated" }];

function moving(status: NonNullable<Deployment["status"]>, options: Parameters<typeof deployment>[0] = {}): Deployment {
  const made = deployment({ generation: 2, conditions, ...options, status: { observedGeneration: 2, ...status } });
  return { ...made, metadata: { ...made.metadata, annotations: { "deployment.kubernetes.io/revision": "2" } } };
}

function instancesOf(of: Deployment, container: Parameters<typeof pod>[2] = {}) {
  const set = replicaSet(of, { revision: 2 });
  const pods = [pod(set, "new", container)];
  return describeService({ deployment: of, replicaSets: [set], pods }, { now: new Date(), staleSince: null }).instances;
}

describe("a rollout of the template", () => {
  test("goes through kubectl's steps to its end", () => {
    const messages = [
      moving({ observedGeneration: 1 }),
      moving({ replicas: 4, updatedReplicas: 1, availableReplicas: 3 }),
      moving({ replicas: 4, updatedReplicas: 3, availableReplicas: 3 }),
      moving({ replicas: 3, updatedReplicas: 3, availableReplicas: 2 }),
      moving({}),
    ].map((of) => judgeProgress(rolledOut, of, []));
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
    const message = judgeProgress(rolledOut, of, instancesOf(of, { container: trouble.imagePull })).message;
    expect(message).toBe(
      '1 of 3 instances are updated; 1 instance is in ImagePullBackOff: Back-off pulling image "switchyard/relay:9.9.9".',
    );
    const late = moving(stuck, { conditions: [{ type: "Progressing", status: "False", reason: "ProgressDeadlineExceeded" }] });
    const failed = judgeProgress(rolledOut, late, instancesOf(late, { container: trouble.imagePull }));
    expect(failed.state).toBe("failed");
    expect(failed.message).toContain("switchyard/relay:9.9.9");
  });

  test("is paused while its Deployment is, and superseded by another revision", () => {
    expect(judgeProgress(rolledOut, moving({ updatedReplicas: 1, replicas: 4 }, { paused: true }), [])).toMatchObject({
      state: "paused",
      message: "Paused with 1 of 3 updated.",
    });
    expect(judgeProgress({ ...rolledOut, toRevision: 1 }, moving({}), [])).toMatchObject({
      state: "superseded",
      message: "Replaced by revision 2.",
    });
  });

  test("has failed when its workload is gone or was made anew", () => {
    expect(judgeProgress(rolledOut, null, [])).toMatchObject({ state: "failed", message: "The workload was deleted." });
    expect(judgeProgress({ ...rolledOut, workloadUid: "before" }, moving({}), [])).toMatchObject({ state: "failed" });
  });
});

describe("a scale", () => {
  const scaled = { ...rolledOut, change: "scale", toReplicas: 5 };

  test("is complete when all instances are there, up or down", () => {
    expect(judgeProgress(scaled, moving({ availableReplicas: 3 }, { replicas: 5 }), [])).toMatchObject({
      state: "progressing",
      message: "3 of 5 instances are available.",
    });
    expect(judgeProgress(scaled, moving({}, { replicas: 5 }), [])).toMatchObject({ state: "complete", toRevision: null });
    expect(judgeProgress({ ...scaled, toReplicas: 0 }, moving({ replicas: 2 }, { replicas: 0 }), [])).toMatchObject({
      state: "progressing",
    });
    expect(judgeProgress({ ...scaled, toReplicas: 0 }, moving({}, { replicas: 0 }), [])).toMatchObject({
      state: "complete",
      message: "Scaled to 0.",
    });
  });

  test("is superseded by another number, not by another revision", () => {
    expect(judgeProgress(scaled, moving({}, { replicas: 4 }), [])).toMatchObject({
      state: "superseded",
      message: "Scaled again, to 4.",
    });
    expect(judgeProgress({ ...scaled, toRevision: 1 }, moving({}, { replicas: 5 }), [])).toMatchObject({ state: "complete" });
  });
});
