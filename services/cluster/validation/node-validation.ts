import type { V1NodeSpec } from "@kubernetes/client-node";
import type { FieldErrors } from "./field-errors.ts";
import { qualifiedNameProblem } from "./names.ts";

const effects = ["NoExecute", "NoSchedule", "PreferNoSchedule"];
const valuePattern = /^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$/;

/** The taints of a node. Source: pkg/apis/core/validation/validation.go, validateNodeTaints. */
export function validateNode(spec: V1NodeSpec | undefined, errors: FieldErrors): void {
  const seen = new Set<string>();
  for (const [index, { key, value = "", effect }] of (spec?.taints ?? []).entries()) {
    const field = `spec.taints[${index}]`;
    const problem = qualifiedNameProblem(key ?? "");
    if (problem) errors.invalid(`${field}.key`, key, problem);
    if (value.length > 63 || !valuePattern.test(value)) {
      errors.invalid(
        `${field}.value`,
        value,
        "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character",
      );
    }
    if (!effect) errors.required(`${field}.effect`);
    else if (!effects.includes(effect)) errors.unsupported(`${field}.effect`, effect, effects);
    const pair = `${key}:${effect}`;
    if (seen.has(pair)) errors.duplicate(field, { key, effect });
    seen.add(pair);
  }
}
