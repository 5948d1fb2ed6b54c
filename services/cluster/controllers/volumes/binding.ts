import type { ObjectReference } from "../objects.ts";
import { parseQuantity } from "../quantity.ts";
import { matchesSelector } from "../selectors.ts";
import type { PersistentVolume, VolumeClaim } from "./types.ts";

/** The smallest free volume that satisfies the claim; one that was kept for it by name comes first. Kubernetes: pkg/controller/volume/persistentvolume. */
export function findVolume(claim: VolumeClaim, volumes: readonly PersistentVolume[]): PersistentVolume | undefined {
  const { volumeName } = claim.spec;
  if (volumeName) return volumes.find(({ metadata, spec }) => metadata.name === volumeName && isFreeFor(spec.claimRef, claim));
  const kept = volumes.find(({ spec }) => spec.claimRef && isFreeFor(spec.claimRef, claim));
  if (kept) return kept;
  return volumes
    .filter((volume) => !volume.spec.claimRef && !volume.metadata.deletionTimestamp && satisfies(volume, claim))
    .toSorted((left, right) => capacityOf(left) - capacityOf(right))[0];
}

/** A volume is kept for a claim by its name, and belongs to it by its uid. */
export function isFreeFor(reference: ObjectReference | undefined, { metadata }: VolumeClaim): boolean {
  if (!reference) return true;
  if (reference.namespace !== metadata.namespace || reference.name !== metadata.name) return false;
  return !reference.uid || reference.uid === metadata.uid;
}

export function isBoundTo({ spec }: PersistentVolume, { metadata }: VolumeClaim): boolean {
  return spec.claimRef?.uid === metadata.uid;
}

function satisfies(volume: PersistentVolume, claim: VolumeClaim): boolean {
  const { spec } = claim;
  if ((volume.spec.storageClassName ?? "") !== (spec.storageClassName ?? "")) return false;
  if ((volume.spec.volumeMode ?? "Filesystem") !== (spec.volumeMode ?? "Filesystem")) return false;
  if (!(spec.accessModes ?? []).every((mode) => volume.spec.accessModes?.includes(mode))) return false;
  if (spec.selector && !matchesSelector(spec.selector, volume.metadata.labels)) return false;
  return capacityOf(volume) >= (parseQuantity(spec.resources?.requests?.storage) ?? 0);
}

function capacityOf({ spec }: PersistentVolume): number {
  return parseQuantity(spec.capacity?.storage) ?? 0;
}
