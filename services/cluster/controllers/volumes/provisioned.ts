import { join, resolve } from "node:path";
import type { NewObject } from "../../api.ts";
import type { PersistentVolume, StorageClass, VolumeClaim } from "./types.ts";

export const localProvisioner = "switchyard.dev/local";
export const claimProtection = "kubernetes.io/pvc-protection";
export const volumeProtection = "kubernetes.io/pv-protection";
const provisionedBy = "pv.kubernetes.io/provisioned-by";

/** A volume that is a directory of its own, made for one claim. The kubelet creates the directory when it mounts it. */
export function newVolume(claim: VolumeClaim, storageClass: StorageClass, volumesDir: string): NewObject<PersistentVolume> {
  const { namespace, name: claimName, uid, resourceVersion } = claim.metadata;
  const name = `pvc-${uid}`;
  return {
    apiVersion: "v1",
    kind: "PersistentVolume",
    metadata: { name, annotations: { [provisionedBy]: localProvisioner }, finalizers: [volumeProtection] },
    spec: {
      capacity: { storage: claim.spec.resources?.requests?.storage ?? "0" },
      accessModes: claim.spec.accessModes ?? [],
      claimRef: { apiVersion: "v1", kind: "PersistentVolumeClaim", namespace, name: claimName, uid, resourceVersion },
      hostPath: { path: join(volumesDir, name), type: "DirectoryOrCreate" },
      persistentVolumeReclaimPolicy: storageClass.reclaimPolicy ?? "Delete",
      storageClassName: storageClass.metadata.name,
      volumeMode: claim.spec.volumeMode ?? "Filesystem",
    },
  };
}

/**
 * The directory to delete with a volume: only ever the one directly below the volumes' own that carries the volume's name,
 * whatever the object says. Undefined when the volume points anywhere else.
 */
export function directoryOf({ metadata, spec }: PersistentVolume, volumesDir: string): string | undefined {
  if (metadata.annotations?.[provisionedBy] !== localProvisioner || !/^pvc-[0-9a-z-]+$/.test(metadata.name)) return undefined;
  const directory = join(resolve(volumesDir), metadata.name);
  return spec.hostPath?.path === directory ? directory : undefined;
}
