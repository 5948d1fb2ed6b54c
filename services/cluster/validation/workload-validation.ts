import { isDeepStrictEqual } from "node:util";
import type {
  IntOrString,
  V1DeploymentSpec,
  V1LabelSelector,
  V1PodTemplateSpec,
  V1ReplicaSetSpec,
} from "@kubernetes/client-node";
import type { FieldErrors } from "./field-errors.ts";
import { selects, validateSelector } from "./label-selector-validation.ts";
import { validateAnnotations, validateLabels } from "./metadata.ts";
import { validatePodSpec } from "./pod-validation.ts";
import { notNegative } from "./ranges.ts";

/** Source: pkg/apis/apps/validation/validation.go. */
export function validateDeployment(spec: V1DeploymentSpec | undefined, errors: FieldErrors): void {
  validateReplicaSet(spec, errors);
  if (!spec) return;
  notNegative(spec.minReadySeconds, "spec.minReadySeconds", errors);
  notNegative(spec.revisionHistoryLimit, "spec.revisionHistoryLimit", errors);
  notNegative(spec.progressDeadlineSeconds, "spec.progressDeadlineSeconds", errors);
  if (spec.progressDeadlineSeconds !== undefined && spec.progressDeadlineSeconds <= (spec.minReadySeconds ?? 0)) {
    errors.invalid("spec.progressDeadlineSeconds", spec.progressDeadlineSeconds, "must be greater than minReadySeconds");
  }
  validateStrategy(spec, errors);
}

export function validateReplicaSet(
  spec: V1ReplicaSetSpec | V1DeploymentSpec | undefined,
  errors: FieldErrors,
  kind = "ReplicaSet",
): void {
  notNegative(spec?.replicas, "spec.replicas", errors);
  const selector = spec?.selector;
  if (!selector) errors.required("spec.selector");
  else {
    validateSelector(selector, "spec.selector", errors);
    const isEmpty = !selector.matchLabels && !selector.matchExpressions;
    if (isEmpty) errors.invalid("spec.selector", selector, "empty selector is invalid for deployment");
    else if (!selects(selector, spec.template?.metadata?.labels)) {
      const labels = spec.template?.metadata?.labels ?? {};
      errors.invalid("spec.template.metadata.labels", labels, "`selector` does not match template `labels`");
    }
  }
  validateTemplate(spec?.template, errors);
  if (spec?.template?.spec?.activeDeadlineSeconds !== undefined) {
    errors.forbidden("spec.template.spec.activeDeadlineSeconds", `activeDeadlineSeconds in ${kind} is not Supported`);
  }
}

export function validateSelectorUpdate(
  spec: { selector?: V1LabelSelector } | undefined,
  stored: { selector?: V1LabelSelector } | undefined,
  errors: FieldErrors,
): void {
  if (isDeepStrictEqual(spec?.selector, stored?.selector)) return;
  errors.invalid("spec.selector", spec?.selector ?? {}, "field is immutable");
}

function validateTemplate(template: V1PodTemplateSpec | undefined, errors: FieldErrors): void {
  validateLabels(template?.metadata?.labels, "spec.template.labels", errors);
  validateAnnotations(template?.metadata?.annotations, "spec.template.annotations", errors);
  validatePodSpec(template?.spec, "spec.template.spec", errors);
  if (template?.spec?.ephemeralContainers?.length) {
    errors.forbidden("spec.template.spec.ephemeralContainers", "ephemeral containers not allowed in pod template");
  }
  const restartPolicy = template?.spec?.restartPolicy;
  if (restartPolicy && restartPolicy !== "Always")
    errors.unsupported("spec.template.spec.restartPolicy", restartPolicy, ["Always"]);
}

function validateStrategy({ strategy }: V1DeploymentSpec, errors: FieldErrors): void {
  if (!strategy) return;
  const { type, rollingUpdate } = strategy;
  if (type !== "RollingUpdate" && type !== "Recreate") {
    errors.unsupported("spec.strategy.type", type, ["Recreate", "RollingUpdate"]);
    return;
  }
  if (type === "Recreate") {
    if (rollingUpdate) {
      errors.forbidden("spec.strategy.rollingUpdate", "may not be specified when strategy `type` is 'Recreate'");
    }
    return;
  }
  const path = "spec.strategy.rollingUpdate";
  const surge = validateShare(rollingUpdate?.maxSurge, `${path}.maxSurge`, errors);
  const unavailable = validateShare(rollingUpdate?.maxUnavailable, `${path}.maxUnavailable`, errors);
  if (surge === 0 && unavailable === 0) {
    errors.invalid(`${path}.maxUnavailable`, rollingUpdate?.maxUnavailable, "may not be 0 when `maxSurge` is 0");
  }
  if (unavailable !== undefined && typeof rollingUpdate?.maxUnavailable === "string" && unavailable > 100) {
    errors.invalid(`${path}.maxUnavailable`, rollingUpdate.maxUnavailable, "must not be greater than 100%");
  }
}

export function validateShare(value: IntOrString | undefined, field: string, errors: FieldErrors): number | undefined {
  if (value === undefined) return undefined;
  if (typeof value === "number") {
    notNegative(value, field, errors);
    return value;
  }
  const percent = /^(\d+)%$/.exec(value)?.[1];
  if (percent !== undefined) return Number(percent);
  errors.invalid(
    field,
    value,
    "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')",
  );
  return undefined;
}
