import { z } from "zod";
import { DomainError } from "./errors.ts";

/** Parses input by a schema; throws invalid-input with a message for each bad field. */
export function parseInput<S extends z.ZodType>(schema: S, input: unknown): z.output<S> {
  const result = schema.safeParse(input);
  if (result.success) return result.data;
  const fields: Record<string, string[]> = {};
  for (const issue of result.error.issues) {
    const path = issue.path.join(".");
    fields[path] = [...(fields[path] ?? []), issue.message];
  }
  const [first] = result.error.issues;
  const where = first?.path.join(".");
  throw new DomainError("invalid-input", where ? `${where}: ${first?.message}` : (first?.message ?? "The input is not valid."), {
    fields,
  });
}

/** Parses an id from an address; throws not-found when it is none. */
export function parseId(id: string, what: string): string {
  if (z.uuid().safeParse(id).success) return id;
  throw new DomainError("not-found", `There is no ${what} with this id.`);
}
