import type { V1PersistentVolume, V1PersistentVolumeClaim, V1StorageClass } from "@kubernetes/client-node";
import type { KubeObject } from "../api.ts";
import { setClaimDefaults, setStorageClassDefaults, setVolumeDefaults } from "../defaults/storage-defaults.ts";
import { persistentVolumeClaimTable, persistentVolumeTable, storageClassTable } from "../tables/storage-tables.ts";
import {
  validateClaimSpec,
  validateClaimUpdate,
  validateStorageClass,
  validateStorageClassUpdate,
  validateVolume,
  validateVolumeUpdate,
} from "../validation/storage-validation.ts";
import type { ResourceDefinition } from "./definition.ts";

export const storageResources: ResourceDefinition[] = [
  {
    id: { group: "", resource: "persistentvolumeclaims" },
    version: "v1",
    kind: "PersistentVolumeClaim",
    singular: "persistentvolumeclaim",
    shortNames: ["pvc"],
    namespaced: true,
    type: "V1PersistentVolumeClaim",
    hasStatus: true,
    nameRule: "subdomain",
    table: persistentVolumeClaimTable,
    setDefaults(object) {
      const { spec } = object as unknown as V1PersistentVolumeClaim;
      if (spec) setClaimDefaults(spec);
    },
    prepareCreate(object, surroundings) {
      const { spec } = object as unknown as V1PersistentVolumeClaim;
      if (spec && spec.storageClassName === undefined) spec.storageClassName = surroundings.defaultStorageClass();
      if (spec?.storageClassName === undefined) delete spec?.storageClassName;
      object.status = { phase: "Pending" };
    },
    validate: (object, errors) => validateClaimSpec(asClaim(object).spec, "spec", errors),
    validateUpdate: (object, stored, errors) => validateClaimUpdate(asClaim(object).spec, asClaim(stored).spec, errors),
  },
  {
    id: { group: "", resource: "persistentvolumes" },
    version: "v1",
    kind: "PersistentVolume",
    singular: "persistentvolume",
    shortNames: ["pv"],
    namespaced: false,
    type: "V1PersistentVolume",
    hasStatus: true,
    nameRule: "subdomain",
    table: persistentVolumeTable,
    setDefaults(object) {
      const { spec } = object as unknown as V1PersistentVolume;
      if (spec) setVolumeDefaults(spec);
    },
    prepareCreate(object) {
      object.status = { phase: "Pending" };
    },
    validate: (object, errors) => validateVolume(asVolume(object).spec, errors),
    validateUpdate: (object, stored, errors) => validateVolumeUpdate(asVolume(object).spec, asVolume(stored).spec, errors),
  },
  {
    id: { group: "storage.k8s.io", resource: "storageclasses" },
    version: "v1",
    kind: "StorageClass",
    singular: "storageclass",
    shortNames: ["sc"],
    namespaced: false,
    type: "V1StorageClass",
    nameRule: "subdomain",
    table: storageClassTable,
    setDefaults: (object) => setStorageClassDefaults(object as unknown as V1StorageClass),
    validate: (object, errors) => validateStorageClass(object as unknown as V1StorageClass, errors),
    validateUpdate: (object, stored, errors) =>
      validateStorageClassUpdate(object as unknown as V1StorageClass, stored as unknown as V1StorageClass, errors),
  },
];

function asClaim(object: KubeObject): V1PersistentVolumeClaim {
  return object as unknown as V1PersistentVolumeClaim;
}

function asVolume(object: KubeObject): V1PersistentVolume {
  return object as unknown as V1PersistentVolume;
}
