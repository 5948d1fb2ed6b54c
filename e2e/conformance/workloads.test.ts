import type { V1ControllerRevision, V1PersistentVolume } from "@kubernetes/client-node";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { eventually, startTestCluster, type TestCluster } from "./harness.ts";
import { findKubectls, type Kubectl } from "./kubectl.ts";
import { StandInKubelet } from "./stand-in-kubelet.ts";
import { claim, podTemplate, statefulSet } from "./workload-manifests.ts";
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

const storage = { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "64Mi" } } };

describe.each(findKubectls())("workloads with kubectl $version and the client library", (kubectl: Kubectl) => {
  const namespace = `workloads-${kubectl.minor}`;
  let on: WorkloadSession;

  beforeAll(async () => {
    on = await WorkloadSession.open(cluster, kubectl, namespace);
  });

  describe("a StatefulSet", () => {
    it("gives its pods stable names, identities and their claims, in order", async () => {
      await on.apply(statefulSet("db", { volumeClaimTemplates: [{ metadata: { name: "data" }, spec: storage }] }));
      await on.rolledOut("sts/db");
      const pods = await on.pods("db");
      expect(pods.map(({ metadata }) => metadata?.name).sort()).toEqual(["db-0", "db-1", "db-2"]);
      const [first] = pods.filter(({ metadata }) => metadata?.name === "db-0");
      const revision = (await on.statefulSet("db")).status?.currentRevision;
      expect(first?.metadata?.labels).toMatchObject({
        "statefulset.kubernetes.io/pod-name": "db-0",
        "apps.kubernetes.io/pod-index": "0",
        "controller-revision-hash": revision,
      });
      expect(first?.spec).toMatchObject({ hostname: "db-0", subdomain: "db" });
      expect(first?.spec?.volumes).toContainEqual({ name: "data", persistentVolumeClaim: { claimName: "data-db-0" } });
      expect(await on.k.run(["get", "sts", "db", "--no-headers"])).toMatch(/^db\s+3\/3\s/);
    });

    it("binds each claim to a volume of the default class", async () => {
      const table = await on.k.run(["get", "pvc", "--no-headers"]);
      for (const ordinal of [0, 1, 2]) {
        expect(table).toMatch(new RegExp(`^data-db-${ordinal}\\s+Bound\\s+pvc-\\S+\\s+64Mi\\s+RWO\\s+standard\\s`, "m"));
      }
      const bound = await on.claim("data-db-0");
      const volume = await on.read<V1PersistentVolume>("v1", "PersistentVolume", bound.spec?.volumeName ?? "");
      expect(volume.spec).toMatchObject({ persistentVolumeReclaimPolicy: "Delete", claimRef: { name: "data-db-0", namespace } });
      expect(volume.status?.phase).toBe("Bound");
    });

    it("makes a deleted pod anew under the same name and with the same claim", async () => {
      const after = await on.replacePod("db-1");
      await on.rolledOut("sts/db");
      expect(after.spec?.volumes).toContainEqual({ name: "data", persistentVolumeClaim: { claimName: "data-db-1" } });
    });

    it("removes the highest ordinal first when it shrinks, and keeps the claims for when it grows again", async () => {
      const claimBefore = await on.claim("data-db-2");
      await on.k.run(["scale", "sts/db", "--replicas=1"]);
      await eventually(async () => (await on.podNames("db")).join() === "db-0", "one pod");
      await on.k.run(["scale", "sts/db", "--replicas=3"]);
      await on.rolledOut("sts/db");
      const claimAfter = await on.claim("data-db-2");
      expect(claimAfter.metadata?.uid).toBe(claimBefore.metadata?.uid);
    });

    it("rolls out below its partition only when the partition is lowered", async () => {
      await on.patch("sts/db", { spec: { updateStrategy: { type: "RollingUpdate", rollingUpdate: { partition: 2 } } } });
      await on.k.run(["set", "image", "sts/db", "main=demo/store:2.0.0"]);
      expect(await on.rolledOut("sts/db")).toContain("partitioned roll out complete: 1 new pods have been updated");
      expect(await on.images("db")).toEqual({
        "db-0": "demo/store:1.0.0",
        "db-1": "demo/store:1.0.0",
        "db-2": "demo/store:2.0.0",
      });
      const { status } = await on.statefulSet("db");
      expect(status).toMatchObject({ updatedReplicas: 1, currentReplicas: 2 });
      expect(status?.currentRevision).not.toBe(status?.updateRevision);
      await on.replacePod("db-0");
      await eventually(async () => (await on.statefulSet("db")).status?.readyReplicas === 3, "db-0 is ready again");
      expect((await on.images("db"))["db-0"]).toBe("demo/store:1.0.0");
      await on.patch("sts/db", { spec: { updateStrategy: { rollingUpdate: { partition: 0 } } } });
      await on.rolledOut("sts/db");
      expect(new Set(Object.values(await on.images("db")))).toEqual(new Set(["demo/store:2.0.0"]));
    });

    it("keeps its history as ControllerRevisions, and rolls back under a new number", async () => {
      expect(await on.k.run(["rollout", "history", "sts/db"])).toMatch(/^1\s[\s\S]*^2\s/m);
      expect(await on.k.run(["rollout", "history", "sts/db", "--revision=1"])).toContain("demo/store:1.0.0");
      expect(await on.k.run(["rollout", "undo", "sts/db"])).toContain("rolled back");
      await on.rolledOut("sts/db");
      expect(new Set(Object.values(await on.images("db")))).toEqual(new Set(["demo/store:1.0.0"]));
      const revisions = await on.list<V1ControllerRevision>("apps/v1", "ControllerRevision", "app=db");
      expect(revisions.map(({ revision }) => revision).sort()).toEqual([2, 3]);
    });

    it("restarts every pod on request", async () => {
      const before = (await on.pods("db")).map(({ metadata }) => metadata?.uid);
      await on.k.run(["rollout", "restart", "sts/db"]);
      await on.rolledOut("sts/db");
      expect((await on.pods("db")).filter(({ metadata }) => before.includes(metadata?.uid))).toEqual([]);
    });

    it("leaves its claims when it is deleted, and deletes them with whenDeleted: Delete", async () => {
      await on.k.run(["delete", "sts", "db"]);
      await eventually(async () => (await on.podNames("db")).length === 0, "no pods");
      expect(await on.claimNames()).toEqual(["data-db-0", "data-db-1", "data-db-2"]);
      const volumeClaimTemplates = [{ metadata: { name: "scratch" }, spec: storage }];
      const persistentVolumeClaimRetentionPolicy = { whenDeleted: "Delete", whenScaled: "Retain" };
      await on.apply(statefulSet("cache", { replicas: 1, volumeClaimTemplates, persistentVolumeClaimRetentionPolicy }));
      await on.rolledOut("sts/cache");
      await on.k.run(["delete", "sts", "cache"]);
      const isGone = async () => !(await on.claimNames()).some((name) => name.startsWith("scratch"));
      await eventually(isGone, "the claim went with the set");
      await on.k.run(["delete", "pvc", "--all"]);
      await eventually(async () => !(await on.k.run(["get", "pv"])).includes(namespace), "the volumes went with the claims");
    });

    it("waits for a broken pod even when the template is mended, until the pod is deleted", async () => {
      await on.apply(statefulSet("pair", { replicas: 2 }));
      await on.rolledOut("sts/pair");
      await on.k.run(["set", "image", "sts/pair", "main=demo/store:broken"]);
      await eventually(async () => (await on.images("pair"))["pair-1"] === "demo/store:broken", "the broken pod");
      await on.k.run(["rollout", "undo", "sts/pair"]);
      const isObserved = async () => {
        const { metadata, status } = await on.statefulSet("pair");
        return status?.observedGeneration === metadata?.generation;
      };
      await eventually(isObserved, "the mended template is observed");
      expect(await on.images("pair")).toEqual({ "pair-0": "demo/store:1.0.0", "pair-1": "demo/store:broken" });
      await on.replacePod("pair-1");
      await on.rolledOut("sts/pair");
      expect((await on.images("pair"))["pair-1"]).toBe("demo/store:1.0.0");
    });

    it("with OnDelete replaces only what somebody deletes", async () => {
      await on.apply(statefulSet("manual", { replicas: 2, updateStrategy: { type: "OnDelete" } }));
      await eventually(async () => (await on.statefulSet("manual")).status?.readyReplicas === 2, "two pods");
      await on.k.run(["set", "image", "sts/manual", "main=demo/store:2.0.0"]);
      await on.replacePod("manual-0");
      await eventually(async () => (await on.images("manual"))["manual-0"] === "demo/store:2.0.0", "manual-0 is new");
      expect((await on.images("manual"))["manual-1"]).toBe("demo/store:1.0.0");
    });

    it("with Parallel does not wait for the pods before, and numbers from spec.ordinals.start", async () => {
      const spec = { podManagementPolicy: "Parallel", ordinals: { start: 5 } };
      await on.apply(statefulSet("burst", spec, "demo/store:broken"));
      await eventually(async () => (await on.podNames("burst")).join() === "burst-5,burst-6,burst-7", "three pods at once");
      await on.k.run(["delete", "sts", "burst", "manual", "pair"]);
    });
  });

  it("refuses to change what a StatefulSet's pods were made with", async () => {
    await on.apply(statefulSet("fixed", { replicas: 0 }));
    const refusal = await on.k.refusal(["patch", "sts", "fixed", "--type=merge", "-p", '{"spec":{"serviceName":"other"}}']);
    expect(refusal).toContain("spec: Forbidden: updates to statefulset spec for fields other than 'replicas', 'ordinals'");
  });

  describe("a claim", () => {
    it("in use is kept until its last pod is gone", async () => {
      await on.apply(claim("held"));
      const spec = podTemplate("user", "demo/store:1.0.0").spec;
      const volumes = [{ name: "data", persistentVolumeClaim: { claimName: "held" } }];
      await on.apply({ apiVersion: "v1", kind: "Pod", metadata: { name: "user" }, spec: { ...spec, volumes } });
      await eventually(async () => (await on.claim("held")).status?.phase === "Bound", "it is bound");
      await on.k.run(["delete", "pvc", "held", "--wait=false"]);
      expect(await on.k.run(["get", "pvc", "held", "--no-headers"])).toMatch(/^held\s+Terminating\s/);
      expect((await on.claim("held")).metadata?.finalizers).toEqual(["kubernetes.io/pvc-protection"]);
      await on.k.run(["delete", "pod", "user"]);
      await eventually(async () => !(await on.claimNames()).includes("held"), "it is gone");
    });

    it("cannot be changed or grow", async () => {
      await on.apply(claim("firm"));
      await eventually(async () => (await on.claim("firm")).status?.phase === "Bound", "it is bound");
      const change = (spec: object) => on.k.refusal(["patch", "pvc", "firm", "--type=merge", "-p", JSON.stringify({ spec })]);
      expect(await change({ accessModes: ["ReadOnlyMany"] })).toContain(
        "spec is immutable after creation except resources.requests",
      );
      expect(await change({ resources: { requests: { storage: "1Gi" } } })).toContain("must support resize");
      await on.k.run(["delete", "pvc", "firm"]);
    });

    it("of a class that does not exist waits, and says why", async () => {
      await on.apply(claim("fast", { storageClassName: "fast" }));
      const says = async () =>
        (await on.k.run(["describe", "pvc", "fast"])).includes('storageclass.storage.k8s.io "fast" not found');
      await eventually(says, "the event");
      expect(await on.k.run(["get", "pvc", "fast", "--no-headers"])).toMatch(/^fast\s+Pending\s/);
      await on.k.run(["delete", "pvc", "fast"]);
    });
  });
});
