import { isObject } from "../../patch/merge-patch.ts";

const step = /\.([A-Za-z0-9_-]+)|\[(\d+|\*)\]|\['((?:\\.|[^'\\])*)'\]|\[\?\(@\.([\w.-]+)\s*==\s*["']([^"']*)["']\)\]|\.(\*)/y;

/** The values at a simple JSONPath of a printer column: fields, indexes, `[*]` and `[?(@.type=="Ready")]`. */
export function valuesAt(path: string, value: unknown): unknown[] {
  let found: unknown[] = [value];
  step.lastIndex = 0;
  while (step.lastIndex < path.length) {
    const match = step.exec(path);
    if (!match) return [];
    const [, name, index, quoted, filterField, wanted, star] = match;
    const key = name ?? quoted?.replace(/\\(.)/g, "$1");
    found = found.flatMap((one) => {
      if (key !== undefined) return isObject(one) && Object.hasOwn(one, key) ? [one[key]] : [];
      if (index === "*" || star) return Array.isArray(one) ? one : isObject(one) ? Object.values(one) : [];
      if (!Array.isArray(one)) return [];
      if (filterField) return one.filter((item) => String(valuesAt(`.${filterField}`, item)[0]) === wanted);
      return Number(index) < one.length ? [one[Number(index)]] : [];
    });
  }
  return found;
}
