import { randomBytes, randomUUID } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";

// https://www.w3.org/TR/trace-context/#traceparent-header: version ff and ids of zeros are not valid, later versions may be longer.
const traceparentForm = /^(?!ff)[\da-f]{2}-(?!0{32})([\da-f]{32})-(?!0{16})[\da-f]{16}-[\da-f]{2}(-|$)/;

/** Under what a request is found in the logs, here and at those who called; under these names in every line about it. */
export type Trace = { trace_id: string; request_id: string };

const requestIdForm = /^[\w.:/+=-]{1,128}$/;

/** The ids that a request brings in `traceparent` and `x-request-id`; one that is missing or malformed is made. */
export function traceOf(headers: IncomingHttpHeaders): Trace {
  const given = headers["x-request-id"];
  return {
    trace_id: traceFields(headers.traceparent?.toString()).trace_id ?? randomBytes(16).toString("hex"),
    request_id: typeof given === "string" && requestIdForm.test(given) ? given : randomUUID(),
  };
}

/** The id of the trace that a W3C `traceparent` names, under `trace_id` as in every line of the log about it; none when it is not one. */
export function traceFields(traceparent: string | undefined): { trace_id?: string } {
  const [, id] = traceparentForm.exec(traceparent ?? "") ?? [];
  return id ? { trace_id: id } : {};
}

/** A `traceparent` for work that begins here. */
export function createTraceparent(): string {
  return `00-${randomBytes(16).toString("hex")}-${randomBytes(8).toString("hex")}-01`;
}
