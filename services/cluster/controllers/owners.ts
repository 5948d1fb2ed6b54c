import type { KubeObject, OwnerReference } from "../api.ts";

/** The one owner that manages the object, if any. */
export function controllerOf(object: KubeObject): OwnerReference | undefined {
  return object.metadata.ownerReferences?.find((reference) => reference.controller === true);
}

export function controllerReference(owner: KubeObject): OwnerReference {
  const { apiVersion, kind, metadata } = owner;
  return { apiVersion, kind, name: metadata.name, uid: metadata.uid, controller: true, blockOwnerDeletion: true };
}

export function isControlledBy(object: KubeObject, owner: KubeObject): boolean {
  return controllerOf(object)?.uid === owner.metadata.uid;
}

/** The object with the owner as its controller. */
export function adopted<T extends KubeObject>(object: T, owner: KubeObject): T {
  const others = object.metadata.ownerReferences ?? [];
  return { ...object, metadata: { ...object.metadata, ownerReferences: [...others, controllerReference(owner)] } };
}

/** The object without its references to the given owners. */
export function released<T extends KubeObject>(object: T, ownerUids: ReadonlySet<string>): T {
  const kept = (object.metadata.ownerReferences ?? []).filter((reference) => !ownerUids.has(reference.uid));
  const { ownerReferences: _, ...metadata } = object.metadata;
  return { ...object, metadata: kept.length > 0 ? { ...metadata, ownerReferences: kept } : metadata };
}
