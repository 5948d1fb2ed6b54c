import { randomBytes, randomUUID } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";
import { traceFields } from "#lib/runtime/trace.ts";

/** Under what a connection is found in the logs, here and at those who called; under these names in every line about it. */
export type Trace = { trace_id: string; request_id: string };

const requestId = /^[\w.:/+=-]{1,128}$/;

/** The ids that a request brings in `traceparent` and `x-request-id`; one that is missing or malformed is made. */
export function traceOf(headers: IncomingHttpHeaders): Trace {
  const given = headers["x-request-id"];
  return {
    trace_id: traceFields(headers.traceparent?.toString()).trace_id ?? randomBytes(16).toString("hex"),
    request_id: typeof given === "string" && requestId.test(given) ? given : randomUUID(),
  };
}
