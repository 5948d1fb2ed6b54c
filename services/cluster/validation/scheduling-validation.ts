import type {
  V1Affinity,
  V1NodeSelectorTerm,
  V1PodAffinityTerm,
  V1PodSpec,
  V1TopologySpreadConstraint,
} from "@kubernetes/client-node";
import type { FieldErrors } from "./field-errors.ts";
import { validateSelector } from "./label-selector-validation.ts";
import { nameProblem, qualifiedNameProblem } from "./names.ts";

const modes = ["DoNotSchedule", "ScheduleAnyway"];
const policies = ["Honor", "Ignore"];
const nodeOperators = ["In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt"];

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
  if (spec.affinity) validateAffinity(spec.affinity, `${path}.affinity`, errors);
  const gates = new Set<string>();
  for (const [index, { name }] of (spec.schedulingGates ?? []).entries()) {
    if (gates.has(name)) errors.duplicate(`${path}.schedulingGates[${index}]`, name);
    gates.add(name);
  }
}

const required = "requiredDuringSchedulingIgnoredDuringExecution";
const preferred = "preferredDuringSchedulingIgnoredDuringExecution";

function validateAffinity({ nodeAffinity, ...others }: V1Affinity, path: string, errors: FieldErrors): void {
  const terms = nodeAffinity?.[required]?.nodeSelectorTerms;
  const field = `${path}.nodeAffinity.${required}.nodeSelectorTerms`;
  if (nodeAffinity?.[required] && !terms?.length) errors.required(field, "must have at least one node selector term");
  for (const [index, term] of (terms ?? []).entries()) validateNodeTerm(term, `${field}[${index}]`, errors);
  for (const [index, { weight, preference }] of (nodeAffinity?.[preferred] ?? []).entries()) {
    const one = `${path}.nodeAffinity.${preferred}[${index}]`;
    validateWeight(weight, `${one}.weight`, errors);
    validateNodeTerm(preference, `${one}.preference`, errors);
  }
  for (const kind of ["podAffinity", "podAntiAffinity"] as const) {
    for (const [index, term] of (others[kind]?.[required] ?? []).entries()) {
      validatePodTerm(term, `${path}.${kind}.${required}[${index}]`, errors);
    }
    for (const [index, { weight, podAffinityTerm }] of (others[kind]?.[preferred] ?? []).entries()) {
      const one = `${path}.${kind}.${preferred}[${index}]`;
      validateWeight(weight, `${one}.weight`, errors);
      validatePodTerm(podAffinityTerm, `${one}.podAffinityTerm`, errors);
    }
  }
}

function validateNodeTerm({ matchExpressions = [] }: V1NodeSelectorTerm, path: string, errors: FieldErrors): void {
  for (const [index, { key, operator, values = [] }] of matchExpressions.entries()) {
    const field = `${path}.matchExpressions[${index}]`;
    const problem = qualifiedNameProblem(key ?? "");
    if (problem) errors.invalid(`${field}.key`, key ?? "", problem);
    if (!nodeOperators.includes(operator)) errors.invalid(`${field}.operator`, operator, "not a valid selector operator");
    else if (/^(In|NotIn)$/.test(operator) && values.length === 0) {
      errors.required(`${field}.values`, "must be specified when `operator` is 'In' or 'NotIn'");
    } else if (/^(Exists|DoesNotExist)$/.test(operator) && values.length > 0) {
      errors.forbidden(`${field}.values`, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'");
    } else if (/^(Gt|Lt)$/.test(operator) && values.length !== 1) {
      errors.required(`${field}.values`, "must be specified single value when `operator` is 'Lt' or 'Gt'");
    }
  }
}

function validatePodTerm(term: V1PodAffinityTerm, path: string, errors: FieldErrors): void {
  const { topologyKey, labelSelector, namespaceSelector, namespaces = [] } = term ?? {};
  if (labelSelector) validateSelector(labelSelector, `${path}.labelSelector`, errors);
  if (namespaceSelector) validateSelector(namespaceSelector, `${path}.namespaceSelector`, errors);
  for (const name of namespaces) {
    const problem = nameProblem(name, "label");
    if (problem) errors.invalid(`${path}.namespace`, name, problem);
  }
  const problem = topologyKey ? qualifiedNameProblem(topologyKey) : undefined;
  if (!topologyKey) errors.required(`${path}.topologyKey`, "can not be empty");
  else if (problem) errors.invalid(`${path}.topologyKey`, topologyKey, problem);
}

function validateWeight(weight: number, field: string, errors: FieldErrors): void {
  if (!(weight >= 1 && weight <= 100)) errors.invalid(field, weight ?? 0, "must be in the range 1-100");
}

function validateConstraint(constraint: V1TopologySpreadConstraint, field: string, errors: FieldErrors): void {
  const { maxSkew, topologyKey, whenUnsatisfiable, minDomains, matchLabelKeys, labelSelector } = constraint;
  if (!(maxSkew > 0)) errors.invalid(`${field}.maxSkew`, maxSkew ?? 0, "must be greater than zero");
  if (!topologyKey) errors.required(`${field}.topologyKey`, "can not be empty");
  if (!modes.includes(whenUnsatisfiable)) errors.unsupported(`${field}.whenUnsatisfiable`, whenUnsatisfiable ?? "", modes);
  if (labelSelector) validateSelector(labelSelector, `${field}.labelSelector`, errors);
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
