import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createLogger } from "#lib/runtime/logger.ts";
import { type Cluster, type NewObject, resources } from "../../api.ts";
import { templateHash } from "../deployment/template.ts";
import type { Deployment, EndpointSlice, Endpoints, KubeEvent, Namespace, Node, Pod, ReplicaSet, Service } from "../objects.ts";
import { findCondition } from "../pod-state.ts";
import { startControllers } from "../start.ts";
import { eventually } from "./eventually.ts";
import { type FakeKubelet, startFakeKubelet } from "./fake-kubelet.ts";
import { FakeTime } from "./fake-time.ts";
import { node, template } from "./objects.ts";

/** Opens an empty cluster that has no namespace and no node yet. */
export type OpenCluster = (time: FakeTime) => Promise<{ cluster: Cluster; close: () => Promise<void> }>;

const logger = createLogger("controllers-test", "silent");
/** What the controllers do together, on whatever keeps the contract of api.ts. */
export function describeControllers(open: OpenCluster): void {
  let time: FakeTime;
  let cluster: Cluster;
  let close: () => Promise<void>;
  let controllers: { stop(): Promise<void> };
  let kubelet: FakeKubelet;

  beforeEach(async () => {
    time = new FakeTime();
    ({ cluster, close } = await open(time));
    const labels = { "kubernetes.io/metadata.name": "fleet" };
    const namespace = {
      apiVersion: "v1",
      kind: "Namespace",
      metadata: { name: "fleet", labels },
      spec: { finalizers: ["kubernetes"] },
    };
    await cluster.create<Namespace>(resources.namespaces, namespace);
    for (const name of ["node-1", "node-2", "node-3"]) {
      const { apiVersion, kind, metadata, spec, status } = node(name);
      await cluster.create<Node>(resources.nodes, {
        apiVersion,
        kind,
        metadata: { name, labels: metadata.labels },
        spec,
        status,
      });
    }
    controllers = startControllers({ cluster, logger, clock: time, timers: time });
    kubelet = startFakeKubelet(cluster, time, (image) => !image.includes("bad"));
  });

  afterEach(async () => {
    kubelet.stop();
    await controllers.stop();
    await close();
  });

  const relay = (spec: Partial<Deployment["spec"]> = {}): NewObject<Deployment> => ({
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "relay", namespace: "fleet" },
    spec: { replicas: 3, selector: { matchLabels: { app: "relay" } }, template: template(), ...spec },
  });

  const service = (): NewObject<Service> => ({
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "relay", namespace: "fleet" },
    spec: { clusterIP: "127.11.0.9", selector: { app: "relay" }, ports: [{ port: 80, targetPort: 8081 }] },
  });

  const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

  const getRelay = () => cluster.get<Deployment>(resources.deployments, "fleet", "relay");
  const pods = () => cluster.list<Pod>(resources.pods, { namespace: "fleet" });
  const sets = () => cluster.list<ReplicaSet>(resources.replicaSets, { namespace: "fleet" });
  const events = () => cluster.list<KubeEvent>(resources.events);

  async function change(spec: Partial<Deployment["spec"]>): Promise<void> {
    for (;;) {
      const current = getRelay();
      if (!current) throw new Error("no deployment");
      const done = await cluster
        .update<Deployment>(resources.deployments, { ...current, spec: { ...current.spec, ...spec } })
        .catch(() => undefined);
      if (done) return;
    }
  }

  function complete(): boolean {
    const current = getRelay();
    const { status, spec, metadata } = current ?? {};
    const counts = [status?.updatedReplicas, status?.replicas, status?.availableReplicas];
    return status?.observedGeneration === metadata?.generation && counts.every((count) => count === spec?.replicas);
  }

  describe("a deployment", () => {
    it("becomes a ReplicaSet and ready pods, spread over the nodes", async () => {
      await cluster.create(resources.deployments, relay());
      await eventually("the rollout is complete", complete);
      expect(
        pods()
          .map(({ spec }) => spec.nodeName)
          .sort(),
      ).toEqual(["node-1", "node-2", "node-3"]);
      expect(findCondition(getRelay()?.status?.conditions, "Progressing")?.reason).toBe("NewReplicaSetAvailable");
      expect(findCondition(getRelay()?.status?.conditions, "Available")?.reason).toBe("MinimumReplicasAvailable");
      expect(getRelay()?.metadata.annotations).toMatchObject({ "deployment.kubernetes.io/revision": "1" });
      await eventually("its events", () => events().some(({ reason }) => reason === "ScalingReplicaSet"));
    });

    it("scales up and down", async () => {
      await cluster.create(resources.deployments, relay());
      await eventually("the rollout is complete", complete);
      await change({ replicas: 5 });
      await eventually("five pods", () => complete() && pods().length === 5);
      await change({ replicas: 2 });
      await eventually("two pods", () => complete() && pods().length === 2);
      expect(sets()).toHaveLength(1);
      const messages = () =>
        events()
          .filter(({ reason }) => reason === "ScalingReplicaSet")
          .map(({ message }) => message);
      await eventually("the events", () => messages().length === 3);
      const reasons = () => new Set(events().map(({ reason }) => reason));
      const expected = ["ScalingReplicaSet", "SuccessfulCreate", "SuccessfulDelete", "Scheduled"];
      await eventually("the events of pods", () => expected.every((reason) => reasons().has(reason)));
      expect(messages().at(-1)).toBe(`Scaled down replica set ${sets()[0]?.metadata.name} to 2 from 5`);
    });

    it("rolls to a new template, and back to the old ReplicaSet under a new revision", async () => {
      await cluster.create(resources.deployments, relay());
      await eventually("the first rollout", complete);
      const [first] = sets();
      await change({ template: template("switchyard/relay:2.0.0") });
      await eventually("the second rollout", complete);
      expect(sets()).toHaveLength(2);
      await change({ template: template() });
      await eventually("the rollback", complete);
      expect(sets()).toHaveLength(2);
      const again = sets().find(({ metadata }) => metadata.uid === first?.metadata.uid);
      expect(again?.spec.replicas).toBe(3);
      expect(again?.metadata.annotations).toMatchObject({
        "deployment.kubernetes.io/revision": "3",
        "deployment.kubernetes.io/revision-history": "1",
      });
      expect(getRelay()?.metadata.annotations?.["deployment.kubernetes.io/revision"]).toBe("3");
    });

    it("keeps the old pods and reports the deadline when the new ones never become ready", async () => {
      await cluster.create(resources.deployments, relay({ progressDeadlineSeconds: 60 }));
      await eventually("the first rollout", complete);
      await change({ template: template("switchyard/relay:bad") });
      await eventually("a pod of the bad template", () => getRelay()?.status?.updatedReplicas === 1);
      expect(findCondition(getRelay()?.status?.conditions, "Progressing")?.status).toBe("True");
      time.advance(62_000);
      const failed = await eventually("the deadline", () => {
        const progressing = findCondition(getRelay()?.status?.conditions, "Progressing");
        return progressing?.reason === "ProgressDeadlineExceeded" && progressing;
      });
      expect(failed.status).toBe("False");
      expect(getRelay()?.status?.availableReplicas).toBe(3);
    });

    it("waits minReadySeconds before a pod counts as available", async () => {
      await cluster.create(resources.deployments, relay({ minReadySeconds: 30 }));
      await eventually("all pods are ready", () => getRelay()?.status?.readyReplicas === 3);
      expect(getRelay()?.status?.availableReplicas ?? 0).toBe(0);
      time.advance(30_000);
      await eventually("all pods are available", complete);
    });
  });

  describe("the controllers", () => {
    it("come to rest: nothing is written once everything is as it should be", async () => {
      await cluster.create(resources.deployments, relay());
      await cluster.create<Service>(resources.services, service());
      await eventually("the rollout is complete", complete);
      await pause(100);
      let writes = 0;
      const end = cluster.subscribe(() => {
        writes += 1;
      });
      await pause(200);
      end();
      expect(writes).toBe(0);
    });

    it("take up where others left off", async () => {
      await controllers.stop();
      await cluster.create(resources.deployments, relay());
      controllers = startControllers({ cluster, logger, clock: time, timers: time });
      await eventually("a ReplicaSet", () => sets().length === 1);
      await controllers.stop();
      await pause(20);
      controllers = startControllers({ cluster, logger, clock: time, timers: time });
      await eventually("the rollout is complete", complete);
      expect(pods()).toHaveLength(3);
      expect(sets()).toHaveLength(1);
    });

    it("choose another hash when the ReplicaSet's name is taken by someone else", async () => {
      await cluster.create(resources.deployments, relay({ paused: true }));
      // The server fills in defaults, and the hash covers them.
      const completed = getRelay()?.spec.template ?? template();
      const taken = `relay-${templateHash(completed)}`;
      await cluster.create<ReplicaSet>(resources.replicaSets, {
        apiVersion: "apps/v1",
        kind: "ReplicaSet",
        metadata: { name: taken, namespace: "fleet" },
        spec: { replicas: 0, selector: { matchLabels: { app: "other" } }, template: template("other", { app: "other" }) },
      });
      await change({ paused: false });
      await eventually("the retry's turn", () => {
        time.advance(5);
        return complete();
      });
      expect(getRelay()?.status?.collisionCount).toBe(1);
      expect(sets().map(({ metadata }) => metadata.name)).toContain(`relay-${templateHash(completed, 1)}`);
    });
  });

  describe("the namespaces that every cluster has", () => {
    it("are there from the start and come back when deleted, each with its service account", async () => {
      const lease = () => cluster.get(resources.namespaces, "", "kube-node-lease");
      const first = await eventually("the namespace", lease);
      await eventually("its service account", () => cluster.get(resources.serviceAccounts, "kube-node-lease", "default"));
      await cluster.delete(resources.namespaces, "", "kube-node-lease");
      await eventually("a new one", () => lease() !== undefined && lease()?.metadata.uid !== first.metadata.uid);
    });
  });

  describe("deletion", () => {
    it("takes ReplicaSets and pods with their deployment in the background", async () => {
      await cluster.create(resources.deployments, relay());
      await eventually("the rollout is complete", complete);
      await cluster.delete(resources.deployments, "fleet", "relay", { propagationPolicy: "Background" });
      await eventually("everything is gone", () => sets().length === 0 && pods().length === 0);
    });

    it("takes the dependents first in the foreground", async () => {
      await cluster.create(resources.deployments, relay());
      await eventually("the rollout is complete", complete);
      await cluster.delete(resources.deployments, "fleet", "relay", { propagationPolicy: "Foreground" });
      expect(getRelay()).toBeDefined();
      await eventually("everything is gone", () => !getRelay() && sets().length === 0 && pods().length === 0);
    });

    it("leaves the pods when the owner is orphaned", async () => {
      await cluster.create(resources.deployments, relay());
      await eventually("the rollout is complete", complete);
      await cluster.delete(resources.deployments, "fleet", "relay", { propagationPolicy: "Orphan" });
      await eventually("the deployment is gone", () => !getRelay());
      expect(sets()[0]?.metadata.ownerReferences ?? []).toEqual([]);
      expect(pods()).toHaveLength(3);
    });

    it("empties a namespace before it goes", async () => {
      await cluster.create(resources.deployments, relay());
      await eventually("the rollout is complete", complete);
      await eventually("its service account", () => cluster.get(resources.serviceAccounts, "fleet", "default"));
      await cluster.delete(resources.namespaces, "", "fleet");
      await eventually("the namespace is gone", () => !cluster.get(resources.namespaces, "", "fleet"));
      expect(pods()).toEqual([]);
    });

    it("forgets events after an hour", async () => {
      await cluster.create(resources.deployments, relay());
      await eventually("events", () => events().length > 0 && complete());
      time.advance(3_601_000);
      await eventually("no events of before", () =>
        events().every(({ lastTimestamp }) => Date.parse(lastTimestamp ?? "") > Date.parse("2026-01-01")),
      );
    });
  });

  describe("pods of a node that is gone", () => {
    it("are deleted after a while, and replaced elsewhere", async () => {
      await cluster.create(resources.deployments, relay());
      await eventually("the rollout is complete", complete);
      const lost = pods().find(({ spec }) => spec.nodeName === "node-2")?.metadata.name;
      await cluster.delete(resources.nodes, "", "node-2");
      await pause(20);
      expect(pods().map(({ metadata }) => metadata.name)).toContain(lost);
      time.advance(41_000);
      const replaced = () => pods().length === 3 && pods().every(({ spec }) => spec.nodeName && spec.nodeName !== "node-2");
      await eventually("the replacement", () => replaced() && complete());
      expect(pods().map(({ metadata }) => metadata.name)).not.toContain(lost);
    });
  });

  describe("a deployment that recreates", () => {
    it("never runs old and new pods together", async () => {
      await cluster.create(resources.deployments, relay({ strategy: { type: "Recreate" } }));
      await eventually("the first rollout", complete);
      let together = false;
      const end = cluster.subscribe(() => {
        if (new Set(pods().map(({ spec }) => spec.containers[0]?.image)).size > 1) together = true;
      });
      await change({ template: template("switchyard/relay:2.0.0") });
      await eventually("the second rollout", complete);
      end();
      expect(together).toBe(false);
      expect(pods().map(({ spec }) => spec.containers[0]?.image)).toEqual(Array(3).fill("switchyard/relay:2.0.0"));
    });
  });

  describe("scheduling", () => {
    it("says why no node fits, and places the pod once one does", async () => {
      for (const { metadata } of cluster.list<Node>(resources.nodes).slice(1))
        await cluster.delete(resources.nodes, "", metadata.name);
      const [only] = cluster.list<Node>(resources.nodes);
      if (!only) throw new Error("no node");
      const cordoned = await cluster.update<Node>(resources.nodes, { ...only, spec: { unschedulable: true } });
      await cluster.create(resources.deployments, relay({ replicas: 1 }));
      const scheduled = () => findCondition(pods()[0]?.status?.conditions, "PodScheduled");
      const refused = await eventually("the refusal", () => scheduled()?.status === "False" && scheduled());
      expect(refused).toMatchObject({
        reason: "Unschedulable",
        message: "0/1 nodes are available: 1 node(s) were unschedulable.",
      });
      await eventually("the event", () => events().some(({ reason }) => reason === "FailedScheduling"));
      const current = cluster.get<Node>(resources.nodes, "", cordoned.metadata.name);
      if (!current) throw new Error("no node");
      await cluster.update<Node>(resources.nodes, { ...current, spec: { ...current.spec, unschedulable: false } });
      await eventually("the pod runs", complete);
      expect(scheduled()).toMatchObject({ status: "True" });
    });
  });

  describe("a service", () => {
    it("has its ready pods in Endpoints and EndpointSlices, and loses them", async () => {
      await cluster.create(resources.deployments, relay());
      await eventually("the rollout is complete", complete);
      await cluster.create<Service>(resources.services, service());
      const endpoints = () => cluster.get<Endpoints>(resources.endpoints, "fleet", "relay")?.subsets?.[0];
      const slices = () =>
        cluster.list<EndpointSlice>(resources.endpointSlices, { labels: { "kubernetes.io/service-name": "relay" } });
      await eventually("three addresses", () => endpoints()?.addresses?.length === 3);
      expect(endpoints()?.ports).toEqual([{ port: 8081, protocol: "TCP" }]);
      expect(slices()).toHaveLength(1);
      expect(slices()[0]?.endpoints.map(({ conditions }) => conditions.ready)).toEqual([true, true, true]);
      await change({ replicas: 1 });
      await eventually("one address", () => endpoints()?.addresses?.length === 1 && slices()[0]?.endpoints.length === 1);
      await cluster.delete(resources.services, "fleet", "relay");
      await eventually("no endpoints", () => !cluster.get(resources.endpoints, "fleet", "relay") && slices().length === 0);
    });
  });

  describe("a service without a selector", () => {
    it("has the Endpoints that someone wrote mirrored into a slice, until they go", async () => {
      const { apiVersion, kind, metadata } = service();
      await cluster.create<Service>(resources.services, {
        apiVersion,
        kind,
        metadata,
        spec: { clusterIP: "127.11.0.9", ports: [{ port: 80 }] },
      });
      await cluster.create<Endpoints>(resources.endpoints, {
        apiVersion: "v1",
        kind: "Endpoints",
        metadata: { name: "relay", namespace: "fleet" },
        subsets: [{ addresses: [{ ip: "10.1.2.3" }], ports: [{ port: 80, protocol: "TCP" }] }],
      });
      const slices = () =>
        cluster.list<EndpointSlice>(resources.endpointSlices, { labels: { "kubernetes.io/service-name": "relay" } });
      const slice = await eventually("the slice", () => slices()[0]);
      expect(slice.endpoints.map(({ addresses }) => addresses)).toEqual([["10.1.2.3"]]);
      expect(slice.metadata.labels?.["endpointslice.kubernetes.io/managed-by"]).toBe("endpointslicemirroring-controller.k8s.io");
      await cluster.delete(resources.endpoints, "fleet", "relay");
      await eventually("no slice", () => slices().length === 0);
    });
  });

  describe("a node whose kubelet goes silent", () => {
    it("becomes unknown and tainted after 40 s, and its pods are no longer ready; a renewed lease keeps another node", async () => {
      // Pods that stay: others would be evicted at once, and ready again elsewhere.
      const { metadata, spec } = template();
      await cluster.create(
        resources.deployments,
        relay({ template: { metadata, spec: { ...spec, tolerations: [{ operator: "Exists" }] } } }),
      );
      await eventually("the rollout is complete", complete);
      kubelet.silence("node-2");
      kubelet.silence("node-3");
      time.advance(45_000);
      const ready = (name: string) =>
        findCondition(cluster.get<Node>(resources.nodes, "", name)?.status?.conditions, "Ready")?.status;
      await eventually("node-2 and node-3 are unknown", () => ready("node-2") === "Unknown" && ready("node-3") === "Unknown");
      expect(ready("node-1")).toBe("True");
      const kept = pods().filter(({ spec }) => spec.nodeName === "node-1").length;
      expect(kept).toBeLessThan(3);
      await eventually("their pods are not ready", () => (getRelay()?.status?.readyReplicas ?? 0) === kept);
      const taints = () =>
        cluster.get<Node>(resources.nodes, "", "node-2")?.spec?.taints?.map(({ key, effect }) => `${key}:${effect}`);
      await eventually("the taints", () => taints()?.length === 2);
      expect(taints()).toEqual(["node.kubernetes.io/unreachable:NoSchedule", "node.kubernetes.io/unreachable:NoExecute"]);
    });
  });
}
