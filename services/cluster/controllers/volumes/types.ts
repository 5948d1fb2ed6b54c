import type { KubeObject } from "../../api.ts";
import type { LabelSelector, ObjectReference } from "../objects.ts";

export type VolumeClaimSpec = {
  accessModes?: string[];
  resources?: { requests?: Record<string, string> };
  selector?: LabelSelector;
  storageClassName?: string;
  volumeMode?: string;
  volumeName?: string;
};

export type VolumeClaim = KubeObject & {
  spec: VolumeClaimSpec;
  status?: { phase?: "Pending" | "Bound" | "Lost"; accessModes?: string[]; capacity?: Record<string, string> };
};

export type PersistentVolume = KubeObject & {
  spec: {
    capacity?: Record<string, string>;
    accessModes?: string[];
    claimRef?: ObjectReference;
    hostPath?: { path: string; type?: string };
    persistentVolumeReclaimPolicy?: "Retain" | "Delete" | "Recycle";
    storageClassName?: string;
    volumeMode?: string;
    [source: string]: unknown;
  };
  status?: { phase?: "Pending" | "Available" | "Bound" | "Released" | "Failed"; message?: string };
};

export type StorageClass = KubeObject & {
  provisioner: string;
  reclaimPolicy?: "Retain" | "Delete";
  volumeBindingMode?: "Immediate" | "WaitForFirstConsumer";
};
