import { isObject } from "../../patch/merge-patch.ts";

/** The part of a structural openAPIV3Schema that pruning, defaults and columns read; validation reads all of it. */
export type Schema = {
  type?: string;
  properties?: Record<string, Schema>;
  additionalProperties?: Schema | boolean;
  items?: Schema;
  default?: unknown;
  nullable?: boolean;
  enum?: unknown[];
  "x-kubernetes-preserve-unknown-fields"?: boolean;
  "x-kubernetes-embedded-resource"?: boolean;
  "x-kubernetes-int-or-string"?: boolean;
  "x-kubernetes-list-type"?: string;
  "x-kubernetes-list-map-keys"?: string[];
  [keyword: string]: unknown;
};

const typeMeta = ["apiVersion", "kind", "metadata"];

/** The value without the fields that the schema does not specify; their paths go to `unknown`. */
export function prune(schema: Schema, value: unknown, path: string, unknown: string[]): unknown {
  if (Array.isArray(value)) {
    const { items } = schema;
    return items ? value.map((item, index) => prune(items, item, `${path}[${index}]`, unknown)) : value;
  }
  if (!isObject(value)) return value;
  const { properties = {}, additionalProperties } = schema;
  const keepsAll = schema["x-kubernetes-preserve-unknown-fields"] === true || additionalProperties === true;
  const result: Record<string, unknown> = {};
  for (const [key, inner] of Object.entries(value)) {
    const field = path ? `${path}.${key}` : key;
    const known = Object.hasOwn(properties, key) ? properties[key] : undefined;
    const isOfEveryObject = (path === "" || schema["x-kubernetes-embedded-resource"]) && typeMeta.includes(key);
    if (isOfEveryObject) result[key] = inner;
    else if (known) result[key] = prune(known, inner, field, unknown);
    else if (isObject(additionalProperties)) result[key] = prune(additionalProperties as Schema, inner, field, unknown);
    else if (keepsAll) result[key] = inner;
    else unknown.push(field);
  }
  return result;
}

/** Fills in the defaults of the schema, also inside of what was defaulted; null counts as missing. Changes the value. */
export function setSchemaDefaults(schema: Schema, value: unknown): void {
  if (Array.isArray(value)) {
    if (schema.items) for (const item of value) setSchemaDefaults(schema.items, item);
    return;
  }
  if (!isObject(value)) return;
  const { properties = {}, additionalProperties } = schema;
  for (const [key, property] of Object.entries(properties)) {
    if (Object.hasOwn(value, key) && value[key] === null && !property.nullable) delete value[key];
    if (!Object.hasOwn(value, key) && property.default !== undefined) value[key] = structuredClone(property.default);
    if (Object.hasOwn(value, key)) setSchemaDefaults(property, value[key]);
  }
  if (!isObject(additionalProperties)) return;
  const values = additionalProperties as Schema;
  for (const [key, inner] of Object.entries(value)) {
    if (Object.hasOwn(properties, key)) continue;
    if (inner === null && !values.nullable) delete value[key];
    else setSchemaDefaults(values, inner);
  }
}
