import { isObject } from "../patch/merge-patch.ts";
import { prune, type Schema } from "../resources/custom/schema.ts";
import { compileSchema } from "../resources/custom/schema-validator.ts";
import { FieldErrors } from "./field-errors.ts";

const emptyTypes = {
  root: "must not be empty at the root",
  item: "must not be empty for specified array items",
  field: "must not be empty for specified object fields",
};

const unsupportedKeywords = ["$ref", "id", "additionalItems", "patternProperties", "definitions", "dependencies"];
const schemaTypes = ["array", "boolean", "integer", "number", "object", "string"];
const structuralOnly = ["description", "type", "default", "additionalProperties", "nullable"];

/** Source: apiextensions-apiserver, pkg/apiserver/schema/validation.go (structural schemas) and validation.go. */
export function validateStructuralSchema(schema: Schema, path: string, errors: FieldErrors): void {
  const before = errors.causes.length;
  validateLevel(schema, path, "root", errors);
  if (errors.causes.length > before) return;
  // A schema that is stored is compiled at every start: one that cannot be would keep the server from starting.
  const problem = compilationProblem(schema);
  if (problem) errors.invalid(path, "", problem);
  else validateDefaults(schema, path, errors);
}

function validateLevel(schema: Schema, path: string, level: keyof typeof emptyTypes, errors: FieldErrors): void {
  const isLoose = schema["x-kubernetes-int-or-string"] || schema["x-kubernetes-preserve-unknown-fields"];
  if (!schema.type && !isLoose) errors.required(`${path}.type`, emptyTypes[level]);
  if (schema.type && !schemaTypes.includes(schema.type)) errors.unsupported(`${path}.type`, schema.type, schemaTypes);
  if (level === "root" && schema.type && schema.type !== "object") {
    errors.invalid(`${path}.type`, schema.type, "must be object at the root");
  }
  if (schema.type === "array" && !schema.items) errors.required(`${path}.items`, "must be specified");
  validateKeywords(schema, path, errors);
  validateListType(schema, path, errors);
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    if (level === "root" && name === "metadata") continue;
    validateLevel(property, `${path}.properties[${name}]`, "field", errors);
  }
  if (isObject(schema.additionalProperties)) {
    if (level === "root") errors.forbidden(`${path}.additionalProperties`, "must not be used at the root");
    validateLevel(schema.additionalProperties as Schema, `${path}.additionalProperties`, "field", errors);
  }
  if (isObject(schema.items)) validateLevel(schema.items, `${path}.items`, "item", errors);
  for (const [place, alternative] of alternativesOf(schema)) {
    validateAlternative(alternative, `${path}.${place}`, schema["x-kubernetes-int-or-string"] === true, errors);
  }
}

function validateKeywords(schema: Schema, path: string, errors: FieldErrors): void {
  for (const keyword of unsupportedKeywords) {
    if (schema[keyword] !== undefined) errors.forbidden(`${path}.${keyword}`, `${keyword} is not supported`);
  }
  if (schema.uniqueItems === true) {
    errors.forbidden(`${path}.uniqueItems`, "uniqueItems cannot be set to true since the runtime complexity becomes quadratic");
  }
  if (schema.items !== undefined && !isObject(schema.items)) {
    errors.forbidden(`${path}.items`, "items must be a schema object and not an array");
  }
  if (schema.additionalProperties === false) {
    errors.forbidden(`${path}.additionalProperties`, "additionalProperties cannot be set to false");
  }
  const rules = "x-kubernetes-validations";
  if (schema[rules] !== undefined) errors.forbidden(`${path}.${rules}`, "not supported by this cluster");
  if (schema.properties && schema.additionalProperties) {
    errors.forbidden(`${path}.additionalProperties`, "additionalProperties and properties are mutual exclusive");
  }
  if (typeof schema.pattern === "string" && !isPattern(schema.pattern)) {
    errors.invalid(`${path}.pattern`, schema.pattern, "must be a valid regular expression, but isn't");
  }
}

function validateListType(schema: Schema, path: string, errors: FieldErrors): void {
  const type = schema["x-kubernetes-list-type"];
  const keys = schema["x-kubernetes-list-map-keys"] ?? [];
  const field = `${path}.x-kubernetes-list-type`;
  if (type !== undefined && schema.type !== "array") errors.invalid(`${path}.type`, schema.type ?? "", "must be array");
  if (type !== undefined && !["atomic", "set", "map"].includes(type)) errors.unsupported(field, type, ["atomic", "map", "set"]);
  if (keys.length > 0 && type !== "map") {
    errors.invalid(field, type ?? "", "must be map if x-kubernetes-list-map-keys is non-empty");
  }
  if (type !== "map") return;
  const keysField = `${path}.x-kubernetes-list-map-keys`;
  if (keys.length === 0) errors.required(keysField, "must not be empty if x-kubernetes-list-type is map");
  const { properties = {}, required } = schema.items ?? {};
  for (const [index, key] of keys.entries()) {
    const property = Object.hasOwn(properties, key) ? properties[key] : undefined;
    if (!property) {
      errors.invalid(`${keysField}[${index}]`, key, "entries must all be names of item properties");
    } else if (property.default === undefined && !(Array.isArray(required) && required.includes(key))) {
      const detail = "this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property";
      errors.required(`${path}.items.properties[${key}].default`, detail);
    }
  }
}

function* alternativesOf(schema: Schema): Iterable<[place: string, schema: Schema]> {
  for (const keyword of ["allOf", "anyOf", "oneOf"]) {
    const alternatives = schema[keyword];
    if (Array.isArray(alternatives)) for (const [index, one] of alternatives.entries()) yield [`${keyword}[${index}]`, one];
  }
  if (isObject(schema.not)) yield ["not", schema.not as Schema];
}

function validateAlternative(schema: Schema, path: string, mayBeTyped: boolean, errors: FieldErrors): void {
  for (const keyword of structuralOnly) {
    if (schema[keyword] === undefined || (mayBeTyped && keyword === "type")) continue;
    errors.forbidden(`${path}.${keyword}`, "must be empty to be structural");
  }
  validateKeywords(schema, path, errors);
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    validateAlternative(property, `${path}.properties[${name}]`, mayBeTyped, errors);
  }
  if (isObject(schema.items)) validateAlternative(schema.items, `${path}.items`, mayBeTyped, errors);
  for (const [place, one] of alternativesOf(schema)) validateAlternative(one, `${path}.${place}`, mayBeTyped, errors);
}

function validateDefaults(schema: Schema, path: string, errors: FieldErrors): void {
  if (schema.default !== undefined) validateDefault(schema, schema.default, `${path}.default`, errors);
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    validateDefaults(property, `${path}.properties[${name}]`, errors);
  }
  if (isObject(schema.additionalProperties)) {
    validateDefaults(schema.additionalProperties as Schema, `${path}.additionalProperties`, errors);
  }
  if (isObject(schema.items)) validateDefaults(schema.items, `${path}.items`, errors);
}

function validateDefault(schema: Schema, value: unknown, path: string, errors: FieldErrors): void {
  const unknown: string[] = [];
  prune(schema, value, "default", unknown);
  if (unknown.length > 0) errors.invalid(path, value, "must not have unknown fields");
  const found = new FieldErrors();
  compileSchema({ type: "object", properties: { default: { ...schema, default: undefined } } })({ default: value }, found);
  const parent = path.slice(0, -".default".length);
  for (const cause of found.causes) errors.causes.push({ ...cause, field: `${parent}.${cause.field}` });
}

function compilationProblem(schema: Schema): string | undefined {
  try {
    compileSchema(schema);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : "cannot be compiled";
  }
}

function isPattern(pattern: string): boolean {
  try {
    return new RegExp(pattern, "u") instanceof RegExp;
  } catch {
    return false;
  }
}
