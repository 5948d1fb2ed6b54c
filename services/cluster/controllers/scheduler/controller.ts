import { isDeepStrictEqual } from "node:util";
import { type Change, resources } from "../../api.ts";
import { timestamp } from "../../timestamp.ts";
import { withCondition } from "../conditions.ts";
import { type Context, type Controller, runController } from "../controller.ts";
import type { Condition, Namespace, Node, Pod } from "../objects.ts";
import { findCondition, hasEnded } from "../pod-state.ts";
import { keyOf, sameResource, splitKey } from "../view.ts";
import type { PersistentVolume, VolumeClaim } from "../volumes/types.ts";
import type { Requeue } from "../work-queue.ts";
import type { Storage } from "./claims.ts";
import { ClusterState } from "./cluster-state.ts";
import { placePod } from "./plan.ts";
import { type Waiting, waitingFor } from "./waiting.ts";

const schedulerName = "default-scheduler";
/** A pod that waits is looked at again now and then, as in Kubernetes, and its event told again. */
const retryMs = 300_000;

/** Gives every pending pod a node. Nobody is preempted. */
export function startScheduler(context: Context): Controller {
  const { cluster, clock } = context;
  const events = context.recorder(schedulerName);
  const waiting = new Map<string, Waiting>();
  const state = new ClusterState((name) => cluster.get<Namespace>(resources.namespaces, "", name)?.metadata.labels);

  const storage: Storage = {
    findClaim: (namespace, name) => cluster.get<VolumeClaim>(resources.persistentVolumeClaims, namespace, name),
    findVolume: (name) => cluster.get<PersistentVolume>(resources.persistentVolumes, "", name),
  };

  context.view.onChange(follow);
  return runController(context, { name: "scheduler", concurrency: 16, keysFor, reconcile });

  function follow({ id, type, object, previous }: Change): void {
    if (sameResource(id, resources.nodes)) {
      if (type === "DELETED") state.removeNode(object.metadata.name);
      else state.setNode(object as Node);
    } else if (sameResource(id, resources.pods)) {
      const pod = object as Pod;
      const { nodeName } = pod.spec;
      if (type === "DELETED" || hasEnded(pod)) state.remove(pod.metadata.uid);
      else if (nodeName) state.place(pod, nodeName);
      if (type === "DELETED") waiting.delete(keyOf(pod));
    } else if (sameResource(id, resources.namespaces)) {
      if (!isDeepStrictEqual(object.metadata.labels, previous?.metadata.labels)) state.counts.forgetNamespaceLabels();
    }
  }

  function* keysFor({ id, type, object, previous }: Change): Iterable<string> {
    if (sameResource(id, resources.pods)) {
      const pod = object as Pod;
      const before = previous as Pod | undefined;
      if (type !== "DELETED" && (isOurs(pod) ? isNews(pod, before) : lacksNote(pod))) yield keyOf(pod);
      if (waiting.size === 0 || !pod.spec.nodeName) return;
      const hasLeft = type === "DELETED" || (before && hasEnded(pod) && !hasEnded(before));
      const hasCome = !before?.spec.nodeName;
      if (hasLeft) yield* waiting.keys();
      else if (hasCome) for (const [key, { needsOthers }] of waiting) if (needsOthers) yield key;
    } else if (sameResource(id, resources.nodes)) {
      if (type === "DELETED" || !previous || nodeChanged(object as Node, previous as Node)) yield* waiting.keys();
    } else if (sameResource(id, resources.persistentVolumeClaims)) {
      for (const [key, { claims }] of waiting) if (claims.has(keyOf(object))) yield key;
    }
  }

  async function reconcile(key: string): Promise<Requeue> {
    const { namespace, name } = splitKey(key);
    const pod = cluster.get<Pod>(resources.pods, namespace, name);
    if (!pod || !isOurs(pod)) {
      waiting.delete(key);
      if (pod && lacksNote(pod)) await setScheduled(pod, { type: "PodScheduled", status: "True" });
      return undefined;
    }
    if (pod.spec.schedulingGates?.length) {
      const message = "Scheduling is blocked due to non-empty scheduling gates";
      await setScheduled(pod, { type: "PodScheduled", status: "False", reason: "SchedulingGated", message });
      return undefined;
    }
    const placement = placePod(pod, state, storage);
    if ("message" in placement) return refuse(key, pod, placement.message);
    waiting.delete(key);
    await bind(pod, placement.node);
    return undefined;
  }

  async function bind(pod: Pod, node: string): Promise<void> {
    const { namespace = "", name, uid } = pod.metadata;
    // The next pod must count this one before it is written.
    state.place(pod, node);
    try {
      await cluster.bind(namespace, name, node);
    } catch (error) {
      const current = cluster.get<Pod>(resources.pods, namespace, name);
      if (current?.metadata.uid !== uid || !current.spec.nodeName) state.remove(uid);
      throw error;
    }
    const message = `Successfully assigned ${namespace}/${name} to ${node}`;
    events.record(pod, { type: "Normal", reason: "Scheduled", message });
  }

  async function refuse(key: string, pod: Pod, message: string): Promise<Requeue> {
    const known = waiting.get(key);
    const nowMs = clock.now().getTime();
    const isTold = known?.message === message && nowMs - known.toldMs < retryMs;
    waiting.set(key, waitingFor(pod, message, isTold ? known.toldMs : nowMs));
    if (!isTold) events.record(pod, { type: "Warning", reason: "FailedScheduling", message });
    await setScheduled(pod, { type: "PodScheduled", status: "False", reason: "Unschedulable", message });
    return { afterMs: retryMs };
  }

  async function setScheduled(pod: Pod, condition: Condition): Promise<void> {
    const time = { lastProbeTime: null, lastTransitionTime: timestamp(clock.now()) };
    const others = withCondition(pod.status?.conditions, { ...condition, ...time });
    const conditions = others.map((one) => (one.type === condition.type ? { ...one, ...condition } : one));
    if (isDeepStrictEqual(conditions, pod.status?.conditions)) return;
    await cluster.updateStatus<Pod>(resources.pods, { ...pod, status: { phase: "Pending", ...pod.status, conditions } });
  }
}

function isOurs({ spec, metadata, status }: Pod): boolean {
  if (spec.nodeName || metadata.deletionTimestamp || status?.phase === "Succeeded" || status?.phase === "Failed") return false;
  return (spec.schedulerName ?? schedulerName) === schedulerName;
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
