import type { V1KeyToPath, V1PodSpec, V1Volume, V1VolumeProjection } from "@kubernetes/client-node";
import { validateName, validateRelativePath } from "./container-validation.ts";
import type { FieldErrors } from "./field-errors.ts";
import { quantityProblem } from "./quantity.ts";
import { validateMode } from "./ranges.ts";

const hostPathTypes = ["BlockDevice", "CharDevice", "Directory", "DirectoryOrCreate", "File", "FileOrCreate", "Socket"];

/** The volumes of a pod; gives their names. Source: pkg/apis/core/validation/validation.go. */
export function validatePodVolumes({ volumes = [] }: V1PodSpec, path: string, errors: FieldErrors): Set<string> {
  const names = new Set<string>();
  for (const [index, volume] of volumes.entries()) {
    const field = `${path}.volumes[${index}]`;
    validateName(volume.name, `${field}.name`, names, errors);
    const sources = Object.keys(volume).filter((key) => key !== "name");
    if (sources.length > 1) errors.forbidden(`${field}.${sources[1]}`, "may not specify more than 1 volume type");
    validateSource(volume, field, errors);
  }
  return names;
}

function validateSource(volume: V1Volume, path: string, errors: FieldErrors): void {
  const { emptyDir, hostPath, persistentVolumeClaim, configMap, secret, downwardAPI, projected } = volume;
  const size = emptyDir?.sizeLimit;
  const problem = size === undefined ? undefined : quantityProblem(size);
  if (problem) errors.invalid(`${path}.emptyDir.sizeLimit`, size, problem);
  if (hostPath) {
    if (!hostPath.path) errors.required(`${path}.hostPath.path`);
    else if (hostPath.path.split("/").includes("..")) {
      errors.invalid(`${path}.hostPath.path`, hostPath.path, "must not contain '..'");
    }
    if (hostPath.type && !hostPathTypes.includes(hostPath.type)) {
      errors.unsupported(`${path}.hostPath.type`, hostPath.type, hostPathTypes);
    }
  }
  if (persistentVolumeClaim && !persistentVolumeClaim.claimName) errors.required(`${path}.persistentVolumeClaim.claimName`);
  if (configMap && !configMap.name) errors.required(`${path}.configMap.name`);
  if (secret && !secret.secretName) errors.required(`${path}.secret.secretName`);
  for (const [kind, source] of Object.entries({ configMap, secret, downwardAPI, projected })) {
    validateMode(source?.defaultMode, `${path}.${kind}.defaultMode`, errors);
  }
  validateItems(configMap?.items, `${path}.configMap.items`, errors);
  validateItems(secret?.items, `${path}.secret.items`, errors);
  for (const [index, source] of (projected?.sources ?? []).entries()) {
    validateProjection(source, `${path}.projected.sources[${index}]`, errors);
  }
}

function validateProjection(source: V1VolumeProjection, path: string, errors: FieldErrors): void {
  const { configMap, secret, serviceAccountToken } = source;
  const kinds = Object.keys(source);
  if (kinds.length === 0) errors.required(path, "must provide projection info");
  if (kinds.length > 1) errors.forbidden(path, "may not specify more than 1 volume type");
  for (const [kind, given] of Object.entries({ configMap, secret })) {
    if (given && !given.name) errors.required(`${path}.${kind}.name`);
    validateItems(given?.items, `${path}.${kind}.items`, errors);
  }
  if (!serviceAccountToken) return;
  const { expirationSeconds, path: file } = serviceAccountToken;
  const field = `${path}.serviceAccountToken`;
  if (expirationSeconds !== undefined && expirationSeconds < 600) {
    errors.invalid(`${field}.expirationSeconds`, expirationSeconds, "may not specify a duration less than 10 minutes");
  }
  if (!file) errors.required(`${field}.path`);
  else validateRelativePath(file, `${field}.path`, errors);
}

function validateItems(items: V1KeyToPath[] = [], path: string, errors: FieldErrors): void {
  for (const [index, { key, path: file, mode }] of items.entries()) {
    const field = `${path}[${index}]`;
    if (!key) errors.required(`${field}.key`);
    if (!file) errors.required(`${field}.path`);
    else validateRelativePath(file, `${field}.path`, errors);
    validateMode(mode, `${field}.mode`, errors);
  }
}
