import { type Change, resources } from "../../api.ts";
import { timestamp } from "../clock.ts";
import { withCondition } from "../conditions.ts";
import { type Context, type Controller, runController } from "../controller.ts";
import type { Node, Pod } from "../objects.ts";
import { hasEnded } from "../pod-state.ts";
import { ignoreNotFound } from "../refusals.ts";
import { keyOf, sameResource, splitKey } from "../view.ts";
import type { Requeue } from "../work-queue.ts";

/** A node may come back at once, for example when its kubelet registers again. */
export const nodeGoneForMs = 40_000;
const endedPodsKept = 12_500;

/** Deletes pods that nobody else will: of nodes that are gone, being deleted without ever having had a node, or too many ended ones. */
export function startPodGarbageCollector(context: Context): Controller {
  const { cluster, view, indexes, clock } = context;
  const missingSinceMs = new Map<string, number>();
  const ended = view.index<Pod>(resources.pods, (pod) => (hasEnded(pod) ? ["ended"] : []));
  return runController(context, { name: "pod-gc", keysFor, reconcile });

  function* keysFor({ id, type, object, previous }: Change): Iterable<string> {
    if (sameResource(id, resources.nodes)) {
      missingSinceMs.delete(object.metadata.name);
      if (type === "DELETED") for (const pod of indexes.podsByNode.get(object.metadata.name)) yield keyOf(pod);
    }
    if (!sameResource(id, resources.pods) || type === "DELETED") return;
    const pod = object as Pod;
    const bound = pod.spec.nodeName !== undefined && (previous as Pod | undefined)?.spec.nodeName === undefined;
    if (bound || (!pod.spec.nodeName && pod.metadata.deletionTimestamp)) yield keyOf(pod);
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
    if (!node || cluster.get<Node>(resources.nodes, "", node)) return undefined;
    const nowMs = clock.now().getTime();
    const sinceMs = missingSinceMs.get(node) ?? nowMs;
    missingSinceMs.set(node, sinceMs);
    if (nowMs - sinceMs < nodeGoneForMs) return { afterMs: sinceMs + nodeGoneForMs - nowMs };
    await remove(await markFailed(pod));
    return undefined;
  }

  async function markFailed(pod: Pod): Promise<Pod> {
    if (hasEnded(pod)) return pod;
    const conditions = withCondition(pod.status?.conditions, {
      type: "DisruptionTarget",
      status: "True",
      reason: "DeletionByPodGC",
      message: "PodGC: node no longer exists",
      lastTransitionTime: timestamp(clock.now()),
    });
    return cluster.updateStatus<Pod>(resources.pods, { ...pod, status: { ...pod.status, phase: "Failed", conditions } });
  }

  async function remove({ metadata }: Pod): Promise<void> {
    const options = { gracePeriodSeconds: 0, preconditions: { uid: metadata.uid } };
    await cluster.delete(resources.pods, metadata.namespace ?? "", metadata.name, options).catch(ignoreNotFound);
  }
}
