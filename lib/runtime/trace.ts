import { randomBytes } from "node:crypto";

// https://www.w3.org/TR/trace-context/#traceparent-header: version ff and ids of zeros are not valid, later versions may be longer.
const traceparentForm = /^(?!ff)[\da-f]{2}-(?!0{32})([\da-f]{32})-(?!0{16})[\da-f]{16}-[\da-f]{2}(-|$)/;

/** The id of the trace that a W3C `traceparent` names, under `trace_id` as in every line of the log about it; none when it is not one. */
export function traceFields(traceparent: string | undefined): { trace_id?: string } {
  const [, id] = traceparentForm.exec(traceparent ?? "") ?? [];
  return id ? { trace_id: id } : {};
}

/** A `traceparent` for work that begins here. */
export function createTraceparent(): string {
  return `00-${randomBytes(16).toString("hex")}-${randomBytes(8).toString("hex")}-01`;
}
