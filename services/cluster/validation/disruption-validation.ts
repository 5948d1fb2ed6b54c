import type { IntOrString, V1PodDisruptionBudgetSpec } from "@kubernetes/client-node";
import type { FieldErrors } from "./field-errors.ts";
import { validateSelector } from "./label-selector-validation.ts";
import { validateShare } from "./workload-validation.ts";

/** Source: pkg/apis/policy/validation/validation.go. */
export function validateBudget(spec: V1PodDisruptionBudgetSpec | undefined, errors: FieldErrors): void {
  if (!spec) return;
  const { minAvailable, maxUnavailable, selector, unhealthyPodEvictionPolicy } = spec;
  if (minAvailable !== undefined && maxUnavailable !== undefined) {
    errors.invalid("spec", spec, "minAvailable and maxUnavailable cannot be both set");
  }
  validatePart(minAvailable, "spec.minAvailable", errors);
  validatePart(maxUnavailable, "spec.maxUnavailable", errors);
  if (selector) validateSelector(selector, "spec.selector", errors);
  const policies = ["AlwaysAllow", "IfHealthyBudget"];
  if (unhealthyPodEvictionPolicy !== undefined && !policies.includes(unhealthyPodEvictionPolicy)) {
    errors.unsupported("spec.unhealthyPodEvictionPolicy", unhealthyPodEvictionPolicy, policies);
  }
}

function validatePart(value: IntOrString | undefined, field: string, errors: FieldErrors): void {
  const count = validateShare(value, field, errors);
  if (typeof value === "string" && count !== undefined && count > 100) {
    errors.invalid(field, value, "must not be greater than 100%");
  }
}
