import { type Change, resources } from "../../api.ts";
import { timestamp } from "../../timestamp.ts";
import { type Context, type Controller, runController } from "../controller.ts";
import type { Condition, Lease, Node, Pod } from "../objects.ts";
import { findCondition, hasEnded } from "../pod-state.ts";
import { sameResource } from "../view.ts";
import type { Requeue } from "../work-queue.ts";
import { desiredTaints, unknownConditions } from "./plan.ts";
import { evictionMode, isNodeReady } from "./zones.ts";

const leaseNamespace = "kube-node-lease";

/** When this process last saw a node's kubelet write something. The nodes' own clocks are not trusted. */
type SignOfLife = { written: string; seenMs: number };

/** Watches the kubelets' signs of life: a silent node becomes Unknown and tainted, and its pods are no longer ready. */
export function startNodeController(context: Context): Controller {
  const { cluster, indexes, clock, timers, nodeGraceMs } = context;
  const events = context.recorder("node-controller");
  const signs = new Map<string, SignOfLife>();
  return runController(context, { name: "node-lifecycle", keysFor, reconcile });

  function* keysFor({ id, type, object, previous }: Change): Iterable<string> {
    if (sameResource(id, resources.nodes)) {
      const wasReady = previous && isNodeReady(previous as Node);
      // How many nodes are lost decides whether any node's pods are evicted.
      if (type === "DELETED" || wasReady !== isNodeReady(object as Node)) {
        for (const { metadata } of cluster.list(resources.nodes)) yield metadata.name;
      }
      yield object.metadata.name;
    }
    if (sameResource(id, resources.leases) && object.metadata.namespace === leaseNamespace) yield object.metadata.name;
  }

  async function reconcile(name: string): Promise<Requeue> {
    const node = cluster.get<Node>(resources.nodes, "", name);
    if (!node) {
      signs.delete(name);
      return undefined;
    }
    const remainingMs = remainingGrace(node);
    const current = remainingMs > 0 ? node : await markUnknown(node);
    const taints = desiredTaints(current, clock.now(), evictionMode(current, cluster.list<Node>(resources.nodes)));
    if (taints) await cluster.update<Node>(resources.nodes, { ...current, spec: { ...current.spec, taints } });
    if (findCondition(current.status?.conditions, "Ready")?.status !== "True") await markPodsNotReady(current);
    return remainingMs > 0 ? { afterMs: remainingMs } : undefined;
  }

  function remainingGrace(node: Node): number {
    const { name } = node.metadata;
    const lease = cluster.get<Lease>(resources.leases, leaseNamespace, name);
    const heartbeat = findCondition(node.status?.conditions, "Ready")?.lastHeartbeatTime ?? "";
    const written = `${node.metadata.uid} ${lease?.spec?.renewTime ?? ""} ${heartbeat}`;
    const nowMs = timers.nowMs();
    const known = signs.get(name);
    const seenMs = known?.written === written ? known.seenMs : nowMs;
    signs.set(name, { written, seenMs });
    return seenMs + nodeGraceMs - nowMs;
  }

  async function markUnknown(node: Node): Promise<Node> {
    const conditions = unknownConditions(node, clock.now());
    if (!conditions) return node;
    const message = `Node ${node.metadata.name} status is now: NodeNotReady`;
    const marked = await cluster.updateStatus<Node>(resources.nodes, { ...node, status: { ...node.status, conditions } });
    events.record(node, { type: "Normal", reason: "NodeNotReady", message });
    return marked;
  }

  async function markPodsNotReady(node: Node): Promise<void> {
    for (const pod of indexes.podsByNode.get(node.metadata.name)) {
      const ready = findCondition(pod.status?.conditions, "Ready");
      if (hasEnded(pod) || ready?.status !== "True") continue;
      const changed: Condition = { ...ready, status: "False", lastTransitionTime: timestamp(clock.now()) };
      const conditions = (pod.status?.conditions ?? []).map((one) => (one === ready ? changed : one));
      await cluster.updateStatus<Pod>(resources.pods, { ...pod, status: { ...pod.status, conditions } });
      events.record(pod, { type: "Warning", reason: "NodeNotReady", message: "Node is not ready" });
    }
  }
}
