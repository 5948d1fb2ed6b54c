import { STATUS_CODES } from "node:http";
import { z } from "zod";
import { HubError } from "#lib/protocol/hub-messages.ts";

/** An error that goes to the caller of the admin API as it is (RFC 9457). */
export class AdminProblem extends Error {
  override readonly name = "AdminProblem";
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, detail: string) {
    super(detail);
    this.status = status;
    this.code = code;
  }
}

export type ProblemBody = { type: string; title: string; status: number; code: string; detail: string; request_id: string };

/** What the caller is told of an error: nothing but its kind, when it is none of the API's own. */
export function describeProblem(error: unknown, requestId: string): ProblemBody {
  const { status, code, message } = error instanceof AdminProblem ? error : problemOf(error);
  return { type: "about:blank", title: STATUS_CODES[status] ?? "Error", status, code, detail: message, request_id: requestId };
}

/** The value as the schema has it. Throws AdminProblem 400 that names the field. */
export function parseInput<S extends z.ZodType>(schema: S, given: unknown): z.output<S> {
  const result = schema.safeParse(given);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw new AdminProblem(400, "invalid", `${issue?.path.join(".") || "body"}: ${issue?.message ?? "is wrong"}`);
}

/** Fastify's own refusals (no such method, body too large, no JSON) have a status below 500. */
function problemOf(error: unknown): AdminProblem {
  if (error instanceof HubError) return new AdminProblem(503, error.code, error.message);
  if (isStateAway(error)) return new AdminProblem(503, "state_away", "the state of the hubs cannot be asked now");
  const { statusCode = 500, message } = error as { statusCode?: number; message?: string };
  if (statusCode >= 400 && statusCode < 500) return new AdminProblem(statusCode, "invalid", message ?? "the request is wrong");
  return new AdminProblem(500, "internal", "something went wrong inside; the hub's log says what under this request_id");
}

/** Redis cannot be reached, does not answer in time, or takes nothing now. Its other errors are defects of ours. */
function isStateAway(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if (error.name === "ReplyError")
    return /\b(LOADING|READONLY|MISCONF|OOM|BUSY|MASTERDOWN|NOAUTH|WRONGPASS)\b/.test(error.message);
  return (
    "syscall" in error ||
    /Abort|MaxRetries/.test(error.name) ||
    /^(Command timed out|Connection is closed|Stream isn't writeable)/.test(error.message)
  );
}

/** A page of a list: at most `limit` items, from after the cursor that the page before gave as `next`. */
export const pageQuery = {
  limit: z.coerce.number().int().min(1).max(1_000).default(100),
  after: z.string().min(1).max(2_000).optional(),
};
