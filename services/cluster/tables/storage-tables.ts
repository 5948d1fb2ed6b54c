import type { V1PersistentVolume, V1PersistentVolumeClaim, V1StorageClass } from "@kubernetes/client-node";
import { age, ageColumn, type TableFormat } from "./table.ts";

export const persistentVolumeClaimTable: TableFormat = {
  columns: [
    { name: "Name" },
    { name: "Status" },
    { name: "Volume" },
    { name: "Capacity" },
    { name: "Access Modes" },
    { name: "StorageClass" },
    { name: "VolumeAttributesClass" },
    ageColumn,
    { name: "VolumeMode", wide: true },
  ],
  row: (object, now) => {
    const { metadata, spec, status } = object as unknown as V1PersistentVolumeClaim;
    const isBound = spec?.volumeName !== undefined;
    return [
      object.metadata.name,
      metadata?.deletionTimestamp ? "Terminating" : (status?.phase ?? ""),
      spec?.volumeName ?? "",
      isBound ? (status?.capacity?.storage ?? "") : "",
      isBound ? modesText(status?.accessModes) : "",
      spec?.storageClassName ?? "",
      spec?.volumeAttributesClassName ?? "<unset>",
      age(object.metadata.creationTimestamp, now),
      spec?.volumeMode ?? "<unset>",
    ];
  },
};

export const persistentVolumeTable: TableFormat = {
  columns: [
    { name: "Name" },
    { name: "Capacity" },
    { name: "Access Modes" },
    { name: "Reclaim Policy" },
    { name: "Status" },
    { name: "Claim" },
    { name: "StorageClass" },
    { name: "VolumeAttributesClass" },
    { name: "Reason" },
    ageColumn,
    { name: "VolumeMode", wide: true },
  ],
  row: (object, now) => {
    const { metadata, spec, status } = object as unknown as V1PersistentVolume;
    const claim = spec?.claimRef;
    return [
      object.metadata.name,
      spec?.capacity?.storage ?? "",
      modesText(spec?.accessModes),
      spec?.persistentVolumeReclaimPolicy ?? "",
      metadata?.deletionTimestamp ? "Terminating" : (status?.phase ?? ""),
      claim ? `${claim.namespace}/${claim.name}` : "",
      spec?.storageClassName ?? "",
      spec?.volumeAttributesClassName ?? "<unset>",
      status?.reason ?? "",
      age(object.metadata.creationTimestamp, now),
      spec?.volumeMode ?? "<unset>",
    ];
  },
};

const defaultClass = "storageclass.kubernetes.io/is-default-class";

export const storageClassTable: TableFormat = {
  columns: [
    { name: "Name" },
    { name: "Provisioner" },
    { name: "ReclaimPolicy" },
    { name: "VolumeBindingMode" },
    { name: "AllowVolumeExpansion" },
    ageColumn,
  ],
  row: (object, now) => {
    const { provisioner, reclaimPolicy, volumeBindingMode, allowVolumeExpansion } = object as unknown as V1StorageClass;
    const { name, annotations, creationTimestamp } = object.metadata;
    return [
      annotations?.[defaultClass] === "true" ? `${name} (default)` : name,
      provisioner,
      reclaimPolicy ?? "Delete",
      volumeBindingMode ?? "Immediate",
      String(allowVolumeExpansion ?? false),
      age(creationTimestamp, now),
    ];
  },
};

const shortModes: Record<string, string> = {
  ReadWriteOnce: "RWO",
  ReadOnlyMany: "ROX",
  ReadWriteMany: "RWX",
  ReadWriteOncePod: "RWOP",
};

function modesText(modes: string[] = []): string {
  return Object.keys(shortModes)
    .filter((mode) => modes.includes(mode))
    .map((mode) => shortModes[mode])
    .join(",");
}
