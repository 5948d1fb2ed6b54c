import { isDeepStrictEqual } from "node:util";
import type { Change, KubeObject, OwnerReference, ResourceId } from "../../api.ts";
import { type Context, type Controller, runController } from "../controller.ts";
import { released } from "../owners.ts";
import { ignoreNotFound } from "../refusals.ts";
import type { Requeue } from "../work-queue.ts";
import {
  foregroundFinalizer,
  type GarbagePlan,
  type OwnerState,
  orphanFinalizer,
  planGarbage,
  stateOfOwner,
} from "./garbage-plan.ts";
import { decodeKey, encodeKey } from "./object-key.ts";

/** Deletes what has lost its owners, and completes foreground and orphan deletions. */
export function startGarbageCollector(context: Context): Controller {
  const { cluster, view } = context;
  const dependents = view.index(undefined, ({ metadata }) => (metadata.ownerReferences ?? []).map(({ uid }) => uid));
  return runController(context, { name: "garbage-collector", keysFor, reconcile });

  function* keysFor({ id, type, object, previous }: Change): Iterable<string> {
    const { metadata } = object;
    const isNews = !previous || !isDeepStrictEqual(relevant(object), relevant(previous));
    if (type !== "DELETED" && isNews && (metadata.ownerReferences || metadata.deletionTimestamp)) yield encodeKey(id, object);
    if (type === "DELETED") {
      for (const dependent of dependents.get(metadata.uid)) yield encodeKey(idOf(dependent), dependent);
      // An owner that waits for its dependents looks again when one of them is gone.
      for (const reference of metadata.ownerReferences ?? []) {
        const owner = placeOf(reference, object);
        if (owner) yield encodeKey(owner.id, { metadata: { name: reference.name, namespace: owner.namespace } });
      }
    }
  }

  function placeOf(reference: OwnerReference, dependent: KubeObject): { id: ResourceId; namespace: string } | undefined {
    const kind = view.kinds.find(reference);
    return kind && { id: kind.id, namespace: kind.namespaced ? (dependent.metadata.namespace ?? "") : "" };
  }

  async function reconcile(key: string): Promise<Requeue> {
    const { id, namespace, name } = decodeKey(key);
    const object = cluster.get(id, namespace, name);
    if (!object) return undefined;
    const stateOf = (reference: OwnerReference) => ownerState(object, reference);
    await apply(id, object, planGarbage({ object, stateOf, dependents: dependents.get(object.metadata.uid) }));
    return undefined;
  }

  function ownerState(object: KubeObject, reference: OwnerReference): OwnerState {
    const owner = placeOf(reference, object);
    if (!owner) return "present";
    return stateOfOwner(reference, cluster.get(owner.id, owner.namespace, reference.name));
  }

  async function apply(id: ResourceId, object: KubeObject, plan: GarbagePlan): Promise<void> {
    const { metadata } = object;
    switch (plan.action) {
      case "nothing":
        return;
      case "delete":
        return remove(id, object, plan.policy);
      case "release":
        await cluster.update(id, released(object, plan.ownerUids));
        return;
      case "removeFinalizer": {
        const finalizers = (metadata.finalizers ?? []).filter((one) => one !== plan.finalizer);
        await cluster.update(id, { ...object, metadata: { ...metadata, finalizers } }).catch(ignoreNotFound);
        return;
      }
      case "deleteDependents":
        for (const dependent of plan.dependents) await remove(idOf(dependent), dependent, policyFor(dependent));
        return;
      case "orphanDependents":
        for (const dependent of plan.dependents)
          await cluster.update(idOf(dependent), released(dependent, new Set([metadata.uid])));
        return apply(id, object, { action: "removeFinalizer", finalizer: orphanFinalizer });
    }
  }

  function idOf(object: KubeObject): ResourceId {
    const kind = view.kinds.find(object);
    if (!kind) throw new Error(`the kind ${object.apiVersion} ${object.kind} is not served`);
    return kind.id;
  }

  /** A dependent that has dependents of its own goes in the foreground too: the whole tree falls from the leaves. */
  function policyFor(dependent: KubeObject): "Foreground" | "Background" {
    return dependents.count(dependent.metadata.uid) > 0 ? "Foreground" : "Background";
  }

  async function remove(
    id: ResourceId,
    { metadata }: KubeObject,
    propagationPolicy: "Background" | "Foreground" | "Orphan",
  ): Promise<void> {
    const options = { propagationPolicy, preconditions: { uid: metadata.uid } };
    await cluster.delete(id, metadata.namespace ?? "", metadata.name, options).catch(ignoreNotFound);
  }
}

function relevant({ metadata }: KubeObject): unknown[] {
  const waits = metadata.finalizers?.some((one) => one === foregroundFinalizer || one === orphanFinalizer) ?? false;
  return [metadata.ownerReferences ?? [], metadata.deletionTimestamp ?? null, waits];
}
