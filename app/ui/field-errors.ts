import type { z } from "zod";
import { reasonSchema } from "#lib/domain/actions/schemas.ts";

/** What a schema finds wrong with an input, by field; a field inside another as the server names it: "objective.windowDays". */
export function fieldErrors(schema: z.ZodType, input: unknown): Record<string, string[]> {
  const errors: Record<string, string[]> = {};
  for (const { path, message } of schema.safeParse(input).error?.issues ?? []) {
    const field = path.join(".");
    errors[field] = [...(errors[field] ?? []), message];
  }
  return errors;
}

/** What is wrong with the reason of an order; undefined for a good one. */
export function reasonErrors(reason: string): string[] | undefined {
  return reasonSchema.safeParse(reason).error?.issues.map(({ message }) => message);
}
