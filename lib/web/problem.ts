import { DomainError, type ErrorCode } from "#lib/domain/errors.ts";

const titles: Record<ErrorCode, [status: number, title: string]> = {
  "invalid-input": [422, "The input is not valid"],
  "not-authenticated": [401, "Not logged in"],
  "not-permitted": [403, "Not permitted"],
  "not-found": [404, "Not found"],
  stale: [409, "What you saw has changed"],
  "idempotency-conflict": [409, "The same key came with another request"],
  "precondition-failed": [409, "Not possible in the present state"],
  "too-many-attempts": [429, "Too many attempts"],
  "kubernetes-unavailable": [503, "The cluster does not answer"],
  "kubernetes-refused": [422, "The cluster refused this"],
  "prometheus-unavailable": [503, "Prometheus does not answer"],
  "prometheus-refused": [502, "Prometheus refused the query"],
  "alertmanager-unavailable": [503, "Alertmanager does not answer"],
  "alertmanager-refused": [502, "Alertmanager refused this"],
  "database-unavailable": [503, "The database does not answer"],
};

/** The answer for an error as RFC 9457 problem+json. Anything but a DomainError becomes a 500 that tells only the request id. */
export function toProblem(error: unknown, requestId: string): Response {
  if (!(error instanceof DomainError)) {
    const detail = "Something went wrong inside Switchyard. The log has the details under this request's id.";
    return answer(500, { type: typeOf("internal"), title: "Internal error", detail, code: "internal", requestId });
  }
  const [status, title] = titles[error.code];
  const { retryAfterSeconds } = error.details;
  return answer(
    status,
    { type: typeOf(error.code), title, detail: error.message, code: error.code, requestId, ...error.details },
    retryAfterSeconds === undefined ? {} : { "retry-after": String(retryAfterSeconds) },
  );
}

function answer(status: number, body: object, headers: Record<string, string> = {}): Response {
  return Response.json(
    { ...body, status },
    { status, headers: { "content-type": "application/problem+json", "cache-control": "no-store", ...headers } },
  );
}

function typeOf(code: string): string {
  return `https://switchyard.dev/problems/${code}`;
}
