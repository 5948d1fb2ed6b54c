import type { V1CustomResourceDefinition, V1CustomResourceSubresourceScale } from "@kubernetes/client-node";
import { isReadablePath } from "../resources/custom/json-path.ts";
import type { Schema } from "../resources/custom/schema.ts";
import { validateStructuralSchema } from "./definition-schema.ts";
import type { FieldErrors } from "./field-errors.ts";
import { nameProblem } from "./names.ts";

const columnTypes = ["boolean", "date", "integer", "number", "string"];
const simplePath = /^(\.[A-Za-z0-9_-]+)+$/;

/** Source: apiextensions-apiserver, pkg/apis/apiextensions/validation/validation.go and pkg/apiserver/schema/validation.go. */
export function validateDefinition({ metadata, spec }: V1CustomResourceDefinition, errors: FieldErrors): void {
  if (!spec?.names?.plural || !spec.group || !spec.names.kind || !spec.versions?.length) {
    if (!spec?.group) errors.required("spec.group");
    if (!spec?.names?.plural) errors.required("spec.names.plural");
    if (!spec?.names?.kind) errors.required("spec.names.kind");
    if (!spec?.versions?.length) errors.invalid("spec.versions", [], "must have exactly one version marked as storage version");
    return;
  }
  const { group, names, versions, scope, conversion } = spec;
  if (metadata?.name !== `${names.plural}.${group}`) {
    errors.invalid("metadata.name", metadata?.name, 'must be spec.names.plural+"."+spec.group');
  }
  const problem = nameProblem(group, "subdomain");
  if (problem) errors.invalid("spec.group", group, problem);
  else if (!group.includes(".")) errors.invalid("spec.group", group, "should be a domain with at least one dot");
  const approval = "api-approved.kubernetes.io";
  if (/(^|\.)(k8s|kubernetes)\.io$/.test(group) && !metadata?.annotations?.[approval]) {
    const detail = `protected groups must have approval annotation "${approval}", see https://github.com/kubernetes/enhancements/pull/1111`;
    errors.required(`metadata.annotations[${approval}]`, detail);
  }
  if (!scope) errors.required("spec.scope");
  else if (scope !== "Namespaced" && scope !== "Cluster") errors.unsupported("spec.scope", scope, ["Cluster", "Namespaced"]);
  for (const field of ["plural", "singular", "kind", "listKind"] as const) {
    const wrong = nameProblem(names[field]?.toLowerCase() ?? "", "service");
    if (wrong) errors.invalid(`spec.names.${field}`, names[field] ?? "", wrong);
  }
  if (names.kind === names.listKind)
    errors.invalid("spec.names.listKind", names.listKind, "kind and listKind may not be the same");
  if (conversion && conversion.strategy !== "None") errors.unsupported("spec.conversion.strategy", conversion.strategy, ["None"]);
  if (spec.preserveUnknownFields) {
    errors.invalid(
      "spec.preserveUnknownFields",
      true,
      "cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead",
    );
  }
  if (new Set(versions.map(({ name }) => name)).size < versions.length) {
    errors.invalid(
      "spec.versions",
      versions.map(({ name }) => name),
      "must contain unique version names",
    );
  }
  if (versions.filter(({ storage }) => storage).length !== 1) {
    errors.invalid(
      "spec.versions",
      versions.map(({ name }) => name),
      "must have exactly one version marked as storage version",
    );
  }
  for (const [index, version] of versions.entries()) {
    const path = `spec.versions[${index}]`;
    const wrong = nameProblem(version.name ?? "", "service");
    if (wrong) errors.invalid(`${path}.name`, version.name ?? "", wrong);
    const schema = version.schema?.openAPIV3Schema as Schema | undefined;
    if (!schema) errors.required(`${path}.schema.openAPIV3Schema`);
    else validateStructuralSchema(schema, `${path}.schema.openAPIV3Schema`, errors);
    const { scale } = version.subresources ?? {};
    if (scale) validateScale(scale, `${path}.subresources.scale`, errors);
    for (const [number, column] of (version.additionalPrinterColumns ?? []).entries()) {
      const field = `${path}.additionalPrinterColumns[${number}]`;
      if (!columnTypes.includes(column.type)) errors.invalid(`${field}.type`, column.type ?? "", `must be one of ${columnTypes}`);
      const jsonPath = column.jsonPath ?? "";
      if (!jsonPath.startsWith(".")) errors.invalid(`${field}.JSONPath`, jsonPath, "must be a simple json path starting with .");
      else if (!isReadablePath(jsonPath)) errors.invalid(`${field}.JSONPath`, jsonPath, "is not supported by this cluster");
    }
    for (const [number, { jsonPath }] of (version.selectableFields ?? []).entries()) {
      const field = `${path}.selectableFields[${number}].jsonPath`;
      if (!simplePath.test(jsonPath)) errors.invalid(field, jsonPath ?? "", "must be a simple json path starting with .");
    }
  }
}

export function validateDefinitionUpdate(
  crd: V1CustomResourceDefinition,
  stored: V1CustomResourceDefinition,
  errors: FieldErrors,
): void {
  const fields: [string, unknown, unknown][] = [
    ["spec.scope", crd.spec?.scope, stored.spec.scope],
    ["spec.names.kind", crd.spec?.names?.kind, stored.spec.names.kind],
    ["spec.group", crd.spec?.group, stored.spec.group],
    ["spec.names.plural", crd.spec?.names?.plural, stored.spec.names.plural],
  ];
  for (const [field, after, before] of fields) if (after !== before) errors.invalid(field, after ?? "", "field is immutable");
  for (const [index, version] of (stored.status?.storedVersions ?? []).entries()) {
    if (crd.spec?.versions?.some(({ name }) => name === version)) continue;
    const detail = `missing from spec.versions; ${version} was previously a storage version, and must remain in spec.versions until a storage migration ensures no data remains persisted in ${version} and removes ${version} from status.storedVersions`;
    errors.invalid(`status.storedVersions[${index}]`, version, detail);
  }
}

function validateScale(scale: V1CustomResourceSubresourceScale, path: string, errors: FieldErrors): void {
  const check = (field: keyof V1CustomResourceSubresourceScale, roots: string[], expected: string) => {
    const value = scale[field] ?? "";
    if (value && !simplePath.test(value)) errors.invalid(`${path}.${field}`, value, "must be a simple json path starting with .");
    else if (value && !roots.some((root) => value.startsWith(root))) errors.invalid(`${path}.${field}`, value, expected);
    else if (!value && field !== "labelSelectorPath") errors.required(`${path}.${field}`);
  };
  check("specReplicasPath", [".spec."], "should be a json path under .spec");
  check("statusReplicasPath", [".status."], "should be a json path under .status");
  check("labelSelectorPath", [".spec.", ".status."], "should be a json path under either .spec or .status");
}
