import { describe, expect, test } from "vitest";
import type { Pod, Workload } from "#lib/kubernetes/objects.ts";
import { describeService } from "./describe.ts";
import { candidateOf, deployedAt, deployment, pod, replicaSet, trouble } from "./test-objects.ts";

const now = new Date(Date.parse(deployedAt) + 60_000);

function judge(
  of: Workload,
  pods: Pod[] | ((set: ReturnType<typeof replicaSet>) => Pod[]) = [],
  moment: { now?: Date; staleSince?: Date } = {},
) {
  const set = replicaSet(of);
  const all = typeof pods === "function" ? pods(set) : pods;
  const { service } = describeService({ workload: of, revisions: [set], pods: all }, { now, staleSince: null, ...moment });
  return { health: service.health, reason: service.healthReason };
}

const status = (counts: Partial<NonNullable<Workload["status"]>>) => ({ status: counts });

describe("the health of a service", () => {
  test("is healthy when as many are ready as should be and none fails", () => {
    expect(judge(deployment())).toEqual({ health: "healthy", reason: "3 of 3 instances are ready." });
    expect(judge(deployment({ replicas: 0 }))).toMatchObject({ health: "healthy" });
  });

  test("is unknown while the cluster is silent, and tells since when and what it was", () => {
    const staleSince = new Date("2026-11-01T10:00:30Z");
    const { health, reason } = judge(deployment(), [], { staleSince });
    expect(health).toBe("unknown");
    expect(reason).toBe("No news from the cluster since 2026-11-01T10:00:30.000Z; relay was healthy then.");
  });

  test("is down when none is ready, and names the cause", () => {
    const of = deployment(status({ readyReplicas: 0, availableReplicas: 0 }));
    const { health, reason } = judge(of, (set) => [pod(set, "a", { container: trouble.crashLoop })]);
    expect(health).toBe("down");
    expect(reason).toBe(
      "None of 3 instances is ready; 1 instance is in CrashLoopBackOff, last ended by Error with exit code 78.",
    );
  });

  test("is progressing while a new service starts for the first time", () => {
    const conditions = [{ type: "Progressing", status: "True", reason: "ReplicaSetUpdated" }];
    const of = deployment({ conditions, status: { readyReplicas: 0, availableReplicas: 0 } });
    expect(judge(of, (set) => [pod(set, "a", { container: trouble.starting })])).toMatchObject({ health: "progressing" });
    expect(judge(of, (set) => [pod(set, "a", { container: trouble.imagePull })])).toMatchObject({ health: "down" });
  });

  test("is degraded when a rollout cannot pull its image although the old instances serve", () => {
    const conditions = [{ type: "Progressing", status: "True", reason: "ReplicaSetUpdated" }];
    const of = deployment({ generation: 2, conditions, status: { observedGeneration: 2, replicas: 4, updatedReplicas: 1 } });
    const { health, reason } = judge(of, (set) => [pod(set, "a"), pod(set, "b", { container: trouble.imagePull })]);
    expect(health).toBe("degraded");
    expect(reason).toContain('1 instance is in ImagePullBackOff: Back-off pulling image "switchyard/relay:9.9.9"');
  });

  test("is degraded when a rollout exceeded its deadline or instances cannot be created", () => {
    const late = [{ type: "Progressing", status: "False", reason: "ProgressDeadlineExceeded" }];
    expect(judge(deployment({ conditions: late, status: { updatedReplicas: 1, replicas: 4 } }))).toMatchObject({
      health: "degraded",
    });
    const quota = [{ type: "ReplicaFailure", status: "True", reason: "FailedCreate", message: "exceeded quota: small" }];
    expect(judge(deployment({ conditions: quota })).reason).toContain("exceeded quota: small");
  });

  test("is progressing while a change is rolled out", () => {
    const conditions = [{ type: "Progressing", status: "True", reason: "ReplicaSetUpdated" }];
    const reason = (counts: object) =>
      judge(deployment({ generation: 2, conditions, status: { observedGeneration: 2, ...counts } }));
    expect(reason({ observedGeneration: 1 })).toEqual({ health: "progressing", reason: "A change was accepted and begins." });
    expect(reason({ replicas: 4, updatedReplicas: 1 })).toEqual({
      health: "progressing",
      reason: "Rolling out: 1 of 3 instances are updated.",
    });
    expect(reason({ replicas: 4 })).toEqual({ health: "progressing", reason: "Rolling out: 1 old instance ends." });
    expect(reason({ availableReplicas: 2 })).toEqual({
      health: "progressing",
      reason: "Rolling out: 2 of 3 updated instances are available.",
    });
  });

  test("is progressing while added instances start, and degraded once they take longer than the deadline", () => {
    const of = deployment({ replicas: 5, status: { readyReplicas: 3, availableReplicas: 3, unavailableReplicas: 2 } });
    const pods = (set: ReturnType<typeof replicaSet>) =>
      ["a", "b"].map((name) => pod(set, name, { container: trouble.starting }));
    expect(judge(of, pods)).toEqual({ health: "progressing", reason: "2 starting: 3 of 5 ready." });
    const later = new Date(now.getTime() + 601_000);
    expect(judge(of, pods, { now: later })).toEqual({ health: "degraded", reason: "3 of 5 instances are ready." });
  });

  test("is paused when it is paused and well, and never hides an outage behind it", () => {
    expect(judge(deployment({ paused: true }))).toMatchObject({ health: "paused" });
    expect(judge(deployment({ paused: true, ...status({ readyReplicas: 0, availableReplicas: 0 }) }))).toMatchObject({
      health: "down",
    });
  });

  test("is not spoiled by an instance that is being deleted", () => {
    expect(judge(deployment(), (set) => [pod(set, "old", { deleting: true, container: trouble.crashLoop })])).toMatchObject({
      health: "healthy",
    });
  });
});

describe("the health of a service with a candidate", () => {
  type Options = { stable?: Workload; candidate?: Workload; pods?: Pod[] };

  function judgeBoth({ stable = deployment({ replicas: 2 }), candidate = candidateOf(stable), pods = [] }: Options) {
    const beside = { workload: candidate, revisions: [replicaSet(candidate)], pods };
    const family = { workload: stable, revisions: [replicaSet(stable)], pods: [], candidate: beside };
    const { service } = describeService(family, { now, staleSince: null });
    return { health: service.health, reason: service.healthReason };
  }

  test("is progressing, and tells how many there are of each", () => {
    expect(judgeBoth({})).toEqual({
      health: "progressing",
      reason: "A rollout is under way: 1 of 1 candidate instances are ready, beside 2 of 2.",
    });
  });

  test("is neither down nor scaled to 0 while only the candidate runs", () => {
    const stable = deployment({ replicas: 0 });
    expect(judgeBoth({ stable, candidate: candidateOf(stable, { replicas: 3 }) })).toMatchObject({
      health: "progressing",
      reason: expect.stringContaining("3 of 3 candidate instances are ready, beside 0 of 0"),
    });
  });

  test("is down when neither has one ready", () => {
    const none = { readyReplicas: 0, availableReplicas: 0 };
    const stable = deployment({ replicas: 2, ...status(none) });
    expect(judgeBoth({ stable, candidate: candidateOf(stable, status(none)) })).toMatchObject({
      health: "down",
      reason: "None of 3 instances is ready.",
    });
  });

  test("is degraded when one of the candidate fails, or one of the service's own is missing", () => {
    const stable = deployment({ replicas: 2 });
    const candidate = candidateOf(stable, status({ readyReplicas: 0, availableReplicas: 0 }));
    const failing = pod(replicaSet(candidate), "relay-candidate-a", { container: trouble.crashLoop });
    expect(judgeBoth({ stable, candidate, pods: [failing] })).toMatchObject({
      health: "degraded",
      reason: expect.stringMatching(/^2 of 3 ready; 1 instance is in CrashLoopBackOff/),
    });
    const short = deployment({ replicas: 2, ...status({ readyReplicas: 1, availableReplicas: 1 }) });
    expect(judgeBoth({ stable: short })).toMatchObject({ health: "degraded", reason: "2 of 3 instances are ready." });
  });
});
