import { randomBytes, randomUUID } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";

/** Under what a connection is found in the logs, here and at those who called; under these names in every line about it. */
export type Trace = { trace_id: string; request_id: string };

// https://www.w3.org/TR/trace-context/#traceparent-header: version ff and ids of zeros are not valid, later versions may be longer.
const traceparent = /^(?!ff)[\da-f]{2}-(?!0{32})([\da-f]{32})-(?!0{16})[\da-f]{16}-[\da-f]{2}(-|$)/;
const requestId = /^[\w.:/+=-]{1,128}$/;

/** The ids that a request brings in `traceparent` and `x-request-id`; one that is missing or malformed is made. */
export function traceOf(headers: IncomingHttpHeaders): Trace {
  const given = headers["x-request-id"];
  return {
    trace_id: traceparent.exec(headers.traceparent?.toString() ?? "")?.[1] ?? randomBytes(16).toString("hex"),
    request_id: typeof given === "string" && requestId.test(given) ? given : randomUUID(),
  };
}
