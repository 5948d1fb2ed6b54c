import type { V1PodSpec, V1TopologySpreadConstraint } from "@kubernetes/client-node";
import type { FieldErrors } from "./field-errors.ts";

const modes = ["DoNotSchedule", "ScheduleAnyway"];
const policies = ["Honor", "Ignore"];

/** What a pod asks of the scheduler. Source: pkg/apis/core/validation/validation.go. */
export function validateScheduling(spec: V1PodSpec, path: string, errors: FieldErrors): void {
  const seen = new Set<string>();
  for (const [index, constraint] of (spec.topologySpreadConstraints ?? []).entries()) {
    const field = `${path}.topologySpreadConstraints[${index}]`;
    validateConstraint(constraint, field, errors);
    const pair = `{${constraint.topologyKey}, ${constraint.whenUnsatisfiable}}`;
    if (seen.has(pair)) errors.duplicate(`${field}.{topologyKey, whenUnsatisfiable}`, pair);
    seen.add(pair);
  }
  const gates = new Set<string>();
  for (const [index, { name }] of (spec.schedulingGates ?? []).entries()) {
    if (gates.has(name)) errors.duplicate(`${path}.schedulingGates[${index}]`, name);
    gates.add(name);
  }
}

function validateConstraint(constraint: V1TopologySpreadConstraint, field: string, errors: FieldErrors): void {
  const { maxSkew, topologyKey, whenUnsatisfiable, minDomains, matchLabelKeys, labelSelector } = constraint;
  if (!(maxSkew > 0)) errors.invalid(`${field}.maxSkew`, maxSkew ?? 0, "must be greater than zero");
  if (!topologyKey) errors.required(`${field}.topologyKey`, "can not be empty");
  if (!modes.includes(whenUnsatisfiable)) errors.unsupported(`${field}.whenUnsatisfiable`, whenUnsatisfiable ?? "", modes);
  if (minDomains !== undefined) {
    if (minDomains <= 0) errors.invalid(`${field}.minDomains`, minDomains, "must be greater than zero");
    else if (whenUnsatisfiable !== "DoNotSchedule") {
      const rule = "can only use minDomains if whenUnsatisfiable=DoNotSchedule, not ScheduleAnyway";
      errors.invalid(`${field}.minDomains`, minDomains, rule);
    }
  }
  for (const name of ["nodeAffinityPolicy", "nodeTaintsPolicy"] as const) {
    const value = constraint[name];
    if (value !== undefined && !policies.includes(value)) errors.unsupported(`${field}.${name}`, value, policies);
  }
  if (matchLabelKeys?.length && !labelSelector) {
    errors.forbidden(`${field}.matchLabelKeys`, "must not be specified when labelSelector is not set");
  }
}

/** Gates of a pod that exists can only be taken off. */
export function onlyFewerGates(given: V1PodSpec["schedulingGates"] = [], stored: V1PodSpec["schedulingGates"] = []): boolean {
  return given.every(({ name }) => stored.some((gate) => gate.name === name));
}
