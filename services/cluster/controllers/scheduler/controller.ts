import { isDeepStrictEqual } from "node:util";
import { type Change, resources } from "../../api.ts";
import { timestamp } from "../clock.ts";
import { withCondition } from "../conditions.ts";
import { type Context, type Controller, runController } from "../controller.ts";
import type { Condition, Namespace, Node, Pod } from "../objects.ts";
import { findCondition, hasEnded } from "../pod-state.ts";
import { keyOf, sameResource, splitKey } from "../view.ts";
import type { Requeue } from "../work-queue.ts";
import { hasPodAffinity, labelsOfNamespace } from "./affinity.ts";
import { placePod } from "./plan.ts";
import { type NodeInfo, nodeInfoOf, type Snapshot } from "./snapshot.ts";

const schedulerName = "default-scheduler";

/** Gives every pending pod a node. */
export function startScheduler(context: Context): Controller {
  const { cluster, indexes, clock } = context;
  const events = context.recorder(schedulerName);
  /** Pods that no node could take, and whether they depend on where other pods are. */
  const unplaced = new Map<string, boolean>();
  const infos = new Map<string, NodeInfo>();
  /** Pods whose node is decided but not yet written: the next pod must already count them. */
  const assumed = new Map<string, { pod: Pod; node: string }>();

  context.view.onChange(forget);
  return runController(context, { name: "scheduler", concurrency: 16, keysFor, reconcile });

  function forget({ id, type, object }: Change): void {
    if (sameResource(id, resources.nodes)) infos.delete(object.metadata.name);
    if (!sameResource(id, resources.pods)) return;
    const { nodeName } = (object as Pod).spec;
    if (nodeName) infos.delete(nodeName);
    if (type === "DELETED") unplaced.delete(keyOf(object));
  }

  function* keysFor({ id, type, object, previous }: Change): Iterable<string> {
    if (sameResource(id, resources.pods)) {
      const pod = object as Pod;
      const before = previous as Pod | undefined;
      if (type !== "DELETED" && (needsNode(pod) ? isNews(pod, before) : lacksNote(pod))) yield keyOf(pod);
      if (!pod.spec.nodeName) return;
      if (type === "DELETED" || (before && hasEnded(pod) && !hasEnded(before))) yield* unplaced.keys();
      else if (!before?.spec.nodeName) for (const [key, dependsOnOthers] of unplaced) if (dependsOnOthers) yield key;
    } else if (sameResource(id, resources.nodes)) {
      if (type === "DELETED" || !previous || nodeChanged(object as Node, previous as Node)) yield* unplaced.keys();
    }
  }

  async function reconcile(key: string): Promise<Requeue> {
    const { namespace, name } = splitKey(key);
    const pod = cluster.get<Pod>(resources.pods, namespace, name);
    if (!pod || !needsNode(pod)) {
      unplaced.delete(key);
      if (pod && lacksNote(pod)) await setScheduled(pod, { type: "PodScheduled", status: "True" });
      return undefined;
    }
    const placement = placePod(pod, snapshot());
    if ("node" in placement) {
      await bind(key, pod, placement.node);
      unplaced.delete(key);
    } else {
      unplaced.set(key, hasPodAffinity(pod));
      await refuse(pod, placement.message);
    }
    return undefined;
  }

  async function bind(key: string, pod: Pod, node: string): Promise<void> {
    assumed.set(key, { pod, node });
    infos.delete(node);
    try {
      await cluster.update<Pod>(resources.pods, { ...pod, spec: { ...pod.spec, nodeName: node } });
      const message = `Successfully assigned ${pod.metadata.namespace}/${pod.metadata.name} to ${node}`;
      events.record(pod, { type: "Normal", reason: "Scheduled", message });
    } finally {
      assumed.delete(key);
      infos.delete(node);
    }
  }

  async function refuse(pod: Pod, message: string): Promise<void> {
    const before = findCondition(pod.status?.conditions, "PodScheduled");
    events.record(pod, { type: "Warning", reason: "FailedScheduling", message });
    if (before?.status === "False" && before.message === message) return;
    await setScheduled(pod, { type: "PodScheduled", status: "False", reason: "Unschedulable", message });
  }

  async function setScheduled(pod: Pod, condition: Condition): Promise<void> {
    const time = { lastProbeTime: null, lastTransitionTime: timestamp(clock.now()) };
    const others = withCondition(pod.status?.conditions, { ...condition, ...time });
    const conditions = others.map((one) => (one.type === condition.type ? { ...one, ...condition } : one));
    if (isDeepStrictEqual(conditions, pod.status?.conditions)) return;
    await cluster.updateStatus<Pod>(resources.pods, { ...pod, status: { phase: "Pending", ...pod.status, conditions } });
  }

  function snapshot(): Snapshot {
    const nodes = cluster.list<Node>(resources.nodes).map(nodeInfo);
    const namespaceLabels = (name: string) => labelsOfNamespace(cluster.get<Namespace>(resources.namespaces, "", name));
    return { nodes, namespaceLabels };
  }

  function nodeInfo(node: Node): NodeInfo {
    const { name } = node.metadata;
    const remembered = infos.get(name);
    if (remembered) return remembered;
    const pods = indexes.podsByNode.get(name).filter((pod) => !hasEnded(pod));
    const present = new Set(pods.map(({ metadata }) => metadata.uid));
    for (const entry of assumed.values()) {
      if (entry.node === name && !present.has(entry.pod.metadata.uid)) pods.push(entry.pod);
    }
    const info = nodeInfoOf(node, pods);
    infos.set(name, info);
    return info;
  }
}

function needsNode({ spec, metadata, status }: Pod): boolean {
  if (spec.nodeName || metadata.deletionTimestamp || status?.phase === "Succeeded" || status?.phase === "Failed") return false;
  return (spec.schedulerName ?? schedulerName) === schedulerName && !(spec.schedulingGates as unknown[] | undefined)?.length;
}

/** Has a node, but its status does not say so yet. */
function lacksNote(pod: Pod): boolean {
  return !!pod.spec.nodeName && !hasEnded(pod) && findCondition(pod.status?.conditions, "PodScheduled")?.status !== "True";
}

/** The scheduler's own note that a pod has no node is no reason to try that pod again. */
function isNews(pod: Pod, previous: Pod | undefined): boolean {
  return (
    !previous || !isDeepStrictEqual(pod.spec, previous.spec) || !isDeepStrictEqual(pod.metadata.labels, previous.metadata.labels)
  );
}

/** Heartbeats do not count. */
function nodeChanged(node: Node, previous: Node): boolean {
  const relevant = ({ spec, metadata, status }: Node) => [
    spec?.unschedulable ?? false,
    spec?.taints ?? [],
    metadata.labels ?? {},
    status?.allocatable ?? {},
    (status?.conditions ?? []).map(({ type, status: value }) => [type, value]),
  ];
  return !isDeepStrictEqual(relevant(node), relevant(previous));
}
