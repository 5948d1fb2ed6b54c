import { type Change, resources } from "../../api.ts";
import { timestamp } from "../../timestamp.ts";
import { withCondition } from "../conditions.ts";
import { type Context, type Controller, runController } from "../controller.ts";
import type { Node, Pod } from "../objects.ts";
import { findCondition, hasEnded } from "../pod-state.ts";
import { ignoreNotFound } from "../refusals.ts";
import { keyOf, sameResource, splitKey } from "../view.ts";
import type { Requeue } from "../work-queue.ts";

const outOfService = "node.kubernetes.io/out-of-service";
const endedPodsKept = 12_500;

/** Deletes pods that nobody else will: of nodes that are gone or declared out of service, being deleted without ever having had a node, or too many ended ones. */
export function startPodGarbageCollector(context: Context): Controller {
  const { cluster, view, indexes, clock, timers } = context;
  /** A node may come back at once, for example when its kubelet registers again. */
  const nodeGoneForMs = context.nodeGraceMs;
  const missingSinceMs = new Map<string, number>();
  const ended = view.index<Pod>(resources.pods, (pod) => (hasEnded(pod) ? ["ended"] : []));
  return runController(context, { name: "pod-gc", keysFor, reconcile });

  function* keysFor({ id, type, object, previous }: Change): Iterable<string> {
    if (sameResource(id, resources.nodes)) {
      missingSinceMs.delete(object.metadata.name);
      const concernsPods = type === "DELETED" || isOutOfService(object as Node);
      if (concernsPods) for (const pod of indexes.podsByNode.get(object.metadata.name)) yield keyOf(pod);
    }
    if (!sameResource(id, resources.pods) || type === "DELETED") return;
    const pod = object as Pod;
    const bound = pod.spec.nodeName !== undefined && (previous as Pod | undefined)?.spec.nodeName === undefined;
    if (bound || pod.metadata.deletionTimestamp) yield keyOf(pod);
    if (hasEnded(pod) && ended.count("ended") > endedPodsKept) yield* surplus();
  }

  function surplus(): string[] {
    const oldestFirst = ended
      .get("ended")
      .toSorted((a, b) => (a.metadata.creationTimestamp < b.metadata.creationTimestamp ? -1 : 1));
    return oldestFirst.slice(0, oldestFirst.length - endedPodsKept).map(keyOf);
  }

  async function reconcile(key: string): Promise<Requeue> {
    const { namespace, name } = splitKey(key);
    const pod = cluster.get<Pod>(resources.pods, namespace, name);
    if (!pod) return undefined;
    const node = pod.spec.nodeName;
    const tooMany = hasEnded(pod) && ended.count("ended") > endedPodsKept;
    if (tooMany || (!node && pod.metadata.deletionTimestamp)) {
      await remove(pod);
      return undefined;
    }
    if (!node) return undefined;
    const existing = cluster.get<Node>(resources.nodes, "", node);
    if (existing) {
      if (pod.metadata.deletionTimestamp && isOutOfService(existing)) await remove(await markFailed(pod));
      return undefined;
    }
    const nowMs = timers.nowMs();
    const sinceMs = missingSinceMs.get(node) ?? nowMs;
    missingSinceMs.set(node, sinceMs);
    if (nowMs - sinceMs < nodeGoneForMs) return { afterMs: sinceMs + nodeGoneForMs - nowMs };
    await remove(await markFailed(pod, "PodGC: node no longer exists"));
    return undefined;
  }

  async function markFailed(pod: Pod, disruption?: string): Promise<Pod> {
    if (hasEnded(pod)) return pod;
    const conditions = disruption
      ? withCondition(pod.status?.conditions, {
          type: "DisruptionTarget",
          status: "True",
          reason: "DeletionByPodGC",
          message: disruption,
          lastTransitionTime: timestamp(clock.now()),
        })
      : pod.status?.conditions;
    return cluster.updateStatus<Pod>(resources.pods, { ...pod, status: { ...pod.status, phase: "Failed", conditions } });
  }

  async function remove({ metadata }: Pod): Promise<void> {
    const options = { gracePeriodSeconds: 0, preconditions: { uid: metadata.uid } };
    await cluster.delete(resources.pods, metadata.namespace ?? "", metadata.name, options).catch(ignoreNotFound);
  }
}

/** A person has declared that the node is down for good: what still stands as running there does not run. */
function isOutOfService({ spec, status }: Node): boolean {
  const isReady = findCondition(status?.conditions, "Ready")?.status === "True";
  return !isReady && (spec?.taints ?? []).some(({ key }) => key === outOfService);
}
