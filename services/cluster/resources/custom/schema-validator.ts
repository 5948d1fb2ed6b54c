import { isIP, isIPv4, isIPv6 } from "node:net";
import { Ajv, type ErrorObject } from "ajv";
import { isObject } from "../../patch/merge-patch.ts";
import type { FieldErrors } from "../../validation/field-errors.ts";
import type { Schema } from "./schema.ts";

const passedOn = [
  "maximum",
  "minimum",
  "maxLength",
  "minLength",
  "pattern",
  "maxItems",
  "minItems",
  "multipleOf",
  "maxProperties",
  "minProperties",
  "required",
];

const formats = {
  ipv4: (text: string) => isIPv4(text),
  ipv6: (text: string) => isIPv6(text),
  cidr: isCidr,
  email: /^[^@\s]+@[^@\s]+$/,
  mac: /^[0-9a-f]{2}([:-][0-9a-f]{2}){5}$/i,
  duration: /^[+-]?(0|((\d+\.?\d*|\.\d+)(ns|us|µs|ms|s|m|h|d|w))+)$/,
  "date-time": (text: string) => /^\d{4}-\d\d-\d\d[Tt ]/.test(text) && !Number.isNaN(Date.parse(text)),
  date: (text: string) => /^\d{4}-\d\d-\d\d$/.test(text) && !Number.isNaN(Date.parse(text)),
  uuid: /^[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}$/i,
  byte: /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/,
  uri: (text: string) => URL.canParse(text),
  hostname: /^(?=.{1,253}$)[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*$/i,
};

function isCidr(text: string): boolean {
  const [address = "", bits = "", ...rest] = text.split("/");
  const version = isIP(address);
  return rest.length === 0 && version !== 0 && /^\d{1,3}$/.test(bits) && Number(bits) <= (version === 4 ? 32 : 128);
}

export type Validator = (value: unknown, errors: FieldErrors) => void;

/** Checks objects against an openAPIV3Schema, with the wording of Kubernetes (kube-openapi/pkg/validation/errors). */
export function compileSchema(schema: Schema): Validator {
  const ajv = new Ajv({ allErrors: true, verbose: true, strict: false, logger: false, formats });
  const check = ajv.compile(toJsonSchema(schema));
  return (value, errors) => {
    check(value);
    for (const error of check.errors ?? []) if (!isInAlternative(error)) report(error, errors);
    checkExtensions(schema, value, "", errors);
  };
}

function toJsonSchema(schema: Schema): Record<string, unknown> {
  const result: Record<string, unknown> = {};
  const isText = schema.type === "string";
  for (const keyword of passedOn) if (schema[keyword] !== undefined) result[keyword] = schema[keyword];
  if (isText && typeof schema.format === "string" && Object.hasOwn(formats, schema.format)) result.format = schema.format;
  for (const limit of ["Maximum", "Minimum"]) {
    const bound = limit.toLowerCase();
    if (schema[`exclusive${limit}`] !== true) continue;
    result[`exclusive${limit}`] = schema[bound];
    delete result[bound];
  }
  const types = schema["x-kubernetes-int-or-string"] ? ["integer", "string"] : schema.type ? [schema.type] : [];
  if (types.length > 0) result.type = schema.nullable ? [...types, "null"] : types;
  if (schema.enum) result.enum = [...new Set(schema.nullable ? [...schema.enum, null] : schema.enum)];
  if (Array.isArray(schema.required)) result.required = [...new Set(schema.required)];
  if (schema.properties) result.properties = mapValues(schema.properties, toJsonSchema);
  if (isObject(schema.additionalProperties)) result.additionalProperties = toJsonSchema(schema.additionalProperties as Schema);
  if (schema.items) result.items = toJsonSchema(schema.items);
  for (const keyword of ["allOf", "anyOf", "oneOf"]) {
    if (Array.isArray(schema[keyword])) result[keyword] = (schema[keyword] as Schema[]).map(toJsonSchema);
  }
  if (isObject(schema.not)) result.not = toJsonSchema(schema.not as Schema);
  return result;
}

function report(error: ErrorObject, errors: FieldErrors): void {
  const { keyword, params, data } = error;
  const path = fieldPath(error.instancePath);
  if (keyword === "required") errors.required(path ? `${path}.${params.missingProperty}` : params.missingProperty);
  else if (keyword === "maxLength") errors.tooLong(path, params.limit);
  else if (keyword === "maxItems" || keyword === "maxProperties") errors.tooMany(path, sizeOf(data), params.limit);
  else if (keyword === "enum") errors.unsupported(path, data, supportedValues(params.allowedValues), "as given");
  else errors.invalid(path, shownValue(keyword, data), detailOf(error, path));
}

function detailOf({ keyword, params, data }: ErrorObject, path: string): string {
  const body = `${path} in body`;
  switch (keyword) {
    case "type": {
      const wanted = [params.type].flat().filter((type: string) => type !== "null");
      return `${body} must be of type ${wanted.join(",")}: ${JSON.stringify(typeName(data))}`;
    }
    case "format":
      return `${body} must be of type ${params.format}: ${JSON.stringify(data)}`;
    case "pattern":
      return `${body} should match '${params.pattern}'`;
    case "minLength":
      return `${body} should be at least ${params.limit} chars long`;
    case "minItems":
      return `${body} should have at least ${params.limit} items`;
    case "minProperties":
      return `${body} should have at least ${params.limit} properties`;
    case "minimum":
      return `${body} should be greater than or equal to ${params.limit}`;
    case "maximum":
      return `${body} should be less than or equal to ${params.limit}`;
    case "exclusiveMinimum":
      return `${body} should be greater than ${params.limit}`;
    case "exclusiveMaximum":
      return `${body} should be less than ${params.limit}`;
    case "multipleOf":
      return `${body} should be a multiple of ${params.multipleOf}`;
    case "anyOf":
      return `${JSON.stringify(path)} must validate at least one schema (anyOf)`;
    case "oneOf": {
      const passing = params.passingSchemas === null ? "Found none valid" : "Found 2 valid alternatives";
      return `${JSON.stringify(path)} must validate one and only one schema (oneOf). ${passing}`;
    }
    default:
      return `${JSON.stringify(path)} must not validate the schema (${keyword})`;
  }
}

function shownValue(keyword: string, data: unknown): unknown {
  if (keyword === "type") return typeName(data);
  if (keyword === "minItems" || keyword === "minProperties") return sizeOf(data);
  return ["anyOf", "oneOf", "not"].includes(keyword) ? "" : data;
}

function sizeOf(data: unknown): number {
  return Object.keys(data as object).length;
}

function supportedValues(values: unknown[]): string[] {
  return values.filter((value) => value !== null).map(plain);
}

/** Whether the error is about one of several alternatives: those are told of once, by the alternative's keyword. */
function isInAlternative({ schemaPath }: ErrorObject): boolean {
  const parts = schemaPath.split("/").slice(1, -1);
  for (let index = 0; index < parts.length; index += 1) {
    if (parts[index] === "properties") index += 1;
    else if (["anyOf", "oneOf", "not"].includes(parts[index] ?? "")) return true;
  }
  return false;
}

/** What x-kubernetes-* asks: no two items of one key in lists of type map and set, a type in embedded resources. */
function checkExtensions(schema: Schema, value: unknown, path: string, errors: FieldErrors): void {
  if (Array.isArray(value)) {
    const type = schema["x-kubernetes-list-type"];
    const keys = schema["x-kubernetes-list-map-keys"] ?? [];
    const seen = new Set<string>();
    for (const [index, item] of value.entries()) {
      const identity = type === "map" && isObject(item) ? Object.fromEntries(keys.map((key) => [key, item[key]])) : item;
      const text = JSON.stringify(identity);
      if ((type === "map" || type === "set") && seen.has(text)) errors.duplicate(`${path}[${index}]`, identity);
      seen.add(text);
      if (schema.items) checkExtensions(schema.items, item, `${path}[${index}]`, errors);
    }
    return;
  }
  if (!isObject(value)) return;
  if (schema["x-kubernetes-embedded-resource"]) {
    for (const field of ["apiVersion", "kind"]) if (!value[field]) errors.required(`${path}.${field}`, "must not be empty");
  }
  for (const [key, inner] of Object.entries(value)) {
    const { properties = {}, additionalProperties } = schema;
    const known = Object.hasOwn(properties, key) ? properties[key] : additionalProperties;
    if (isObject(known)) checkExtensions(known as Schema, inner, path ? `${path}.${key}` : key, errors);
  }
}

function fieldPath(pointer: string): string {
  const parts = pointer.split("/").slice(1);
  const names = parts.map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"));
  return names.map((name, index) => (/^\d+$/.test(name) ? `[${name}]` : index === 0 ? name : `.${name}`)).join("");
}

function typeName(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "array";
  return typeof value === "number" && Number.isInteger(value) ? "integer" : typeof value;
}

function plain(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

function mapValues<T, U>(record: Record<string, T>, change: (value: T) => U): Record<string, U> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, change(value)]));
}
