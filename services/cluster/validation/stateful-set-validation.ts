import { isDeepStrictEqual } from "node:util";
import type { V1StatefulSetSpec } from "@kubernetes/client-node";
import type { FieldErrors } from "./field-errors.ts";
import { notNegative } from "./ranges.ts";
import { validateClaimSpec } from "./storage-validation.ts";
import { validateReplicaSet, validateShare } from "./workload-validation.ts";

const retentions = ["Delete", "Retain"];
const changeable = [
  "replicas",
  "ordinals",
  "template",
  "updateStrategy",
  "revisionHistoryLimit",
  "persistentVolumeClaimRetentionPolicy",
  "minReadySeconds",
] as const;

/** Source: pkg/apis/apps/validation/validation.go. */
export function validateStatefulSet(spec: V1StatefulSetSpec | undefined, errors: FieldErrors): void {
  const { selector } = spec ?? {};
  if (spec && selector && !selector.matchLabels && !selector.matchExpressions) {
    errors.invalid("spec.selector", selector, "empty selector is invalid for statefulset");
  } else validateReplicaSet(spec && withClaimVolumes(spec), errors, "StatefulSet");
  if (!spec) return;
  if (spec.podManagementPolicy !== "OrderedReady" && spec.podManagementPolicy !== "Parallel") {
    errors.invalid("spec.podManagementPolicy", spec.podManagementPolicy, "must be 'OrderedReady' or 'Parallel'");
  }
  notNegative(spec.minReadySeconds, "spec.minReadySeconds", errors);
  notNegative(spec.revisionHistoryLimit, "spec.revisionHistoryLimit", errors);
  notNegative(spec.ordinals?.start, "spec.ordinals.start", errors);
  validateStrategy(spec, errors);
  for (const field of ["whenDeleted", "whenScaled"] as const) {
    const value = spec.persistentVolumeClaimRetentionPolicy?.[field];
    const path = `spec.persistentVolumeClaimRetentionPolicy.${field}`;
    if (value !== undefined && !retentions.includes(value)) errors.unsupported(path, value, retentions);
  }
  for (const [index, { metadata, spec: claim }] of (spec.volumeClaimTemplates ?? []).entries()) {
    const path = `spec.volumeClaimTemplates[${index}]`;
    if (!metadata?.name) errors.required(`${path}.metadata.name`);
    validateClaimSpec(claim, `${path}.spec`, errors);
  }
}

/** The volumes that the claim templates bring may be mounted too, and take the place of others of the same name. */
function withClaimVolumes(spec: V1StatefulSetSpec): V1StatefulSetSpec {
  const names = (spec.volumeClaimTemplates ?? []).map(({ metadata }) => metadata?.name ?? "");
  const { template } = spec;
  if (!template?.spec || names.length === 0) return spec;
  const kept = (template.spec.volumes ?? []).filter(({ name }) => !names.includes(name));
  const volumes = [...kept, ...names.map((name) => ({ name, persistentVolumeClaim: { claimName: name } }))];
  return { ...spec, template: { ...template, spec: { ...template.spec, volumes } } };
}

function validateStrategy({ updateStrategy }: V1StatefulSetSpec, errors: FieldErrors): void {
  const { type, rollingUpdate } = updateStrategy ?? {};
  const path = "spec.updateStrategy";
  if (type === "OnDelete") {
    if (rollingUpdate) {
      errors.invalid(`${path}.rollingUpdate`, rollingUpdate, "only allowed for updateStrategy 'RollingUpdate'");
    }
    return;
  }
  if (type !== "RollingUpdate") {
    errors.invalid(path, updateStrategy ?? {}, "must be 'RollingUpdate' or 'OnDelete'");
    return;
  }
  notNegative(rollingUpdate?.partition, `${path}.rollingUpdate.partition`, errors);
  const share = validateShare(rollingUpdate?.maxUnavailable, `${path}.rollingUpdate.maxUnavailable`, errors);
  if (share === 0) errors.invalid(`${path}.rollingUpdate.maxUnavailable`, rollingUpdate?.maxUnavailable, "cannot be 0");
}

export function validateStatefulSetUpdate(
  spec: V1StatefulSetSpec | undefined,
  stored: V1StatefulSetSpec | undefined,
  errors: FieldErrors,
): void {
  if (isDeepStrictEqual(fixed(spec), fixed(stored))) return;
  const names = changeable.map((name) => `'${name}'`);
  const list = `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
  errors.forbidden("spec", `updates to statefulset spec for fields other than ${list} are forbidden`);
}

function fixed(spec: V1StatefulSetSpec | undefined): unknown {
  const copy = JSON.parse(JSON.stringify(spec ?? {})) as Record<string, unknown>;
  for (const field of changeable) delete copy[field];
  return copy;
}
