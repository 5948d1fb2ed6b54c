import type { z } from "zod";

/** What a schema finds wrong with an input, by field; a field inside another as the server names it: "objective.windowDays". */
export function fieldErrors(schema: z.ZodType, input: unknown): Record<string, string[]> {
  const errors: Record<string, string[]> = {};
  for (const { path, message } of schema.safeParse(input).error?.issues ?? []) {
    const field = path.join(".");
    errors[field] = [...(errors[field] ?? []), message];
  }
  return errors;
}
