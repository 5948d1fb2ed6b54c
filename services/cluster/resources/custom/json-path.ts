import { isObject } from "../../patch/merge-patch.ts";

const step = /\.([A-Za-z0-9_-]+)|\[(\d+|\*)\]|\['((?:\\.|[^'\\])*)'\]|\[\?\(@\.([\w.-]+)\s*==\s*["']([^"']*)["']\)\]|\.(\*)/y;

type Step = (value: unknown) => unknown[];

/** Whether the path has no other steps than those that are followed here. */
export function isReadablePath(path: string): boolean {
  return path !== "" && stepsOf(path) !== undefined;
}

/** The values at a simple JSONPath of a printer column: fields, indexes, `[*]` and `[?(@.type=="Ready")]`. */
export function valuesAt(path: string, value: unknown): unknown[] {
  return (stepsOf(path) ?? [() => []]).reduce((found: unknown[], follow) => found.flatMap(follow), [value]);
}

function stepsOf(path: string): Step[] | undefined {
  const steps: Step[] = [];
  step.lastIndex = 0;
  while (step.lastIndex < path.length) {
    const match = step.exec(path);
    if (!match) return undefined;
    const [, name, index, quoted, filterField, wanted, star] = match;
    const key = name ?? quoted?.replace(/\\(.)/g, "$1");
    if (key !== undefined) steps.push((one) => (isObject(one) && Object.hasOwn(one, key) ? [one[key]] : []));
    else if (index === "*" || star) steps.push((one) => (Array.isArray(one) || isObject(one) ? Object.values(one) : []));
    else if (filterField) steps.push((one) => (Array.isArray(one) ? one.filter((item) => holds(item, filterField, wanted)) : []));
    else steps.push((one) => (Array.isArray(one) ? one.slice(Number(index), Number(index) + 1) : []));
  }
  return steps;
}

function holds(item: unknown, field: string, wanted: string | undefined): boolean {
  return String(valuesAt(`.${field}`, item)[0]) === wanted;
}
