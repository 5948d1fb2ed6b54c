import type { DeleteOptions, KubeObject, OwnerReference } from "../../api.ts";

export const foregroundFinalizer = "foregroundDeletion";
export const orphanFinalizer = "orphan";

/** What an owner reference points to. An owner of a kind that is not served counts as present: nothing is known against it. */
export type OwnerState = "present" | "gone" | "waiting";

export type GarbageWorld = {
  object: KubeObject;
  stateOf: (reference: OwnerReference) => OwnerState;
  /** The objects that name this one as an owner. */
  dependents: readonly KubeObject[];
};

export type GarbagePlan =
  | { action: "nothing" }
  | { action: "delete"; policy: NonNullable<DeleteOptions["propagationPolicy"]> }
  | { action: "release"; ownerUids: Set<string> }
  /** Delete the dependents, and take the finalizer off once none is left that blocks the owner. */
  | { action: "deleteDependents"; dependents: KubeObject[] }
  | { action: "orphanDependents"; dependents: KubeObject[] }
  | { action: "removeFinalizer"; finalizer: string };

/** What the garbage collector does with one object. Kubernetes: pkg/controller/garbagecollector. */
export function planGarbage({ object, stateOf, dependents }: GarbageWorld): GarbagePlan {
  const { deletionTimestamp, finalizers = [], ownerReferences = [], uid } = object.metadata;
  if (deletionTimestamp !== undefined && finalizers.includes(orphanFinalizer)) {
    if (dependents.length === 0) return { action: "removeFinalizer", finalizer: orphanFinalizer };
    return { action: "orphanDependents", dependents: [...dependents] };
  }
  if (deletionTimestamp !== undefined && finalizers.includes(foregroundFinalizer)) {
    if (!dependents.some((dependent) => blocks(dependent, uid)))
      return { action: "removeFinalizer", finalizer: foregroundFinalizer };
    return {
      action: "deleteDependents",
      dependents: dependents.filter(({ metadata }) => metadata.deletionTimestamp === undefined),
    };
  }
  if (deletionTimestamp !== undefined || ownerReferences.length === 0) return { action: "nothing" };

  const states = ownerReferences.map((reference) => ({ uid: reference.uid, state: stateOf(reference) }));
  if (states.some(({ state }) => state === "present")) {
    const others = states.filter(({ state }) => state !== "present").map((one) => one.uid);
    return others.length > 0 ? { action: "release", ownerUids: new Set(others) } : { action: "nothing" };
  }
  if (states.some(({ state }) => state === "waiting") && dependents.length > 0) return { action: "delete", policy: "Foreground" };
  if (finalizers.includes(orphanFinalizer)) return { action: "delete", policy: "Orphan" };
  return { action: "delete", policy: finalizers.includes(foregroundFinalizer) ? "Foreground" : "Background" };
}

function blocks({ metadata }: KubeObject, ownerUid: string): boolean {
  return (metadata.ownerReferences ?? []).some(({ uid, blockOwnerDeletion }) => uid === ownerUid && blockOwnerDeletion === true);
}

/** The state of an owner that was found or not found by name. */
export function stateOfOwner(reference: OwnerReference, found: KubeObject | undefined): OwnerState {
  if (!found || found.metadata.uid !== reference.uid) return "gone";
  const { deletionTimestamp, finalizers = [] } = found.metadata;
  return deletionTimestamp !== undefined && finalizers.includes(foregroundFinalizer) ? "waiting" : "present";
}
