import { describe, expect, it } from "vitest";
import type { Pod } from "../objects.ts";
import { pod as makePod, template } from "../test/objects.ts";
import { backoffMs } from "./backoff.ts";
import { formatIndexes, parseIndexes } from "./indexes.ts";
import { planJob } from "./plan.ts";
import { newPod } from "./pods.ts";
import { planTracking } from "./tracking.ts";
import type { Job, JobSpec, JobStatus } from "./types.ts";

const now = new Date("2026-01-01T01:00:00Z");
const startTime = "2026-01-01T00:30:00Z";
const finalizers = ["batch.kubernetes.io/job-tracking"];

function jobOf(spec: Partial<JobSpec> = {}, status: JobStatus = { startTime }): Job {
  return {
    apiVersion: "batch/v1",
    kind: "Job",
    metadata: { name: "backup", namespace: "fleet", uid: "job-uid", resourceVersion: "1", creationTimestamp: startTime },
    spec: { completions: 1, parallelism: 1, backoffLimit: 6, template: template(), ...spec },
    status,
  } as Job;
}

type Options = Parameters<typeof makePod>[1] & { index?: number; tracked?: boolean; exitCode?: number; endedAt?: string };

function member(name: string, phase: string, { index, tracked = false, exitCode, endedAt, ...options }: Options = {}): Pod {
  const annotations = index === undefined ? {} : { "batch.kubernetes.io/job-completion-index": String(index) };
  const pod = makePod(name, {
    ...options,
    phase,
    metadata: { annotations, ...(tracked ? { finalizers } : {}), ...options.metadata },
  });
  if (exitCode === undefined) return pod;
  const terminated = { exitCode, finishedAt: endedAt ?? "2026-01-01T00:59:55Z" };
  const containerStatuses = [{ name: "relay", restartCount: 0, state: { terminated } }];
  return { ...pod, status: { ...pod.status, containerStatuses } } as Pod;
}

const failed = (name: string, endedAt: string) => member(name, "Failed", { exitCode: 1, endedAt });
const conditions = (plan: ReturnType<typeof planJob>) =>
  plan.conditions.map(({ type, status, reason }) => [type, status, reason]);
const names = (pods: readonly Pod[]) => pods.map(({ metadata }) => metadata.name);

describe("a job", () => {
  it("starts as many pods as may run at once, and never more than completions are missing", () => {
    expect(planJob({ job: jobOf({ completions: 5, parallelism: 2 }), pods: [], now }).create).toHaveLength(2);
    const almost = jobOf({ completions: 5, parallelism: 3 }, { startTime, succeeded: 4 });
    expect(planJob({ job: almost, pods: [], now }).create).toHaveLength(1);
    expect(planJob({ job: jobOf({ parallelism: 0 }), pods: [], now }).create).toHaveLength(0);
  });

  it("notes when it started", () => {
    expect(planJob({ job: jobOf({}, {}), pods: [], now }).startTime).toBe("2026-01-01T01:00:00Z");
  });

  it("is complete when enough pods have succeeded, and ends those that still run", () => {
    const job = jobOf({ completions: 2, parallelism: 2 }, { startTime, succeeded: 2 });
    const running = planJob({ job, pods: [member("late", "Running")], now });
    expect(names(running.remove)).toEqual(["late"]);
    expect(conditions(running)).toEqual([["SuccessCriteriaMet", "True", "CompletionsReached"]]);
    const done = planJob({ job, pods: [member("a", "Succeeded")], now });
    expect(conditions(done)).toEqual([
      ["SuccessCriteriaMet", "True", "CompletionsReached"],
      ["Complete", "True", "CompletionsReached"],
    ]);
    expect(done.completionTime).toBe("2026-01-01T01:00:00Z");
    expect(done.events).toEqual([{ type: "Normal", reason: "Completed", message: "Job completed" }]);
  });

  it("without completions is a work queue: it drains once a pod has succeeded", () => {
    const queue = (succeeded: number) => jobOf({ completions: undefined, parallelism: 2 }, { startTime, succeeded });
    expect(planJob({ job: queue(0), pods: [], now }).create).toHaveLength(2);
    const draining = planJob({ job: queue(1), pods: [member("b", "Running")], now });
    expect(draining).toMatchObject({ create: [], remove: [], conditions: [] });
    expect(conditions(planJob({ job: queue(2), pods: [], now })).at(-1)).toEqual(["Complete", "True", "CompletionsReached"]);
  });

  it("fails when more pods have failed than backoffLimit", () => {
    const within = planJob({ job: jobOf({ backoffLimit: 2 }, { startTime, failed: 2 }), pods: [], now });
    expect(within.create).toHaveLength(1);
    const beyond = planJob({ job: jobOf({ backoffLimit: 2 }, { startTime, failed: 3 }), pods: [], now });
    expect(conditions(beyond)).toEqual([
      ["FailureTarget", "True", "BackoffLimitExceeded"],
      ["Failed", "True", "BackoffLimitExceeded"],
    ]);
    expect(beyond.conditions.at(-1)?.message).toBe("Job has reached the specified backoff limit");
    expect(beyond.completionTime).toBeUndefined();
  });

  it("fails when containers that are restarted in place reach the backoffLimit", () => {
    const onFailure = { ...template(), spec: { ...template().spec, restartPolicy: "OnFailure" } };
    const job = jobOf({ backoffLimit: 3, template: onFailure });
    expect(conditions(planJob({ job, pods: [member("a", "Running", { restarts: 2 })], now }))).toEqual([]);
    const beyond = planJob({ job, pods: [member("a", "Running", { restarts: 3 })], now });
    expect(conditions(beyond)).toEqual([["FailureTarget", "True", "BackoffLimitExceeded"]]);
    expect(names(beyond.remove)).toEqual(["a"]);
  });

  it("fails after activeDeadlineSeconds, and looks again when they are over", () => {
    const waiting = planJob({ job: jobOf({ activeDeadlineSeconds: 3600 }), pods: [member("a", "Running")], now });
    expect(waiting.requeueAfterMs).toBe(1_800_000);
    const over = planJob({ job: jobOf({ activeDeadlineSeconds: 600 }), pods: [member("a", "Running")], now });
    expect(conditions(over)).toEqual([["FailureTarget", "True", "DeadlineExceeded"]]);
    expect(names(over.remove)).toEqual(["a"]);
  });

  it("runs nothing while suspended, and starts its clock again when resumed", () => {
    const suspended = planJob({ job: jobOf({ suspend: true }), pods: [member("a", "Running")], now });
    expect(names(suspended.remove)).toEqual(["a"]);
    expect(suspended.startTime).toBeUndefined();
    expect(conditions(suspended)).toEqual([["Suspended", "True", "JobSuspended"]]);
    const resumed = planJob({ job: jobOf({}, { conditions: suspended.conditions }), pods: [], now });
    expect(conditions(resumed)).toEqual([["Suspended", "False", "JobResumed"]]);
    expect(resumed.startTime).toBe("2026-01-01T01:00:00Z");
    expect(resumed.create).toHaveLength(1);
  });

  it("replaces no pod that ended before it was counted", () => {
    const justEnded = member("a", "Succeeded", { tracked: true });
    expect(planJob({ job: jobOf(), pods: [justEnded], now }).create).toHaveLength(0);
  });

  it("makes no pods once it is being deleted", () => {
    const job = jobOf();
    const going = { ...job, metadata: { ...job.metadata, deletionTimestamp: startTime } };
    expect(planJob({ job: going, pods: [], now }).create).toHaveLength(0);
  });

  it("replaces a pod that is being deleted at once, or with the policy Failed when it is gone", () => {
    const going = member("a", "Running", { metadata: { deletionTimestamp: "2026-01-01T00:30:00Z" } });
    expect(planJob({ job: jobOf(), pods: [going], now }).create).toHaveLength(1);
    expect(planJob({ job: jobOf({ podReplacementPolicy: "Failed" }), pods: [going], now }).create).toHaveLength(0);
  });
});

describe("the back-off of a job", () => {
  it("doubles from ten seconds with each failure in a row, up to six minutes", () => {
    const last = "2026-01-01T01:00:00Z";
    const waits = [1, 2, 3, 4, 8].map((count) => {
      const pods = Array.from({ length: count }, (_, index) => failed(`p${index}`, last));
      return backoffMs(jobOf(), pods, now);
    });
    expect(waits).toEqual([10_000, 20_000, 40_000, 80_000, 360_000]);
  });

  it("starts anew after a success, and delays the next pod by what is left of it", () => {
    const pods = [
      failed("a", "2026-01-01T00:00:00Z"),
      member("b", "Succeeded", { exitCode: 0, endedAt: "2026-01-01T00:10:00Z" }),
    ];
    expect(backoffMs(jobOf(), pods, now)).toBe(0);
    const plan = planJob({ job: jobOf(), pods: [failed("c", "2026-01-01T00:59:57Z")], now });
    expect(plan).toMatchObject({ create: [], requeueAfterMs: 7_000 });
  });
});

describe("an Indexed job", () => {
  const indexed = (status: JobStatus = { startTime }) =>
    jobOf({ completionMode: "Indexed", completions: 4, parallelism: 2 }, status);

  it("fills the lowest indexes that are neither done nor running", () => {
    const pods = [member("one", "Running", { index: 1 })];
    expect(planJob({ job: indexed({ startTime, completedIndexes: "0", succeeded: 1 }), pods, now }).create).toEqual([2]);
  });

  it("ends a second pod of one index", () => {
    const pods = [member("one", "Running", { index: 1 }), member("two", "Running", { index: 1 })];
    expect(planJob({ job: indexed(), pods, now }).remove).toHaveLength(1);
  });

  it("gives each pod its index as annotation, label, host name and variable", () => {
    const pod = newPod(indexed(), 3);
    expect(pod.metadata).toMatchObject({
      generateName: "backup-3-",
      labels: { "batch.kubernetes.io/job-completion-index": "3" },
      annotations: { "batch.kubernetes.io/job-completion-index": "3" },
      finalizers,
    });
    const fieldPath = "metadata.annotations['batch.kubernetes.io/job-completion-index']";
    const env = [{ name: "JOB_COMPLETION_INDEX", valueFrom: { fieldRef: { fieldPath } } }];
    expect(pod.spec).toMatchObject({ hostname: "backup-3", containers: [{ env }] });
  });

  it("counts each index once, and writes them in short form", () => {
    const pods = [member("a", "Succeeded", { index: 2, tracked: true }), member("b", "Succeeded", { index: 2, tracked: true })];
    const { counted } = planTracking(indexed({ startTime, completedIndexes: "0,1" }), pods);
    expect(counted).toMatchObject({ completedIndexes: "0-2", succeeded: 3 });
  });

  it.each([
    ["", []],
    ["1,3-5,7", [1, 3, 4, 5, 7]],
    ["0,1", [0, 1]],
  ])("reads and writes %j", (text, indexes) => {
    expect([...parseIndexes(text)]).toEqual(indexes);
    expect(formatIndexes(indexes)).toBe(text);
  });
});

describe("counting ended pods", () => {
  it("notes their uids first, and counts each exactly once however often a pass is interrupted", () => {
    const pods = [member("good", "Succeeded", { tracked: true }), member("bad", "Failed", { tracked: true })];
    const first = planTracking(jobOf(), pods);
    expect(first.noted?.uncountedTerminatedPods).toEqual({ succeeded: ["good-uid"], failed: ["bad-uid"] });
    expect(names(first.release)).toEqual(["good", "bad"]);
    const again = planTracking(jobOf({}, first.noted), pods);
    expect(again.noted).toBeUndefined();
    expect(again.counted).toMatchObject({ succeeded: 1, failed: 1, uncountedTerminatedPods: {} });
    expect(planTracking(jobOf({}, again.counted), [member("good", "Succeeded")]).counted).toMatchObject({
      succeeded: 1,
      failed: 1,
    });
  });

  it("takes a deleted pod as failed at once, unless only failed ones are replaced", () => {
    const going = member("a", "Running", { tracked: true, metadata: { deletionTimestamp: startTime, finalizers } });
    expect(planTracking(jobOf(), [going]).counted.failed).toBe(1);
    expect(planTracking(jobOf({ podReplacementPolicy: "Failed" }), [going]).counted.failed).toBe(0);
  });
});

describe("the pod failure policy", () => {
  const withRules = (...rules: NonNullable<JobSpec["podFailurePolicy"]>["rules"]) => jobOf({ podFailurePolicy: { rules } });

  it("fails the job at once on an exit code of a FailJob rule", () => {
    const job = withRules({ action: "FailJob", onExitCodes: { operator: "In", values: [42] } });
    const plan = planJob({ job, pods: [member("a", "Failed", { exitCode: 42 })], now });
    expect(plan.conditions.at(-1)).toMatchObject({
      type: "Failed",
      reason: "PodFailurePolicy",
      message: "Container relay for pod fleet/a failed with exit code 42 matching FailJob rule at index 0",
    });
    expect(conditions(planJob({ job, pods: [member("a", "Failed", { exitCode: 1 })], now }))).toEqual([]);
  });

  it("does not count a failure that an Ignore rule matches", () => {
    const job = withRules({ action: "Ignore", onPodConditions: [{ type: "DisruptionTarget", status: "True" }] });
    const evicted = member("a", "Failed", { tracked: true });
    const conditionsOfPod = [{ type: "DisruptionTarget", status: "True" as const }];
    const pod = { ...evicted, status: { ...evicted.status, conditions: conditionsOfPod } };
    expect(planTracking(job, [pod]).counted.failed).toBe(0);
    expect(planTracking(job, [evicted]).counted.failed).toBe(1);
  });
});
