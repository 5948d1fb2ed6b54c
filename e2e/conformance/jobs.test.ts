import type { V1CronJob, V1Job } from "@kubernetes/client-node";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { eventually, startTestCluster, type TestCluster } from "./harness.ts";
import { findKubectls, type Kubectl } from "./kubectl.ts";
import { StandInKubelet } from "./stand-in-kubelet.ts";
import { cronJob, job } from "./workload-manifests.ts";
import { WorkloadSession } from "./workload-session.ts";

let cluster: TestCluster;
let kubelet: StandInKubelet;

beforeAll(async () => {
  cluster = await startTestCluster();
  kubelet = await StandInKubelet.start(cluster.config);
});

afterAll(async () => {
  await kubelet?.stop();
  await cluster?.stop();
});

describe.each(findKubectls())("jobs with kubectl $version and the client library", (kubectl: Kubectl) => {
  const namespace = `jobs-${kubectl.minor}`;
  let on: WorkloadSession;

  beforeAll(async () => {
    on = await WorkloadSession.open(cluster, kubectl, namespace);
  });
  describe("a Job", () => {
    it("runs to completion", async () => {
      await on.apply(job("once", {}, 0));
      await on.k.run(["wait", "--for=condition=complete", "job/once", "--timeout=30s"]);
      expect(await on.k.run(["get", "job", "once", "--no-headers"])).toMatch(/^once\s+(Complete\s+)?1\/1\s/);
      const { status, spec } = await on.job("once");
      expect(status).toMatchObject({ succeeded: 1, uncountedTerminatedPods: {} });
      expect(status?.completionTime).toBeDefined();
      expect(spec?.selector?.matchLabels).toHaveProperty(["batch.kubernetes.io/controller-uid"]);
      const [pod] = await on.podsOfJob("once");
      expect(pod?.metadata?.finalizers ?? []).toEqual([]);
    });

    it("runs as many pods at once as parallelism, until its completions are reached", async () => {
      await on.apply(job("many", { completions: 5, parallelism: 2 }, 0));
      await on.k.run(["wait", "--for=condition=complete", "job/many", "--timeout=30s"]);
      expect((await on.job("many")).status?.succeeded).toBe(5);
      expect(await on.podsOfJob("many")).toHaveLength(5);
    });

    it("fails with BackoffLimitExceeded when more pods fail than backoffLimit", async () => {
      await on.apply(job("hopeless", { backoffLimit: 0 }, 1));
      await on.k.run(["wait", "--for=condition=failed", "job/hopeless", "--timeout=30s"]);
      expect(await on.conditions("hopeless")).toEqual([
        "FailureTarget True BackoffLimitExceeded",
        "Failed True BackoffLimitExceeded",
      ]);
      expect((await on.job("hopeless")).status?.failed).toBe(1);
    });

    it("waits before it replaces a failed pod", async () => {
      await on.apply(job("patient", { backoffLimit: 3 }, 1));
      await eventually(async () => (await on.job("patient")).status?.failed === 1, "the first failure");
      const { status } = await on.job("patient");
      expect([status?.active ?? 0, status?.conditions ?? []]).toEqual([0, []]);
      expect(await on.podsOfJob("patient")).toHaveLength(1);
    });

    it("with completionMode Indexed gives each pod an index", async () => {
      await on.apply(job("indexed", { completionMode: "Indexed", completions: 3, parallelism: 3 }, 0));
      await on.k.run(["wait", "--for=condition=complete", "job/indexed", "--timeout=30s"]);
      expect((await on.job("indexed")).status).toMatchObject({ completedIndexes: "0-2", succeeded: 3 });
      const pods = await on.podsOfJob("indexed");
      const indexes = pods.map(({ metadata }) => metadata?.annotations?.["batch.kubernetes.io/job-completion-index"]);
      expect(indexes.sort()).toEqual(["0", "1", "2"]);
      expect(pods.map(({ spec }) => spec?.hostname).sort()).toEqual(["indexed-0", "indexed-1", "indexed-2"]);
      expect(pods[0]?.spec?.containers[0]?.env?.map(({ name }) => name)).toEqual(["JOB_COMPLETION_INDEX"]);
    });

    it("runs nothing while suspended, and starts when it is resumed", async () => {
      await on.apply(job("later", { suspend: true }, 0));
      await eventually(async () => (await on.conditions("later")).includes("Suspended True JobSuspended"), "it is suspended");
      expect((await on.job("later")).status?.startTime).toBeUndefined();
      await on.patch("job/later", { spec: { suspend: false } });
      await on.k.run(["wait", "--for=condition=complete", "job/later", "--timeout=30s"]);
      expect(await on.conditions("later")).toContain("Suspended False JobResumed");
    });

    it("fails with DeadlineExceeded after activeDeadlineSeconds, and its pods end", async () => {
      await on.apply(job("slow", { activeDeadlineSeconds: 1 }));
      await on.k.run(["wait", "--for=condition=failed", "job/slow", "--timeout=30s"]);
      expect(await on.conditions("slow")).toContain("Failed True DeadlineExceeded");
      expect(await on.podsOfJob("slow")).toEqual([]);
    });

    it("obeys a pod failure policy", async () => {
      const rules = [{ action: "FailJob", onExitCodes: { operator: "In", values: [42] } }];
      await on.apply(job("fatal", { backoffLimit: 6, podFailurePolicy: { rules } }, 42));
      await on.k.run(["wait", "--for=condition=failed", "job/fatal", "--timeout=30s"]);
      expect(await on.conditions("fatal")).toContain("Failed True PodFailurePolicy");
    });

    it("is refused when its pods would never end, and when its template changes", async () => {
      const endless = job("endless", { template: { spec: { containers: [{ name: "main", image: "demo/task:1.0.0" }] } } });
      expect(await on.k.refusal(["create", "-f", "-"], JSON.stringify(endless))).toContain(
        'spec.template.spec.restartPolicy: Required value: valid values: "OnFailure", "Never"',
      );
      const change = { spec: { template: { spec: { terminationGracePeriodSeconds: 9 } } } };
      expect(await on.k.refusal(["patch", "job", "many", "--type=merge", "-p", JSON.stringify(change)])).toContain(
        "field is immutable",
      );
    });

    it("is deleted with its pods ttlSecondsAfterFinished after its end", async () => {
      await on.apply(job("brief", { ttlSecondsAfterFinished: 0 }, 0));
      const isGone = async () =>
        (await on.list("batch/v1", "Job")).every(({ metadata }) => metadata?.name !== "brief") &&
        (await on.podsOfJob("brief")).length === 0;
      await eventually(isGone, "job and pods are gone");
    });

    it("takes its pods with it when it is deleted, finalizers and all", async () => {
      await on.apply(job("running", { parallelism: 2, completions: 2 }));
      await eventually(async () => (await on.job("running")).status?.ready === 2, "two pods run");
      await on.k.run(["delete", "job", "running"]);
      await eventually(async () => (await on.podsOfJob("running")).length === 0, "the pods are gone");
    });
  });

  describe("a CronJob", () => {
    const jobsOf = async (name: string) =>
      (await on.list<V1Job>("batch/v1", "Job")).filter(({ metadata }) =>
        metadata?.ownerReferences?.some((owner) => owner.kind === "CronJob" && owner.name === name),
      );

    it("starts a job at its time, named by the minute, and notes when", async () => {
      await on.apply(cronJob("often", "@every 1s", {}, 0));
      const [started] = await eventually(async () => {
        const jobs = await jobsOf("often");
        return jobs.length > 0 && jobs;
      }, "a job");
      expect(started?.metadata?.name).toMatch(/^often-\d{8}$/);
      expect(started?.metadata?.annotations).toHaveProperty(["batch.kubernetes.io/cronjob-scheduled-timestamp"]);
      const isNoted = async () =>
        (await on.read<V1CronJob>("batch/v1", "CronJob", "often")).status?.lastSuccessfulTime !== undefined;
      await eventually(isNoted, "lastSuccessfulTime");
      expect(await on.k.run(["get", "cronjob", "often", "--no-headers"])).toMatch(/^often\s+@every 1s\s/);
      await on.k.run(["delete", "cronjob", "often"]);
      await eventually(async () => (await jobsOf("often")).length === 0, "its jobs are gone");
    });

    it("is refused with a schedule or a time zone that cannot be read", async () => {
      const refusal = (manifest: object) => on.k.refusal(["create", "-f", "-"], JSON.stringify(manifest));
      expect(await refusal(cronJob("odd", "every day"))).toContain("expected exactly 5 fields, found 2: [every day]");
      const lost = cronJob("lost", "@daily", { timeZone: "Mars/Olympus" });
      expect(await refusal(lost)).toContain('spec.timeZone: Invalid value: "Mars/Olympus": unknown time zone Mars/Olympus');
    });

    it("that is suspended starts nothing by itself, but kubectl can start one from it", async () => {
      await on.apply(cronJob("manual", "@every 1s", { suspend: true }, 0));
      if (kubectl.minor >= 21) {
        await on.k.run(["create", "job", "by-hand", "--from=cronjob/manual"]);
        await on.k.run(["wait", "--for=condition=complete", "job/by-hand", "--timeout=30s"]);
      }
      expect((await jobsOf("manual")).filter(({ metadata }) => metadata?.name !== "by-hand")).toEqual([]);
    });
  });
});
