import { StatusError } from "../api.ts";
import { fieldsOf } from "../schema/decode.ts";
import { mergeRule } from "./merge-keys.ts";
import { applyMergePatch, define, isObject } from "./merge-patch.ts";

type Json = Record<string, unknown>;

const orderPrefix = "$setElementOrder/";
const removalPrefix = "$deleteFromPrimitiveList/";

/**
 * A strategic merge patch on an object of a type of schema/types.json: lists with a merge key are merged by it, and the
 * directives $patch, $retainKeys, $setElementOrder and $deleteFromPrimitiveList are obeyed.
 * Kubernetes: apimachinery/pkg/util/strategicpatch/patch.go.
 */
export function applyStrategicMergePatch(type: string, target: Json, patch: Json): Json {
  const directive = patch.$patch;
  if (directive === "delete") return {};
  if (directive === "replace") return withoutDirectives(patch);
  if (directive !== undefined && directive !== "merge") throw badPatch(`Unknown patch type found: ${String(directive)}`);
  const result: Json = { ...target };
  retainKeys(result, patch);
  for (const [key, values] of Object.entries(patch)) {
    if (key.startsWith(removalPrefix)) removeFromList(result, key.slice(removalPrefix.length), values);
  }
  const fields = fieldsOf(type);
  for (const [key, value] of Object.entries(patch)) {
    if (key.startsWith("$")) continue;
    if (value === null) {
      delete result[key];
      continue;
    }
    const fieldType = fields && Object.hasOwn(fields, key) ? (fields[key] ?? "any") : "any";
    define(result, key, mergeValue(type, key, fieldType, Object.hasOwn(result, key) ? result[key] : undefined, value));
  }
  for (const [key, order] of Object.entries(patch)) {
    if (key.startsWith(orderPrefix)) orderList(type, result, target, key.slice(orderPrefix.length), order);
  }
  return result;
}

function mergeValue(type: string, field: string, fieldType: string, current: unknown, patch: unknown): unknown {
  if (Array.isArray(patch)) {
    const rule = mergeRule(type, field);
    const list = Array.isArray(current) ? current : [];
    if (rule?.mergeKey) return mergeObjects(fieldType.slice(2), rule.mergeKey, list, patch);
    if (rule?.isSet) return arrange([...new Set([...list, ...patch])], patch, list, identity);
    return patch.filter((item) => !isObject(item) || item.$patch === undefined).map(stripped);
  }
  if (!isObject(patch)) return patch;
  if (mergeRule(type, field)?.isReplaced) return withoutDirectives(patch);
  if (fieldsOf(fieldType)) return applyStrategicMergePatch(fieldType, isObject(current) ? current : {}, patch);
  if (patch.$patch === "replace") return withoutDirectives(patch);
  if (patch.$patch === "delete") return {};
  return applyMergePatch(current, withoutDirectives(patch));
}

function mergeObjects(type: string, mergeKey: string, current: unknown[], patch: unknown[]): unknown[] {
  const items = patch.map((item) => {
    if (!isObject(item)) throw badPatch(`expected objects in a list that is merged by ${mergeKey}`);
    return item;
  });
  const normal = items.filter((item) => item.$patch === undefined || item.$patch === "merge");
  if (items.some((item) => item.$patch === "replace")) return normal.map(stripped);
  const keyOf = (item: unknown) => (isObject(item) ? item[mergeKey] : undefined);
  for (const item of items) {
    if (keyOf(item) === undefined)
      throw badPatch(`map: ${JSON.stringify(item)} does not contain declared merge key: ${mergeKey}`);
  }
  const removed = items.filter((item) => item.$patch === "delete").map(keyOf);
  const merged = current.filter((item) => !removed.includes(keyOf(item)));
  for (const item of normal) {
    const index = merged.findIndex((candidate) => keyOf(candidate) === keyOf(item));
    const base = index < 0 ? {} : (merged[index] as Json);
    const value = applyStrategicMergePatch(type, base, item);
    if (index < 0) merged.push(value);
    else merged[index] = value;
  }
  return arrange(merged, normal, current, keyOf);
}

function orderList(type: string, result: Json, target: Json, field: string, order: unknown): void {
  const list = result[field];
  if (!Array.isArray(list) || !Array.isArray(order)) return;
  const mergeKey = mergeRule(type, field)?.mergeKey;
  const keyOf = mergeKey ? (item: unknown) => (isObject(item) ? item[mergeKey] : undefined) : identity;
  const before = target[field];
  result[field] = arrange(list, order, Array.isArray(before) ? before : [], keyOf);
}

/**
 * Brings a merged list into order: items that the patch names stand in the patch's order, the others keep the server's, and
 * each of those goes before the first named item that stood after it on the server.
 */
function arrange(merged: unknown[], patch: unknown[], server: unknown[], keyOf: (item: unknown) => unknown): unknown[] {
  const patchKeys = patch.map(keyOf);
  const serverKeys = server.map(keyOf);
  const isNamed = (item: unknown) => patchKeys.includes(keyOf(item));
  const position = (keys: unknown[], item: unknown) => keys.indexOf(keyOf(item));
  const named = merged.filter(isNamed).sort((a, b) => position(patchKeys, a) - position(patchKeys, b));
  const others = merged.filter((item) => !isNamed(item)).sort((a, b) => position(serverKeys, a) - position(serverKeys, b));
  const result: unknown[] = [];
  let next = 0;
  for (const other of others) {
    while (next < named.length && !standsBefore(other, named[next])) result.push(named[next++]);
    result.push(other);
  }
  return [...result, ...named.slice(next)];

  function standsBefore(a: unknown, b: unknown): boolean {
    const left = position(serverKeys, a);
    const right = position(serverKeys, b);
    return left >= 0 && right >= 0 && left < right;
  }
}

function retainKeys(result: Json, patch: Json): void {
  const kept = patch.$retainKeys;
  if (kept === undefined) return;
  if (!Array.isArray(kept)) throw badPatch("$retainKeys must be a list of field names");
  for (const key of Object.keys(result)) {
    if (!kept.includes(key)) delete result[key];
  }
}

function removeFromList(result: Json, field: string, values: unknown): void {
  const list = result[field];
  if (!Array.isArray(list) || !Array.isArray(values)) return;
  result[field] = list.filter((item) => !values.includes(item));
}

function withoutDirectives(value: Json): Json {
  const entries = Object.entries(value).filter(([key]) => key !== "$patch" && key !== "$retainKeys" && !isListDirective(key));
  return Object.fromEntries(entries.map(([key, inner]) => [key, stripped(inner)]));
}

function stripped(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(stripped);
  return isObject(value) ? withoutDirectives(value) : value;
}

function isListDirective(key: string): boolean {
  return key.startsWith(orderPrefix) || key.startsWith(removalPrefix);
}

function identity(item: unknown): unknown {
  return item;
}

function badPatch(message: string): StatusError {
  return new StatusError(400, "BadRequest", message);
}
