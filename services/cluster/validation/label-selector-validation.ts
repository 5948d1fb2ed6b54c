import type { V1LabelSelector } from "@kubernetes/client-node";
import type { FieldErrors } from "./field-errors.ts";
import { validateLabels } from "./metadata.ts";
import { labelValueProblem, qualifiedNameProblem } from "./names.ts";

const operators = ["In", "NotIn", "Exists", "DoesNotExist"];

/** Source: apimachinery, pkg/apis/meta/v1/validation/validation.go. */
export function validateSelector(
  { matchLabels, matchExpressions = [] }: V1LabelSelector,
  path: string,
  errors: FieldErrors,
): void {
  validateLabels(matchLabels, `${path}.matchLabels`, errors);
  for (const [index, { key, operator, values = [] }] of matchExpressions.entries()) {
    const field = `${path}.matchExpressions[${index}]`;
    const problem = qualifiedNameProblem(key ?? "");
    if (problem) errors.invalid(`${field}.key`, key, problem);
    if (!operators.includes(operator)) errors.invalid(`${field}.operator`, operator, "not a valid selector operator");
    else if (/^(In|NotIn)$/.test(operator) && values.length === 0) {
      errors.required(`${field}.values`, "must be specified when `operator` is 'In' or 'NotIn'");
    } else if (/^(Exists|DoesNotExist)$/.test(operator) && values.length > 0) {
      errors.forbidden(`${field}.values`, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'");
    }
    for (const [place, value] of values.entries()) {
      const wrong = labelValueProblem(value);
      if (wrong) errors.invalid(`${field}.values[${place}]`, value, wrong);
    }
  }
}

export function selects(
  { matchLabels = {}, matchExpressions = [] }: V1LabelSelector,
  labels: Record<string, string> = {},
): boolean {
  if (!Object.entries(matchLabels).every(([key, value]) => labels[key] === value)) return false;
  return matchExpressions.every(({ key, operator, values = [] }) => {
    const value = labels[key];
    if (operator === "Exists") return value !== undefined;
    if (operator === "DoesNotExist") return value === undefined;
    return operator === "In" ? value !== undefined && values.includes(value) : value === undefined || !values.includes(value);
  });
}
