import { isDeepStrictEqual } from "node:util";
import { type Change, resources } from "../../api.ts";
import { timestamp } from "../../timestamp.ts";
import { withCondition } from "../conditions.ts";
import { type Context, type Controller, runController } from "../controller.ts";
import type { Node, Pod } from "../objects.ts";
import { ignoreNotFound } from "../refusals.ts";
import { keyOf, sameResource, splitKey } from "../view.ts";
import type { Requeue } from "../work-queue.ts";
import { type Countdown, planEviction } from "./eviction-plan.ts";
import { noExecuteTaints } from "./tolerations.ts";

const source = "taint-eviction-controller";

/** Deletes the pods that do not tolerate a NoExecute taint of their node, or no longer do. */
export function startTaintEviction(context: Context): Controller {
  const { cluster, indexes, clock, timers } = context;
  const events = context.recorder(source);
  const countdowns = new Map<string, Countdown>();
  return runController(context, { name: source, keysFor, reconcile });

  function* keysFor({ id, type, object, previous }: Change): Iterable<string> {
    if (sameResource(id, resources.nodes)) {
      const before = noExecuteTaints(previous as Node | undefined);
      const after = type === "DELETED" ? [] : noExecuteTaints(object as Node);
      if (isDeepStrictEqual(before, after)) return;
      for (const pod of indexes.podsByNode.get(object.metadata.name)) yield keyOf(pod);
    } else if (sameResource(id, resources.pods)) {
      if (type === "DELETED") {
        if (countdowns.get(keyOf(object))?.uid === object.metadata.uid) countdowns.delete(keyOf(object));
      } else if (!previous || isNews(object as Pod, previous as Pod)) {
        yield keyOf(object);
      }
    }
  }

  async function reconcile(key: string): Promise<Requeue> {
    const { namespace, name } = splitKey(key);
    const pod = cluster.get<Pod>(resources.pods, namespace, name);
    const { nodeName } = pod?.spec ?? {};
    if (!pod || !nodeName || pod.metadata.deletionTimestamp) {
      countdowns.delete(key);
      return undefined;
    }
    const taints = noExecuteTaints(cluster.get<Node>(resources.nodes, "", nodeName));
    const nowMs = timers.nowMs();
    const known = countdowns.get(key);
    const plan = planEviction(pod, taints, known?.uid === pod.metadata.uid ? known : undefined, nowMs);
    switch (plan.action) {
      case "stay":
        if (countdowns.delete(key)) tell(pod, `Cancelling deletion of Pod ${namespace}/${name}`);
        return undefined;
      case "wait":
        countdowns.set(key, plan.countdown);
        return { afterMs: plan.countdown.deadlineMs - nowMs };
      case "evict":
        await evict(pod);
        countdowns.delete(key);
        return undefined;
    }
  }

  async function evict(pod: Pod): Promise<void> {
    const { namespace = "", name, uid } = pod.metadata;
    const conditions = withCondition(pod.status?.conditions, {
      type: "DisruptionTarget",
      status: "True",
      reason: "DeletionByTaintManager",
      message: "Taint manager: deleting due to NoExecute taint",
      lastTransitionTime: timestamp(clock.now()),
    });
    await cluster.updateStatus<Pod>(resources.pods, { ...pod, status: { ...pod.status, conditions } });
    tell(pod, `Marking for deletion Pod ${namespace}/${name}`);
    await cluster.delete(resources.pods, namespace, name, { preconditions: { uid } }).catch(ignoreNotFound);
  }

  function tell(pod: Pod, message: string): void {
    events.record(pod, { type: "Normal", reason: "TaintManagerEviction", message });
  }
}

function isNews(pod: Pod, previous: Pod): boolean {
  if (pod.spec === previous.spec) return false;
  return pod.spec.nodeName !== previous.spec.nodeName || !isDeepStrictEqual(pod.spec.tolerations, previous.spec.tolerations);
}
