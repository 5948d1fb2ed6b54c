/** Every way in which the product refuses or fails. Transports map each to their own form in one exhaustive switch. */
export type ErrorCode =
  | "invalid-input"
  | "not-authenticated"
  | "not-permitted"
  | "not-found"
  /** What the person saw is no longer so; details.changed says what differs. */
  | "stale"
  /** The same Idempotency-Key came with another request, or its first request is still under way. */
  | "idempotency-conflict"
  /** The target is in a state that does not allow it, e.g. a paused Deployment and a rollback. */
  | "precondition-failed"
  | "too-many-attempts"
  | "kubernetes-unavailable"
  | "kubernetes-refused"
  | "prometheus-unavailable"
  | "prometheus-refused"
  | "alertmanager-unavailable"
  | "alertmanager-refused"
  | "database-unavailable";

/** An open incident that stands in the way of another one on the same service. */
export type OpenIncident = { id: string; number: number; title: string; severity: string };

/** One field that differs from what the person saw. */
export type ChangedField = { field: string; seen: string; now: string };

export type ErrorDetails = {
  /** Messages by field path, for invalid-input. */
  fields?: Record<string, string[]>;
  changed?: ChangedField[];
  retryAfterSeconds?: number;
  /** The open incidents of the same service. */
  incidents?: OpenIncident[];
};

/** The one error that the domain throws on purpose. The message is a sentence for the person and says what to do. */
export class DomainError extends Error {
  override readonly name = "DomainError";
  readonly code: ErrorCode;
  readonly details: ErrorDetails;

  // Next bundles this module several times in one process: an error of another copy's class is one, too.
  static override [Symbol.hasInstance](value: unknown): boolean {
    return value instanceof Error && value.name === "DomainError";
  }

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.details = details;
  }
}
