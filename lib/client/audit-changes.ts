import type { FieldChange } from "#lib/domain/actions/schemas.ts";
import type { ChangedField } from "#lib/domain/errors.ts";

/**
 * The fields of an entry's before and after as text, those that differ first; nested ones by their path. Of an action on a
 * service `after` holds only what was meant, so what it does not name stayed; of a stale request it holds what had changed.
 */
export function auditChanges(before: unknown, after: unknown): (FieldChange & { differs: boolean })[] {
  const { intended, changed } = (after ?? {}) as { intended?: unknown; changed?: ChangedField[] };
  if (Array.isArray(changed))
    return changed.map(({ field, seen, now }) => ({ field, before: seen, after: now, differs: seen !== now }));
  const left = flatten(before);
  const right = flatten(intended === undefined ? after : intended);
  const fields = [...new Set([...left.keys(), ...right.keys()])];
  return fields
    .map((field) => {
      const was = left.get(field) ?? null;
      const is = right.get(field) ?? (intended === undefined ? null : was);
      return { field, before: was, after: is, differs: was !== is };
    })
    .sort((a, b) => Number(b.differs) - Number(a.differs));
}

/** The sentence that an action was answered with; null where there is none. */
export function auditMessage(after: unknown): string | null {
  const message = (after as { message?: unknown } | null)?.message;
  return typeof message === "string" && message !== "" ? message : null;
}

function flatten(value: unknown, path = "", into = new Map<string, string>()): Map<string, string> {
  if (value === null || value === undefined) return into;
  if (typeof value !== "object") return into.set(path || "value", String(value));
  for (const [key, inner] of Object.entries(value)) flatten(inner, path ? `${path}.${key}` : key, into);
  return into;
}
