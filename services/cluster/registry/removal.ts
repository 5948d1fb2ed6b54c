import type { DeleteOptions, KubeObject, ResourceId } from "../api.ts";
import { timestamp } from "../timestamp.ts";
import { withMetadata } from "./metadata.ts";

/** What a DELETE does to an object: nothing more, a change that marks it, or its removal. */
export type Removal = { action: "none" } | { action: "mark"; object: KubeObject } | { action: "remove" };

const defaultGraceSeconds = 30;

type PodFields = { spec?: { nodeName?: string; terminationGracePeriodSeconds?: number }; status?: { phase?: string } };

/**
 * Kubernetes: registry/rest/delete.go. A pod on a node waits for its kubelet; an object with finalizers waits for them; the
 * propagation policy is kept as a finalizer that the garbage collector takes off.
 */
export function planRemoval(id: ResourceId, stored: KubeObject, options: DeleteOptions, now: Date): Removal {
  const finalizers = finalizersFor(stored.metadata.finalizers ?? [], options.propagationPolicy);
  const graceSeconds = isPod(id) ? podGraceSeconds(stored, options) : 0;
  const isHeld = finalizers.length > 0 || isHeldNamespace(id, stored);
  if (graceSeconds === 0 && !isHeld) return { action: "remove" };

  const { deletionTimestamp, deletionGracePeriodSeconds = 0, generation } = stored.metadata;
  const isSoonEnough = deletionTimestamp !== undefined && graceSeconds >= deletionGracePeriodSeconds;
  if (isSoonEnough && finalizers.length === (stored.metadata.finalizers ?? []).length) return { action: "none" };
  const deadline = isSoonEnough ? deletionTimestamp : timestamp(new Date(now.getTime() + graceSeconds * 1000));
  const marked = withMetadata(stored, {
    deletionTimestamp: deadline,
    deletionGracePeriodSeconds: isSoonEnough ? deletionGracePeriodSeconds : graceSeconds,
    ...(generation !== undefined && deletionTimestamp === undefined ? { generation: generation + 1 } : {}),
    ...(finalizers.length > 0 ? { finalizers } : {}),
  });
  if (isNamespace(id)) marked.status = { ...(stored.status as object), phase: "Terminating" };
  return { action: "mark", object: marked };
}

/** An update that took off the last thing that held a deleted object removes it. */
export function isRemovedByUpdate(id: ResourceId, object: KubeObject): boolean {
  const { deletionTimestamp, deletionGracePeriodSeconds = 0, finalizers = [] } = object.metadata;
  if (deletionTimestamp === undefined || finalizers.length > 0 || isHeldNamespace(id, object)) return false;
  return !isPod(id) || deletionGracePeriodSeconds === 0;
}

function podGraceSeconds(pod: KubeObject, { gracePeriodSeconds }: DeleteOptions): number {
  const { spec, status } = pod as PodFields;
  if (!spec?.nodeName || status?.phase === "Succeeded" || status?.phase === "Failed") return 0;
  const seconds = gracePeriodSeconds ?? spec.terminationGracePeriodSeconds ?? defaultGraceSeconds;
  // A negative one is no wish to skip the kubelet.
  return seconds < 0 ? 1 : seconds;
}

function finalizersFor(finalizers: string[], policy: DeleteOptions["propagationPolicy"]): string[] {
  if (policy === undefined) return finalizers;
  const kept = finalizers.filter((one) => one !== "orphan" && one !== "foregroundDeletion");
  if (policy === "Orphan") return [...kept, "orphan"];
  return policy === "Foreground" ? [...kept, "foregroundDeletion"] : kept;
}

function isHeldNamespace(id: ResourceId, object: KubeObject): boolean {
  return isNamespace(id) && ((object.spec as { finalizers?: string[] } | undefined)?.finalizers ?? []).length > 0;
}

function isPod({ group, resource }: ResourceId): boolean {
  return group === "" && resource === "pods";
}

function isNamespace({ group, resource }: ResourceId): boolean {
  return group === "" && resource === "namespaces";
}
