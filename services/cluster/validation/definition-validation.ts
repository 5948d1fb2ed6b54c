import type { V1CustomResourceDefinition } from "@kubernetes/client-node";
import { isObject } from "../patch/merge-patch.ts";
import type { Schema } from "../resources/custom/schema.ts";
import { compileSchema } from "../resources/custom/schema-validator.ts";
import type { FieldErrors } from "./field-errors.ts";
import { nameProblem } from "./names.ts";

const columnTypes = ["boolean", "date", "integer", "number", "string"];
const schemaTypes = ["array", "boolean", "integer", "number", "object", "string"];
const unsupported = "not supported by this cluster";

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
    const schemaPath = `${path}.schema.openAPIV3Schema`;
    if (!schema) errors.required(schemaPath);
    else {
      const before = errors.causes.length;
      validateSchema(schema, schemaPath, "root", errors);
      if (errors.causes.length === before) validateCompiles(schema, schemaPath, errors);
    }
    for (const [number, column] of (version.additionalPrinterColumns ?? []).entries()) {
      const field = `${path}.additionalPrinterColumns[${number}]`;
      if (!columnTypes.includes(column.type)) errors.invalid(`${field}.type`, column.type ?? "", `must be one of ${columnTypes}`);
      if (!column.jsonPath?.startsWith("."))
        errors.invalid(`${field}.JSONPath`, column.jsonPath ?? "", "must be a simple json path starting with .");
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

const emptyTypes = {
  root: "must not be empty at the root",
  item: "must not be empty for specified array items",
  field: "must not be empty for specified object fields",
};

function validateSchema(schema: Schema, path: string, level: keyof typeof emptyTypes, errors: FieldErrors): void {
  const isLoose = schema["x-kubernetes-int-or-string"] || schema["x-kubernetes-preserve-unknown-fields"];
  if (!schema.type && !isLoose) errors.required(`${path}.type`, emptyTypes[level]);
  if (schema.type && !schemaTypes.includes(schema.type)) errors.unsupported(`${path}.type`, schema.type, schemaTypes);
  if (level === "root" && schema.type && schema.type !== "object") {
    errors.invalid(`${path}.type`, schema.type, "must be object at the root");
  }
  if (schema.type === "array" && !schema.items) errors.required(`${path}.items`, "must be specified");
  for (const keyword of ["$ref", "id", "additionalItems", "patternProperties", "definitions", "dependencies"]) {
    if (schema[keyword] !== undefined) errors.forbidden(`${path}.${keyword}`, `${keyword} is not supported`);
  }
  if (schema.uniqueItems === true) {
    errors.forbidden(`${path}.uniqueItems`, "uniqueItems cannot be set to true since the runtime complexity becomes quadratic");
  }
  if (schema["x-kubernetes-validations"] !== undefined) errors.forbidden(`${path}.x-kubernetes-validations`, unsupported);
  if (schema.properties && schema.additionalProperties) {
    errors.forbidden(`${path}.additionalProperties`, "additionalProperties and properties are mutual exclusive");
  }
  if (typeof schema.pattern === "string" && !isPattern(schema.pattern)) {
    errors.invalid(`${path}.pattern`, schema.pattern, "must be a valid regular expression, but isn't");
  }
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    if (level === "root" && name === "metadata") continue;
    validateSchema(property, `${path}.properties[${name}]`, "field", errors);
  }
  if (isObject(schema.additionalProperties)) {
    if (level === "root") errors.forbidden(`${path}.additionalProperties`, "must not be used at the root");
    validateSchema(schema.additionalProperties as Schema, `${path}.additionalProperties`, "field", errors);
  }
  if (isObject(schema.items)) validateSchema(schema.items, `${path}.items`, "item", errors);
}

/** A schema that is stored is compiled at every start: one that cannot be would keep the server from starting. */
function validateCompiles(schema: Schema, path: string, errors: FieldErrors): void {
  try {
    compileSchema(schema);
  } catch (error) {
    errors.invalid(path, "", error instanceof Error ? error.message : "it cannot be read");
  }
}

function isPattern(pattern: string): boolean {
  try {
    return new RegExp(pattern, "u") instanceof RegExp;
  } catch {
    return false;
  }
}
