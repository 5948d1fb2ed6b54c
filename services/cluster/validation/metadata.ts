import type { ObjectMeta } from "../api.ts";
import type { FieldErrors } from "./field-errors.ts";
import { labelValueProblem, type NameRule, nameProblem, qualifiedNameProblem } from "./names.ts";

const annotationsLimit = 256 * 1024;

export function validateMetadata(
  metadata: ObjectMeta,
  definition: { nameRule: NameRule; namespaced: boolean },
  errors: FieldErrors,
): void {
  if (!metadata.name) errors.required("metadata.name", "name or generateName is required");
  else {
    const problem = nameProblem(metadata.name, definition.nameRule);
    if (problem) errors.invalid("metadata.name", metadata.name, problem);
  }
  validateLabels(metadata.labels, "metadata.labels", errors);
  validateAnnotations(metadata.annotations, "metadata.annotations", errors);
  for (const [index, reference] of (metadata.ownerReferences ?? []).entries()) {
    for (const field of ["apiVersion", "kind", "name", "uid"] as const) {
      if (!reference[field]) errors.invalid(`metadata.ownerReferences[${index}].${field}`, "", "must not be empty");
    }
  }
  if ((metadata.ownerReferences ?? []).filter((reference) => reference.controller).length > 1) {
    errors.invalid("metadata.ownerReferences", metadata.ownerReferences, "Only one reference can have Controller set to true");
  }
  for (const [index, finalizer] of (metadata.finalizers ?? []).entries()) {
    const problem = qualifiedNameProblem(finalizer);
    if (problem) errors.invalid(`metadata.finalizers[${index}]`, finalizer, problem);
  }
}

/** What is being deleted may lose what holds it, and gains nothing more. */
export function validateFinalizersUpdate(metadata: ObjectMeta, stored: ObjectMeta, errors: FieldErrors): void {
  if (stored.deletionTimestamp === undefined) return;
  const added = (metadata.finalizers ?? []).filter((finalizer) => !stored.finalizers?.includes(finalizer)).sort();
  if (added.length === 0) return;
  const list = added.map((finalizer) => JSON.stringify(finalizer)).join(", ");
  const detail = `no new finalizers can be added if the object is being deleted, found new finalizers []string{${list}}`;
  errors.forbidden("metadata.finalizers", detail);
}

export function validateAnnotations(annotations: Record<string, string> | undefined, field: string, errors: FieldErrors): void {
  let size = 0;
  for (const [key, value] of Object.entries(annotations ?? {})) {
    const problem = qualifiedNameProblem(key.toLowerCase());
    if (problem) errors.invalid(field, key, problem);
    size += key.length + Buffer.byteLength(value);
  }
  if (size > annotationsLimit) errors.tooLong(field, annotationsLimit);
}

export function validateLabels(labels: Record<string, string> | undefined, field: string, errors: FieldErrors): void {
  for (const [key, value] of Object.entries(labels ?? {})) {
    const keyProblem = qualifiedNameProblem(key);
    if (keyProblem) errors.invalid(field, key, keyProblem);
    const valueProblem = labelValueProblem(value);
    if (valueProblem) errors.invalid(field, value, valueProblem);
  }
}
