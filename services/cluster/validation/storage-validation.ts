import { isDeepStrictEqual } from "node:util";
import type { V1PersistentVolumeClaimSpec, V1PersistentVolumeSpec, V1StorageClass } from "@kubernetes/client-node";
import type { FieldErrors } from "./field-errors.ts";
import { validateSelector } from "./label-selector-validation.ts";
import { quantityProblem } from "./quantity.ts";

/** ReadWriteOncePod is not here: nothing keeps a second pod from such a claim. */
const accessModes = ["ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce"];
const notHere = "is not supported by the local cluster";

/** Source: pkg/apis/core/validation/validation.go. What the local cluster does not do is refused. */
export function validateClaimSpec(spec: V1PersistentVolumeClaimSpec | undefined, path: string, errors: FieldErrors): void {
  validateModes(spec?.accessModes, `${path}.accessModes`, errors);
  validateStorage(spec?.resources?.requests?.storage, `${path}.resources`, errors);
  if (spec?.selector) validateSelector(spec.selector, `${path}.selector`, errors);
  if (spec?.volumeMode !== "Filesystem") errors.unsupported(`${path}.volumeMode`, spec?.volumeMode, ["Filesystem"]);
  for (const field of ["dataSource", "dataSourceRef", "volumeAttributesClassName"] as const) {
    if (spec?.[field] !== undefined) errors.forbidden(`${path}.${field}`, notHere);
  }
}

/** A claim gets its volume once; nothing else of it changes. Growing a volume is refused as for a class that cannot resize. */
export function validateClaimUpdate(
  spec: V1PersistentVolumeClaimSpec | undefined,
  stored: V1PersistentVolumeClaimSpec | undefined,
  errors: FieldErrors,
): void {
  const isBinding = !stored?.volumeName && spec?.volumeName;
  const compared = isBinding ? { ...spec, volumeName: stored?.volumeName } : { ...spec };
  if (isDeepStrictEqual(plain(compared), plain(stored))) return;
  if (isDeepStrictEqual(plain({ ...compared, resources: stored?.resources }), plain(stored))) {
    errors.forbidden(
      "spec.resources.requests.storage",
      "only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize",
    );
    return;
  }
  const exceptions = "resources.requests and volumeAttributesClassName for bound claims";
  errors.forbidden("spec", `spec is immutable after creation except ${exceptions}`);
}

export function validateVolume(spec: V1PersistentVolumeSpec | undefined, errors: FieldErrors): void {
  validateModes(spec?.accessModes, "spec.accessModes", errors);
  if (!spec?.capacity) errors.required("spec.capacity");
  else validateStorage(spec.capacity.storage, "spec.capacity", errors);
  if (spec?.volumeMode !== "Filesystem") errors.unsupported("spec.volumeMode", spec?.volumeMode, ["Filesystem"]);
  const policy = spec?.persistentVolumeReclaimPolicy;
  if (policy !== "Delete" && policy !== "Retain") {
    errors.unsupported("spec.persistentVolumeReclaimPolicy", policy, ["Delete", "Retain"]);
  }
  if (spec?.mountOptions?.length) errors.forbidden("spec.mountOptions", notHere);
  if (spec?.volumeAttributesClassName !== undefined) errors.forbidden("spec.volumeAttributesClassName", notHere);
  const sources = sourcesOf(spec);
  if (sources.length === 0) errors.required("spec", "must specify a volume type");
  for (const source of sources.slice(1)) errors.forbidden(`spec.${source}`, "may not specify more than 1 volume type");
  for (const source of sources) {
    if (source !== "hostPath" && source !== "local") errors.forbidden(`spec.${source}`, notHere);
  }
  const path = spec?.hostPath?.path ?? spec?.local?.path;
  if (path?.split("/").includes("..")) errors.invalid(`spec.${sources[0]}.path`, path, "must not contain '..'");
}

export function validateVolumeUpdate(
  spec: V1PersistentVolumeSpec | undefined,
  stored: V1PersistentVolumeSpec | undefined,
  errors: FieldErrors,
): void {
  const source = (one: V1PersistentVolumeSpec | undefined) => plain({ hostPath: one?.hostPath, local: one?.local });
  if (isDeepStrictEqual(source(spec), source(stored))) return;
  errors.forbidden("spec.persistentvolumesource", "spec.persistentvolumesource is immutable after creation");
}

export function validateStorageClass(storageClass: V1StorageClass, errors: FieldErrors): void {
  const { provisioner, reclaimPolicy, volumeBindingMode, allowVolumeExpansion } = storageClass;
  if (!provisioner) errors.required("provisioner");
  if (reclaimPolicy !== "Delete" && reclaimPolicy !== "Retain") {
    errors.unsupported("reclaimPolicy", reclaimPolicy, ["Delete", "Retain"]);
  }
  if (volumeBindingMode !== "Immediate" && volumeBindingMode !== "WaitForFirstConsumer") {
    errors.unsupported("volumeBindingMode", volumeBindingMode, ["Immediate", "WaitForFirstConsumer"]);
  }
  if (allowVolumeExpansion) errors.forbidden("allowVolumeExpansion", notHere);
  for (const field of ["allowedTopologies", "mountOptions"] as const) {
    if (storageClass[field]?.length) errors.forbidden(field, notHere);
  }
}

export function validateStorageClassUpdate(given: V1StorageClass, stored: V1StorageClass, errors: FieldErrors): void {
  for (const field of ["parameters", "provisioner", "reclaimPolicy"] as const) {
    if (isDeepStrictEqual(plain(given[field]), plain(stored[field]))) continue;
    errors.forbidden(field, `updates to ${field} are forbidden.`);
  }
  if (given.volumeBindingMode !== stored.volumeBindingMode) {
    errors.invalid("volumeBindingMode", given.volumeBindingMode, "field is immutable");
  }
}

function validateModes(modes: string[] | undefined, path: string, errors: FieldErrors): void {
  if (!modes?.length) errors.required(path, "at least 1 access mode is required");
  for (const mode of modes ?? []) if (!accessModes.includes(mode)) errors.unsupported(path, mode, accessModes);
}

function validateStorage(storage: string | undefined, path: string, errors: FieldErrors): void {
  const field = `${path.replace(/resources$/, "resources.requests")}.storage`;
  if (storage === undefined) {
    errors.required(path.endsWith("capacity") ? path : `${path}[storage]`);
    return;
  }
  const problem = quantityProblem(storage);
  if (problem) errors.invalid(field, storage, problem);
  else if (/^[+-]?0*\.?0*([a-zA-Z]|$)/.test(storage)) errors.invalid(field, storage, "must be greater than zero");
}

/** The fields of a volume that say where its data is; every other one is known. */
function sourcesOf(spec: V1PersistentVolumeSpec | undefined): string[] {
  const others = [
    "accessModes",
    "capacity",
    "claimRef",
    "mountOptions",
    "nodeAffinity",
    "persistentVolumeReclaimPolicy",
    "storageClassName",
    "volumeAttributesClassName",
    "volumeMode",
  ];
  return Object.entries(spec ?? {}).flatMap(([field, value]) =>
    value === undefined || value === null || others.includes(field) ? [] : [field],
  );
}

function plain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value ?? {}));
}
