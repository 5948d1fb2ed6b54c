import { type Change, resources } from "../../api.ts";
import { microTimestamp } from "../../timestamp.ts";
import { type Context, type Controller, runController } from "../controller.ts";
import type { Lease, Node, Pod } from "../objects.ts";
import { ignoreExisting, ignoreNotFound } from "../refusals.ts";
import { keyOf, sameResource, splitKey } from "../view.ts";
import type { Requeue } from "../work-queue.ts";
import { isVirtual, nodeStatus, podAddress, renewalMs, runningStatus } from "./plan.ts";

const leaseNamespace = "kube-node-lease";
const leaseSeconds = 40;

/** Stands where the kubelets of virtual nodes would be: keeps the nodes ready, reports their pods as running, and ends them. */
export function startVirtualNodes(context: Context): Controller {
  const { cluster, clock, view, indexes } = context;
  const podsByAddress = view.index<Pod>(resources.pods, ({ status }) => (status?.podIP ? [status.podIP] : []));
  let lastAddress = 0;
  const nodes = runController(context, { name: "virtual-nodes", keysFor: nodeKeys, reconcile: reconcileNode });
  const pods = runController(context, { name: "virtual-pods", concurrency: 64, keysFor: podKeys, reconcile: reconcilePod });
  return {
    name: "virtual-nodes",
    async stop() {
      await Promise.all([nodes.stop(), pods.stop()]);
    },
  };

  function* nodeKeys({ id, object }: Change): Iterable<string> {
    if (sameResource(id, resources.nodes) && isVirtual(object as Node)) yield object.metadata.name;
  }

  function* podKeys({ id, type, object, previous }: Change): Iterable<string> {
    if (type === "DELETED") return;
    if (sameResource(id, resources.pods)) {
      const { nodeName } = (object as Pod).spec;
      if (nodeName && isVirtual(cluster.get<Node>(resources.nodes, "", nodeName))) yield keyOf(object);
    } else if (sameResource(id, resources.nodes) && isVirtual(object as Node) && !isVirtual(previous as Node | undefined)) {
      for (const pod of indexes.podsByNode.get(object.metadata.name)) yield keyOf(pod);
    }
  }

  async function reconcileNode(name: string): Promise<Requeue> {
    const node = cluster.get<Node>(resources.nodes, "", name);
    if (!isVirtual(node)) return undefined;
    const status = nodeStatus(node, clock.now());
    if (status) await cluster.updateStatus<Node>(resources.nodes, { ...node, status });
    const dueMs = await renewLease(node);
    return { afterMs: dueMs };
  }

  /** Renews the lease when it is due, and tells in how many milliseconds it is due again. */
  async function renewLease(node: Node): Promise<number> {
    const { name } = node.metadata;
    const now = clock.now();
    const renewMs = Math.min(renewalMs(name), context.nodeGraceMs / 4);
    const lease = cluster.get<Lease>(resources.leases, leaseNamespace, name);
    const dueMs = Date.parse(lease?.spec?.renewTime ?? "") + renewMs - now.getTime();
    if (dueMs > 0 && dueMs <= renewMs) return dueMs;
    const renewTime = microTimestamp(now);
    const spec = { holderIdentity: name, leaseDurationSeconds: leaseSeconds, renewTime };
    if (lease) {
      await cluster.update<Lease>(resources.leases, { ...lease, spec: { ...lease.spec, ...spec } });
      return renewMs;
    }
    const ownerReferences = [{ apiVersion: "v1", kind: "Node", name, uid: node.metadata.uid }];
    const metadata = { name, namespace: leaseNamespace, ownerReferences };
    if (!cluster.get(resources.namespaces, "", leaseNamespace)) await createLeaseNamespace();
    await cluster.create<Lease>(resources.leases, { apiVersion: "coordination.k8s.io/v1", kind: "Lease", metadata, spec });
    return renewMs;
  }

  async function createLeaseNamespace(): Promise<void> {
    const metadata = { name: leaseNamespace };
    await cluster.create(resources.namespaces, { apiVersion: "v1", kind: "Namespace", metadata }).catch(ignoreExisting);
  }

  async function reconcilePod(key: string): Promise<Requeue> {
    const { namespace, name } = splitKey(key);
    const pod = cluster.get<Pod>(resources.pods, namespace, name);
    if (!pod?.spec.nodeName || !isVirtual(cluster.get<Node>(resources.nodes, "", pod.spec.nodeName))) return undefined;
    if (pod.metadata.deletionTimestamp) {
      const options = { gracePeriodSeconds: 0, preconditions: { uid: pod.metadata.uid } };
      await cluster.delete(resources.pods, namespace, name, options).catch(ignoreNotFound);
      return undefined;
    }
    const status = runningStatus(pod, takeAddress, clock.now());
    if (status) await cluster.updateStatus<Pod>(resources.pods, { ...pod, status });
    return undefined;
  }

  function takeAddress(): string {
    do lastAddress += 1;
    while (podsByAddress.count(podAddress(lastAddress)) > 0);
    return podAddress(lastAddress);
  }
}
