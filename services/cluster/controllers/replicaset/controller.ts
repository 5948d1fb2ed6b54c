import { type Change, type NewObject, resources, StatusError } from "../../api.ts";
import { type Context, type Controller, runController } from "../controller.ts";
import { podsWithLabels } from "../indexes.ts";
import type { Pod, ReplicaSet } from "../objects.ts";
import { adopted, controllerOf, controllerReference, released } from "../owners.ts";
import { isActive } from "../pod-state.ts";
import { isNamespaceTerminating, messageOf } from "../refusals.ts";
import { isEmptySelector, matchesSelector } from "../selectors.ts";
import { keyOf, sameResource, splitKey } from "../view.ts";
import type { Requeue } from "../work-queue.ts";
import { planReplicaSet, planStatus, type StatusWorld } from "./plan.ts";

/** Keeps as many pods as each ReplicaSet wants. */
export function startReplicaSetController(context: Context): Controller {
  const { cluster, indexes, clock } = context;
  const events = context.recorder("replicaset-controller");

  return runController(context, { name: "replicaset", keysFor, reconcile });

  function* keysFor({ id, object, previous }: Change): Iterable<string> {
    if (sameResource(id, resources.replicaSets)) yield keyOf(object);
    if (!sameResource(id, resources.pods)) return;
    for (const pod of previous ? [object, previous] : [object]) {
      const owner = controllerOf(pod);
      if (!owner) yield* adopters(pod as Pod);
      else if (owner.kind === "ReplicaSet") yield `${pod.metadata.namespace}/${owner.name}`;
    }
  }

  function adopters(pod: Pod): string[] {
    if (!isActive(pod) || Object.keys(pod.metadata.labels ?? {}).length === 0) return [];
    return cluster
      .list<ReplicaSet>(resources.replicaSets, { namespace: pod.metadata.namespace })
      .filter(({ spec }) => !isEmptySelector(spec.selector) && matchesSelector(spec.selector, pod.metadata.labels))
      .map(keyOf);
  }

  async function reconcile(key: string): Promise<Requeue> {
    const { namespace, name } = splitKey(key);
    const replicaSet = cluster.get<ReplicaSet>(resources.replicaSets, namespace, name);
    if (!replicaSet || isEmptySelector(replicaSet.spec.selector)) return undefined;
    const { uid } = replicaSet.metadata;
    const orphans = podsWithLabels(indexes, namespace, replicaSet.spec.selector.matchLabels ?? {}).filter(
      (pod) => !controllerOf(pod),
    );
    const related = relatedPods(replicaSet);
    const plan = planReplicaSet({ replicaSet, owned: indexes.podsByController.get(uid), orphans, related, now: clock.now() });
    for (const pod of plan.release) await cluster.update<Pod>(resources.pods, released(pod, new Set([uid])));
    for (const pod of plan.adopt) await cluster.update<Pod>(resources.pods, adopted(pod, replicaSet));

    const error = plan.create > 0 ? await createPods(replicaSet, plan.create) : await deletePods(replicaSet, plan.remove);
    const requeueAfterMs = await syncStatus(
      key,
      error && { ...error, reason: plan.create > 0 ? "FailedCreate" : "FailedDelete" },
    );
    if (error) throw error.cause;
    return requeueAfterMs === undefined ? undefined : { afterMs: requeueAfterMs };
  }

  function relatedPods(replicaSet: ReplicaSet): Pod[] {
    const owner = controllerOf(replicaSet);
    const sets = owner ? indexes.replicaSetsByController.get(owner.uid) : [replicaSet];
    return sets.flatMap(({ metadata }) => indexes.podsByController.get(metadata.uid)).filter(isActive);
  }

  async function syncStatus(key: string, failure: StatusWorld["failure"]): Promise<number | undefined> {
    const { namespace, name } = splitKey(key);
    const replicaSet = cluster.get<ReplicaSet>(resources.replicaSets, namespace, name);
    if (!replicaSet) return undefined;
    const owned = indexes.podsByController.get(replicaSet.metadata.uid);
    const { status, requeueAfterMs } = planStatus({ replicaSet, owned, failure, now: clock.now() });
    if (status) await cluster.updateStatus<ReplicaSet>(resources.replicaSets, { ...replicaSet, status });
    return requeueAfterMs;
  }

  /** Batches of 1, 2, 4, ... pods, so that an error that meets all of them is met once and not hundreds of times. */
  async function createPods(replicaSet: ReplicaSet, count: number): Promise<Failure | undefined> {
    for (let created = 0, batch = 1; created < count; created += batch, batch = Math.min(batch * 2, count - created)) {
      const failure = firstFailure(await Promise.allSettled(Array.from({ length: batch }, () => createPod(replicaSet))));
      if (failure) return failure;
    }
    return undefined;
  }

  async function createPod(replicaSet: ReplicaSet): Promise<void> {
    try {
      const pod = await cluster.create<Pod>(resources.pods, podFrom(replicaSet));
      events.record(replicaSet, { type: "Normal", reason: "SuccessfulCreate", message: `Created pod: ${pod.metadata.name}` });
    } catch (error) {
      const message = `Error creating: ${messageOf(error)}`;
      if (!isNamespaceTerminating(error)) events.record(replicaSet, { type: "Warning", reason: "FailedCreate", message });
      throw error;
    }
  }

  async function deletePods(replicaSet: ReplicaSet, pods: readonly Pod[]): Promise<Failure | undefined> {
    return firstFailure(await Promise.allSettled(pods.map((pod) => deletePod(replicaSet, pod))));
  }

  async function deletePod(replicaSet: ReplicaSet, { metadata }: Pod): Promise<void> {
    try {
      const preconditions = { uid: metadata.uid };
      await cluster.delete(resources.pods, metadata.namespace ?? "", metadata.name, { preconditions });
      events.record(replicaSet, { type: "Normal", reason: "SuccessfulDelete", message: `Deleted pod: ${metadata.name}` });
    } catch (error) {
      if (error instanceof StatusError && error.code === 404) return;
      events.record(replicaSet, { type: "Warning", reason: "FailedDelete", message: `Error deleting: ${messageOf(error)}` });
      throw error;
    }
  }
}

type Failure = { message: string; cause: unknown };

function firstFailure(results: readonly PromiseSettledResult<void>[]): Failure | undefined {
  const rejected = results.find((result) => result.status === "rejected");
  return rejected && { message: messageOf(rejected.reason), cause: rejected.reason };
}

function podFrom(replicaSet: ReplicaSet): NewObject<Pod> {
  const { metadata, spec } = replicaSet.spec.template;
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      generateName: `${replicaSet.metadata.name}-`,
      namespace: replicaSet.metadata.namespace,
      labels: metadata?.labels,
      ...(metadata?.annotations ? { annotations: metadata.annotations } : {}),
      ...(Array.isArray(metadata?.finalizers) ? { finalizers: metadata.finalizers } : {}),
      ownerReferences: [controllerReference(replicaSet)],
    },
    spec,
  };
}
