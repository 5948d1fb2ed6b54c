/** Messages by field path: "steps.0.weight". */
export type Errors = Record<string, string[]>;

/** The messages of what lies under a field, by the rest of their paths; those of the field itself under "". */
export function errorsUnder(errors: Errors, field: string): Errors {
  const under: Errors = {};
  for (const [path, messages] of Object.entries(errors)) {
    if (path === field) under[""] = messages;
    else if (path.startsWith(`${field}.`)) under[path.slice(field.length + 1)] = messages;
  }
  return under;
}
