import { type Cluster, resources } from "../../api.ts";
import { timestamp } from "../../timestamp.ts";
import type { Condition, Lease, Node, Pod } from "../objects.ts";

import type { FakeTime } from "./fake-time.ts";

export type FakeKubelet = {
  /** From now on the node's kubelet does nothing: it neither renews the lease nor runs or ends a pod. */
  silence(node: string): void;
  stop(): void;
};

/** Stands where the kubelets stand: runs assigned pods whose image is good, and ends pods that are being deleted, and renews the leases. */
export function startFakeKubelet(cluster: Cluster, time: FakeTime, isGood: (image: string) => boolean = () => true): FakeKubelet {
  let addresses = 1;
  const started = new Set<string>();
  const silent = new Set<string>();

  async function run(key: { namespace: string; name: string }): Promise<void> {
    const pod = cluster.get<Pod>(resources.pods, key.namespace, key.name);
    if (!pod?.spec.nodeName || silent.has(pod.spec.nodeName)) return;
    if (pod.metadata.deletionTimestamp) {
      await cluster.delete(resources.pods, key.namespace, key.name, { gracePeriodSeconds: 0 });
      return;
    }
    if (started.has(pod.metadata.uid) || !isGood(pod.spec.containers[0]?.image ?? "")) return;
    addresses += 1;
    const since = timestamp(time.now());
    const ready: Condition = { type: "Ready", status: "True", lastTransitionTime: since };
    const conditions = [...(pod.status?.conditions ?? []).filter(({ type }) => type !== "Ready"), ready];
    const status = { ...pod.status, phase: "Running" as const, podIP: `127.10.10.${addresses}`, conditions };
    await cluster.updateStatus<Pod>(resources.pods, { ...pod, status });
    started.add(pod.metadata.uid);
  }

  function attempt(key: { namespace: string; name: string }, tries = 20): void {
    setImmediate(() => {
      run(key).catch(() => {
        if (tries > 0) attempt(key, tries - 1);
      });
    });
  }

  let calledOff = beat();

  function beat(): () => void {
    for (const { metadata } of cluster.list<Node>(resources.nodes)) if (!silent.has(metadata.name)) void renew(metadata.name);
    return time.after(10_000, () => {
      calledOff = beat();
    });
  }

  async function renew(name: string): Promise<void> {
    const spec = { holderIdentity: name, renewTime: time.now().toISOString() };
    const lease = cluster.get<Lease>(resources.leases, "kube-node-lease", name);
    const metadata = { name, namespace: "kube-node-lease" };
    if (lease) await cluster.update<Lease>(resources.leases, { ...lease, spec }).catch(() => undefined);
    else
      await cluster
        .create<Lease>(resources.leases, { apiVersion: "coordination.k8s.io/v1", kind: "Lease", metadata, spec })
        .catch(() => undefined);
  }

  const end = cluster.subscribe(({ id, type, object }) => {
    if (id.resource !== "pods" || type === "DELETED") return;
    attempt({ namespace: object.metadata.namespace ?? "", name: object.metadata.name });
  });
  return {
    silence: (node) => silent.add(node),
    stop() {
      calledOff();
      end();
    },
  };
}
