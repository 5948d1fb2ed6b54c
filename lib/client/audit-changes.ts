import type { FieldChange } from "#lib/domain/actions/schemas.ts";

/** The fields of an entry's before and after as text, those that differ first; nested ones by their path. */
export function auditChanges(before: unknown, after: unknown): (FieldChange & { differs: boolean })[] {
  const left = flatten(before);
  const right = flatten(after);
  const fields = [...new Set([...left.keys(), ...right.keys()])];
  return fields
    .map((field) => {
      const was = left.get(field) ?? null;
      const is = right.get(field) ?? null;
      return { field, before: was, after: is, differs: was !== is };
    })
    .sort((a, b) => Number(b.differs) - Number(a.differs));
}

function flatten(value: unknown, path = "", into = new Map<string, string>()): Map<string, string> {
  if (value === null || value === undefined) return into;
  if (typeof value !== "object") return into.set(path || "value", String(value));
  for (const [key, inner] of Object.entries(value)) flatten(inner, path ? `${path}.${key}` : key, into);
  return into;
}
