import type { V1PersistentVolumeClaimSpec, V1PersistentVolumeSpec, V1StorageClass } from "@kubernetes/client-node";

/** Source: pkg/apis/core/v1/defaults.go. */
export function setClaimDefaults(spec: V1PersistentVolumeClaimSpec): void {
  spec.volumeMode ??= "Filesystem";
}

export function setVolumeDefaults(spec: V1PersistentVolumeSpec): void {
  spec.persistentVolumeReclaimPolicy ??= "Retain";
  spec.volumeMode ??= "Filesystem";
  if (spec.hostPath) spec.hostPath.type ??= "";
}

/** Source: pkg/apis/storage/v1/defaults.go. */
export function setStorageClassDefaults(storageClass: V1StorageClass): void {
  storageClass.reclaimPolicy ??= "Delete";
  storageClass.volumeBindingMode ??= "Immediate";
}
