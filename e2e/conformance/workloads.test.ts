import {
  type KubernetesObject,
  KubernetesObjectApi,
  type V1ControllerRevision,
  type V1CronJob,
  type V1Deployment,
  type V1Job,
  type V1PersistentVolume,
  type V1PersistentVolumeClaim,
  type V1Pod,
  type V1ReplicaSet,
  type V1StatefulSet,
} from "@kubernetes/client-node";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { eventually, startTestCluster, type TestCluster } from "./harness.ts";
import { findKubectls, type Kubectl, KubectlSession } from "./kubectl.ts";
import { StandInKubelet } from "./stand-in-kubelet.ts";
import { claim, cronJob, deployment, job, podTemplate, statefulSet } from "./workload-manifests.ts";

let cluster: TestCluster;
let kubelet: StandInKubelet;
let objects: KubernetesObjectApi;

beforeAll(async () => {
  cluster = await startTestCluster();
  kubelet = await StandInKubelet.start(cluster.config);
  objects = KubernetesObjectApi.makeApiClient(cluster.config);
});

afterAll(async () => {
  await kubelet?.stop();
  await cluster?.stop();
});

const storage = { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "64Mi" } } };

/** kubectl does what a person does; the client library looks at what came of it. */
describe.each(findKubectls())("workloads with kubectl $version and the client library", (kubectl: Kubectl) => {
  const namespace = `workloads-${kubectl.minor}`;
  let k: KubectlSession;

  const apply = (manifest: object) => k.run(["apply", "-f", "-"], JSON.stringify(manifest));
  const read = <T extends KubernetesObject>(apiVersion: string, kind: string, name: string) =>
    objects.read<T & { metadata: { name: string; namespace: string } }>({ apiVersion, kind, metadata: { name, namespace } });
  const list = async <T extends KubernetesObject>(apiVersion: string, kind: string, labelSelector?: string): Promise<T[]> =>
    (await objects.list<T>(apiVersion, kind, namespace, undefined, undefined, undefined, undefined, labelSelector)).items;
  const podsOf = (app: string) => list<V1Pod>("v1", "Pod", `app=${app}`);
  const podOf = (name: string) => read<V1Pod>("v1", "Pod", name);
  const claimOf = (name: string) => read<V1PersistentVolumeClaim>("v1", "PersistentVolumeClaim", name);
  const claimNames = async () =>
    (await list<V1PersistentVolumeClaim>("v1", "PersistentVolumeClaim")).map(({ metadata }) => metadata?.name ?? "").sort();
  const podsOfJob = (name: string) => list<V1Pod>("v1", "Pod", `job-name=${name}`);
  const namesOf = async (app: string) => (await podsOf(app)).map(({ metadata }) => metadata?.name ?? "").sort();
  const imagesOf = async (app: string) =>
    Object.fromEntries((await podsOf(app)).map(({ metadata, spec }) => [metadata?.name, spec?.containers[0]?.image]));
  const rolledOut = (target: string) => k.run(["rollout", "status", target, "--timeout=30s"]);
  const setOf = (name: string) => read<V1StatefulSet>("apps/v1", "StatefulSet", name);
  const jobOf = (name: string) => read<V1Job>("batch/v1", "Job", name);
  const conditionsOf = async (name: string) =>
    ((await jobOf(name)).status?.conditions ?? []).map(({ type, status, reason }) => `${type} ${status} ${reason}`);
  const patch = (target: string, change: object) =>
    k.run(["patch", ...target.split("/"), "--type=merge", "-p", JSON.stringify(change)]);

  beforeAll(async () => {
    k = new KubectlSession(kubectl, cluster.kubeconfigPath, namespace);
    await k.run(["create", "namespace", namespace]);
  });

  describe("a StatefulSet", () => {
    it("gives its pods stable names, identities and their claims, in order", async () => {
      await apply(statefulSet("db", { volumeClaimTemplates: [{ metadata: { name: "data" }, spec: storage }] }));
      await rolledOut("sts/db");
      const pods = await podsOf("db");
      expect(pods.map(({ metadata }) => metadata?.name).sort()).toEqual(["db-0", "db-1", "db-2"]);
      const [first] = pods.filter(({ metadata }) => metadata?.name === "db-0");
      const revision = (await setOf("db")).status?.currentRevision;
      expect(first?.metadata?.labels).toMatchObject({
        "statefulset.kubernetes.io/pod-name": "db-0",
        "apps.kubernetes.io/pod-index": "0",
        "controller-revision-hash": revision,
      });
      expect(first?.spec).toMatchObject({ hostname: "db-0", subdomain: "db" });
      expect(first?.spec?.volumes).toContainEqual({ name: "data", persistentVolumeClaim: { claimName: "data-db-0" } });
      expect(await k.run(["get", "sts", "db", "--no-headers"])).toMatch(/^db\s+3\/3\s/);
    });

    it("binds each claim to a volume of the default class", async () => {
      const table = await k.run(["get", "pvc", "--no-headers"]);
      for (const ordinal of [0, 1, 2]) {
        expect(table).toMatch(new RegExp(`^data-db-${ordinal}\\s+Bound\\s+pvc-\\S+\\s+64Mi\\s+RWO\\s+standard\\s`, "m"));
      }
      const bound = await claimOf("data-db-0");
      const volume = await read<V1PersistentVolume>("v1", "PersistentVolume", bound.spec?.volumeName ?? "");
      expect(volume.spec).toMatchObject({ persistentVolumeReclaimPolicy: "Delete", claimRef: { name: "data-db-0", namespace } });
      expect(volume.status?.phase).toBe("Bound");
    });

    it("makes a deleted pod anew under the same name and with the same claim", async () => {
      const before = await podOf("db-1");
      await k.run(["delete", "pod", "db-1"]);
      await rolledOut("sts/db");
      const after = await podOf("db-1");
      expect(after.metadata?.uid).not.toBe(before.metadata?.uid);
      expect(after.spec?.volumes).toContainEqual({ name: "data", persistentVolumeClaim: { claimName: "data-db-1" } });
    });

    it("removes the highest ordinal first when it shrinks, and keeps the claims for when it grows again", async () => {
      const claimBefore = await claimOf("data-db-2");
      await k.run(["scale", "sts/db", "--replicas=1"]);
      await eventually(async () => (await namesOf("db")).join() === "db-0", "one pod");
      await k.run(["scale", "sts/db", "--replicas=3"]);
      await rolledOut("sts/db");
      const claimAfter = await claimOf("data-db-2");
      expect(claimAfter.metadata?.uid).toBe(claimBefore.metadata?.uid);
    });

    it("rolls out below its partition only when the partition is lowered", async () => {
      await patch("sts/db", { spec: { updateStrategy: { type: "RollingUpdate", rollingUpdate: { partition: 2 } } } });
      await k.run(["set", "image", "sts/db", "main=demo/store:2.0.0"]);
      expect(await rolledOut("sts/db")).toContain("partitioned roll out complete: 1 new pods have been updated");
      expect(await imagesOf("db")).toEqual({
        "db-0": "demo/store:1.0.0",
        "db-1": "demo/store:1.0.0",
        "db-2": "demo/store:2.0.0",
      });
      const { status } = await setOf("db");
      expect(status).toMatchObject({ updatedReplicas: 1, currentReplicas: 2 });
      expect(status?.currentRevision).not.toBe(status?.updateRevision);
      await k.run(["delete", "pod", "db-0"]);
      await eventually(async () => (await setOf("db")).status?.readyReplicas === 3, "db-0 is ready again");
      expect((await imagesOf("db"))["db-0"]).toBe("demo/store:1.0.0");
      await patch("sts/db", { spec: { updateStrategy: { rollingUpdate: { partition: 0 } } } });
      await rolledOut("sts/db");
      expect(new Set(Object.values(await imagesOf("db")))).toEqual(new Set(["demo/store:2.0.0"]));
    });

    it("keeps its history as ControllerRevisions, and rolls back under a new number", async () => {
      expect(await k.run(["rollout", "history", "sts/db"])).toMatch(/^1\s[\s\S]*^2\s/m);
      expect(await k.run(["rollout", "history", "sts/db", "--revision=1"])).toContain("demo/store:1.0.0");
      expect(await k.run(["rollout", "undo", "sts/db"])).toContain("rolled back");
      await rolledOut("sts/db");
      expect(new Set(Object.values(await imagesOf("db")))).toEqual(new Set(["demo/store:1.0.0"]));
      const revisions = await list<V1ControllerRevision>("apps/v1", "ControllerRevision", "app=db");
      expect(revisions.map(({ revision }) => revision).sort()).toEqual([2, 3]);
    });

    it("restarts every pod on request", async () => {
      const before = (await podsOf("db")).map(({ metadata }) => metadata?.uid);
      await k.run(["rollout", "restart", "sts/db"]);
      await rolledOut("sts/db");
      expect((await podsOf("db")).filter(({ metadata }) => before.includes(metadata?.uid))).toEqual([]);
    });

    it("leaves its claims when it is deleted, and deletes them with whenDeleted: Delete", async () => {
      await k.run(["delete", "sts", "db"]);
      await eventually(async () => (await namesOf("db")).length === 0, "no pods");
      expect(await claimNames()).toEqual(["data-db-0", "data-db-1", "data-db-2"]);
      const volumeClaimTemplates = [{ metadata: { name: "scratch" }, spec: storage }];
      const persistentVolumeClaimRetentionPolicy = { whenDeleted: "Delete", whenScaled: "Retain" };
      await apply(statefulSet("cache", { replicas: 1, volumeClaimTemplates, persistentVolumeClaimRetentionPolicy }));
      await rolledOut("sts/cache");
      await k.run(["delete", "sts", "cache"]);
      const isGone = async () => !(await claimNames()).some((name) => name.startsWith("scratch"));
      await eventually(isGone, "the claim went with the set");
      await k.run(["delete", "pvc", "--all"]);
      await eventually(async () => !(await k.run(["get", "pv"])).includes(namespace), "the volumes went with the claims");
    });

    it("waits for a broken pod even when the template is mended, until the pod is deleted", async () => {
      await apply(statefulSet("pair", { replicas: 2 }));
      await rolledOut("sts/pair");
      await k.run(["set", "image", "sts/pair", "main=demo/store:broken"]);
      await eventually(async () => (await imagesOf("pair"))["pair-1"] === "demo/store:broken", "the broken pod");
      await k.run(["rollout", "undo", "sts/pair"]);
      const isObserved = async () => {
        const { metadata, status } = await setOf("pair");
        return status?.observedGeneration === metadata?.generation;
      };
      await eventually(isObserved, "the mended template is observed");
      expect(await imagesOf("pair")).toEqual({ "pair-0": "demo/store:1.0.0", "pair-1": "demo/store:broken" });
      await k.run(["delete", "pod", "pair-1"]);
      await rolledOut("sts/pair");
      expect((await imagesOf("pair"))["pair-1"]).toBe("demo/store:1.0.0");
    });

    it("with OnDelete replaces only what somebody deletes", async () => {
      await apply(statefulSet("manual", { replicas: 2, updateStrategy: { type: "OnDelete" } }));
      await eventually(async () => (await setOf("manual")).status?.readyReplicas === 2, "two pods");
      await k.run(["set", "image", "sts/manual", "main=demo/store:2.0.0"]);
      await k.run(["delete", "pod", "manual-0"]);
      await eventually(async () => (await imagesOf("manual"))["manual-0"] === "demo/store:2.0.0", "manual-0 is new");
      expect((await imagesOf("manual"))["manual-1"]).toBe("demo/store:1.0.0");
    });

    it("with Parallel does not wait for the pods before, and numbers from spec.ordinals.start", async () => {
      const spec = { podManagementPolicy: "Parallel", ordinals: { start: 5 } };
      await apply(statefulSet("burst", spec, "demo/store:broken"));
      await eventually(async () => (await namesOf("burst")).join() === "burst-5,burst-6,burst-7", "three pods at once");
      await k.run(["delete", "sts", "burst", "manual", "pair"]);
    });
  });

  describe("a claim", () => {
    it("in use is kept until its last pod is gone", async () => {
      await apply(claim("held"));
      const spec = podTemplate("user", "demo/store:1.0.0").spec;
      const volumes = [{ name: "data", persistentVolumeClaim: { claimName: "held" } }];
      await apply({ apiVersion: "v1", kind: "Pod", metadata: { name: "user" }, spec: { ...spec, volumes } });
      await eventually(async () => (await claimOf("held")).status?.phase === "Bound", "it is bound");
      await k.run(["delete", "pvc", "held", "--wait=false"]);
      expect(await k.run(["get", "pvc", "held", "--no-headers"])).toMatch(/^held\s+Terminating\s/);
      expect((await claimOf("held")).metadata?.finalizers).toEqual(["kubernetes.io/pvc-protection"]);
      await k.run(["delete", "pod", "user"]);
      await eventually(async () => !(await claimNames()).includes("held"), "it is gone");
    });

    it("of a class that does not exist waits, and says why", async () => {
      await apply(claim("fast", { storageClassName: "fast" }));
      const says = async () =>
        (await k.run(["describe", "pvc", "fast"])).includes('storageclass.storage.k8s.io "fast" not found');
      await eventually(says, "the event");
      expect(await k.run(["get", "pvc", "fast", "--no-headers"])).toMatch(/^fast\s+Pending\s/);
      await k.run(["delete", "pvc", "fast"]);
    });
  });

  describe("a Job", () => {
    it("runs to completion", async () => {
      await apply(job("once", {}, 0));
      await k.run(["wait", "--for=condition=complete", "job/once", "--timeout=30s"]);
      expect(await k.run(["get", "job", "once", "--no-headers"])).toMatch(/^once\s+(Complete\s+)?1\/1\s/);
      const { status, spec } = await jobOf("once");
      expect(status).toMatchObject({ succeeded: 1, uncountedTerminatedPods: {} });
      expect(status?.completionTime).toBeDefined();
      expect(spec?.selector?.matchLabels).toHaveProperty(["batch.kubernetes.io/controller-uid"]);
      const [pod] = await podsOfJob("once");
      expect(pod?.metadata?.finalizers ?? []).toEqual([]);
    });

    it("runs as many pods at once as parallelism, until its completions are reached", async () => {
      await apply(job("many", { completions: 5, parallelism: 2 }, 0));
      await k.run(["wait", "--for=condition=complete", "job/many", "--timeout=30s"]);
      expect((await jobOf("many")).status?.succeeded).toBe(5);
      expect(await podsOfJob("many")).toHaveLength(5);
    });

    it("fails with BackoffLimitExceeded when more pods fail than backoffLimit", async () => {
      await apply(job("hopeless", { backoffLimit: 0 }, 1));
      await k.run(["wait", "--for=condition=failed", "job/hopeless", "--timeout=30s"]);
      expect(await conditionsOf("hopeless")).toEqual([
        "FailureTarget True BackoffLimitExceeded",
        "Failed True BackoffLimitExceeded",
      ]);
      expect((await jobOf("hopeless")).status?.failed).toBe(1);
    });

    it("waits before it replaces a failed pod", async () => {
      await apply(job("patient", { backoffLimit: 3 }, 1));
      await eventually(async () => (await jobOf("patient")).status?.failed === 1, "the first failure");
      const { status } = await jobOf("patient");
      expect([status?.active ?? 0, status?.conditions ?? []]).toEqual([0, []]);
      expect(await podsOfJob("patient")).toHaveLength(1);
    });

    it("with completionMode Indexed gives each pod an index", async () => {
      await apply(job("indexed", { completionMode: "Indexed", completions: 3, parallelism: 3 }, 0));
      await k.run(["wait", "--for=condition=complete", "job/indexed", "--timeout=30s"]);
      expect((await jobOf("indexed")).status).toMatchObject({ completedIndexes: "0-2", succeeded: 3 });
      const pods = await podsOfJob("indexed");
      const indexes = pods.map(({ metadata }) => metadata?.annotations?.["batch.kubernetes.io/job-completion-index"]);
      expect(indexes.sort()).toEqual(["0", "1", "2"]);
      expect(pods.map(({ spec }) => spec?.hostname).sort()).toEqual(["indexed-0", "indexed-1", "indexed-2"]);
      expect(pods[0]?.spec?.containers[0]?.env?.map(({ name }) => name)).toEqual(["JOB_COMPLETION_INDEX"]);
    });

    it("runs nothing while suspended, and starts when it is resumed", async () => {
      await apply(job("later", { suspend: true }, 0));
      await eventually(async () => (await conditionsOf("later")).includes("Suspended True JobSuspended"), "it is suspended");
      expect((await jobOf("later")).status?.startTime).toBeUndefined();
      await patch("job/later", { spec: { suspend: false } });
      await k.run(["wait", "--for=condition=complete", "job/later", "--timeout=30s"]);
      expect(await conditionsOf("later")).toContain("Suspended False JobResumed");
    });

    it("fails with DeadlineExceeded after activeDeadlineSeconds, and its pods end", async () => {
      await apply(job("slow", { activeDeadlineSeconds: 1 }));
      await k.run(["wait", "--for=condition=failed", "job/slow", "--timeout=30s"]);
      expect(await conditionsOf("slow")).toContain("Failed True DeadlineExceeded");
      expect(await podsOfJob("slow")).toEqual([]);
    });

    it("obeys a pod failure policy", async () => {
      const rules = [{ action: "FailJob", onExitCodes: { operator: "In", values: [42] } }];
      await apply(job("fatal", { backoffLimit: 6, podFailurePolicy: { rules } }, 42));
      await k.run(["wait", "--for=condition=failed", "job/fatal", "--timeout=30s"]);
      expect(await conditionsOf("fatal")).toContain("Failed True PodFailurePolicy");
    });

    it("is deleted with its pods ttlSecondsAfterFinished after its end", async () => {
      await apply(job("brief", { ttlSecondsAfterFinished: 0 }, 0));
      const isGone = async () =>
        (await list("batch/v1", "Job")).every(({ metadata }) => metadata?.name !== "brief") &&
        (await podsOfJob("brief")).length === 0;
      await eventually(isGone, "job and pods are gone");
    });

    it("takes its pods with it when it is deleted, finalizers and all", async () => {
      await apply(job("running", { parallelism: 2, completions: 2 }));
      await eventually(async () => (await jobOf("running")).status?.ready === 2, "two pods run");
      await k.run(["delete", "job", "running"]);
      await eventually(async () => (await podsOfJob("running")).length === 0, "the pods are gone");
    });
  });

  describe("a CronJob", () => {
    const jobsOf = async (name: string) =>
      (await list<V1Job>("batch/v1", "Job")).filter(({ metadata }) =>
        metadata?.ownerReferences?.some((owner) => owner.kind === "CronJob" && owner.name === name),
      );

    it("starts a job at its time, named by the minute, and notes when", async () => {
      await apply(cronJob("often", "@every 1s", {}, 0));
      const [started] = await eventually(async () => {
        const jobs = await jobsOf("often");
        return jobs.length > 0 && jobs;
      }, "a job");
      expect(started?.metadata?.name).toMatch(/^often-\d{8}$/);
      expect(started?.metadata?.annotations).toHaveProperty(["batch.kubernetes.io/cronjob-scheduled-timestamp"]);
      const isNoted = async () =>
        (await read<V1CronJob>("batch/v1", "CronJob", "often")).status?.lastSuccessfulTime !== undefined;
      await eventually(isNoted, "lastSuccessfulTime");
      expect(await k.run(["get", "cronjob", "often", "--no-headers"])).toMatch(/^often\s+@every 1s\s/);
      await k.run(["delete", "cronjob", "often"]);
      await eventually(async () => (await jobsOf("often")).length === 0, "its jobs are gone");
    });

    it("that is suspended starts nothing by itself, but kubectl can start one from it", async () => {
      await apply(cronJob("manual", "@every 1s", { suspend: true }, 0));
      if (kubectl.minor >= 21) {
        await k.run(["create", "job", "by-hand", "--from=cronjob/manual"]);
        await k.run(["wait", "--for=condition=complete", "job/by-hand", "--timeout=30s"]);
      }
      expect((await jobsOf("manual")).filter(({ metadata }) => metadata?.name !== "by-hand")).toEqual([]);
    });
  });

  describe("a Deployment", () => {
    const deploymentOf = (name: string) => read<V1Deployment>("apps/v1", "Deployment", name);
    const sizesOf = async (name: string) =>
      (await list<V1ReplicaSet>("apps/v1", "ReplicaSet", `app=${name}`))
        .map(({ spec }) => [spec?.template?.spec?.containers[0]?.image?.split(":")[1], spec?.replicas] as const)
        .sort();

    it("adds and removes no more pods than surge and unavailable allow, percentages rounded up and down", async () => {
      const rollingUpdate = { maxSurge: "30%", maxUnavailable: "30%" };
      await apply(deployment("steps", { replicas: 5, strategy: { rollingUpdate } }));
      await rolledOut("deploy/steps");
      await k.run(["set", "image", "deploy/steps", "main=demo/web:broken"]);
      await eventually(async () => (await deploymentOf("steps")).status?.updatedReplicas === 3, "the rollout is stuck");
      expect(await sizesOf("steps")).toEqual([
        ["1.0.0", 4],
        ["broken", 3],
      ]);
    });

    it("that is scaled in the middle of a rollout grows in proportion", async () => {
      await k.run(["scale", "deploy/steps", "--replicas=10"]);
      const isScaled = async () => (await sizesOf("steps")).reduce((sum, [, size]) => sum + (size ?? 0), 0) === 13;
      await eventually(isScaled, "ten and the surge");
      expect(await sizesOf("steps")).toEqual([
        ["1.0.0", 7],
        ["broken", 6],
      ]);
    });

    it("names the deadline that a rollout missed, and recovers by undo", async () => {
      await patch("deploy/steps", { spec: { progressDeadlineSeconds: 1 } });
      const refusal = await k.refusal(["rollout", "status", "deploy/steps", "--timeout=30s"]);
      expect(refusal).toContain('deployment "steps" exceeded its progress deadline');
      const { status } = await deploymentOf("steps");
      expect(status?.conditions?.find(({ type }) => type === "Progressing")).toMatchObject({
        status: "False",
        reason: "ProgressDeadlineExceeded",
      });
      await patch("deploy/steps", { spec: { progressDeadlineSeconds: 600 } });
      await k.run(["rollout", "undo", "deploy/steps"]);
      await rolledOut("deploy/steps");
      expect(await sizesOf("steps")).toEqual([
        ["1.0.0", 10],
        ["broken", 0],
      ]);
      await k.run(["delete", "deploy", "steps"]);
    });

    it("with Recreate ends all old pods before it starts a new one", async () => {
      await apply(deployment("whole", { replicas: 2, strategy: { type: "Recreate" } }));
      await rolledOut("deploy/whole");
      const follow = k.follow(["get", "pods", "-l", "app=whole", "-w", "--no-headers"]);
      try {
        await eventually(async () => follow.lines.length >= 2, "the watch runs");
        await k.run(["set", "image", "deploy/whole", "main=demo/web:2.0.0"]);
        await rolledOut("deploy/whole");
        const old = new Set(follow.lines.slice(0, 2).map((line) => line.split(/\s+/)[0]));
        const firstNew = follow.lines.findIndex((line) => !old.has(line.split(/\s+/)[0]));
        const lastOld = follow.lines.findLastIndex((line) => old.has(line.split(/\s+/)[0]));
        expect(firstNew).toBeGreaterThan(lastOld);
      } finally {
        follow.stop();
      }
    });

    it("keeps no more old ReplicaSets than revisionHistoryLimit", async () => {
      await patch("deploy/whole", { spec: { revisionHistoryLimit: 1 } });
      for (const version of ["3.0.0", "4.0.0"]) {
        await k.run(["set", "image", "deploy/whole", `main=demo/web:${version}`]);
        await rolledOut("deploy/whole");
      }
      await eventually(async () => (await sizesOf("whole")).length === 2, "two ReplicaSets");
      expect(await sizesOf("whole")).toEqual([
        ["3.0.0", 0],
        ["4.0.0", 2],
      ]);
      expect(await k.refusal(["rollout", "undo", "deploy/whole", "--to-revision=1"])).toContain(
        "unable to find specified revision 1",
      );
      await k.run(["delete", "deploy", "whole"]);
    });

    it("counts a pod as available only after minReadySeconds", async () => {
      await apply(deployment("calm", { replicas: 1, minReadySeconds: 2 }));
      const early = await eventually(async () => {
        const current = await deploymentOf("calm");
        return current.status?.readyReplicas === 1 && current;
      }, "a ready pod");
      expect(early.status?.availableReplicas ?? 0).toBe(0);
      await rolledOut("deploy/calm");
      expect((await deploymentOf("calm")).status?.availableReplicas).toBe(1);
      await k.run(["delete", "deploy", "calm"]);
    });

    it("with neither surge nor unavailable is refused, and so is a surge with Recreate", async () => {
      const rollingUpdate = { maxSurge: 0, maxUnavailable: 0 };
      const stuck = deployment("stuck", { strategy: { rollingUpdate } });
      expect(await k.refusal(["create", "-f", "-"], JSON.stringify(stuck))).toContain(
        "spec.strategy.rollingUpdate.maxUnavailable: Invalid value: 0: may not be 0 when `maxSurge` is 0",
      );
      const mixed = deployment("mixed", { strategy: { type: "Recreate", rollingUpdate: { maxSurge: 1 } } });
      expect(await k.refusal(["create", "-f", "-"], JSON.stringify(mixed))).toContain(
        "may not be specified when strategy `type` is 'Recreate'",
      );
    });

    it("deletes the pod with the lowest deletion cost first", async () => {
      await apply(deployment("ranked", { replicas: 3 }));
      await rolledOut("deploy/ranked");
      const [cheap = "", ...others] = await namesOf("ranked");
      await k.run(["annotate", "pod", cheap, "controller.kubernetes.io/pod-deletion-cost=-5"]);
      await k.run(["scale", "deploy/ranked", "--replicas=2"]);
      await eventually(async () => (await namesOf("ranked")).length === 2, "two pods");
      expect(await namesOf("ranked")).toEqual(others);
      await k.run(["delete", "deploy", "ranked"]);
    });
  });
});
