import { DomainError, type ErrorCode } from "#lib/domain/errors.ts";

/** A refusal or failure of the Kubernetes API. `status` is the HTTP status, 0 when there was no answer. */
export class KubernetesError extends DomainError {
  readonly status: number;
  /** Kubernetes' reason, e.g. NotFound, Conflict, Invalid; empty when there was no answer. */
  readonly reason: string;

  static override [Symbol.hasInstance](value: unknown): boolean {
    return value instanceof DomainError && "status" in value && "reason" in value;
  }

  constructor(status: number, reason: string, message: string, options?: ErrorOptions) {
    super(codeOf(status), sentence(status, message), {}, options);
    this.status = status;
    this.reason = reason;
  }
}

function codeOf(status: number): ErrorCode {
  if (status === 404) return "not-found";
  if (status === 0 || status === 429 || status >= 500) return "kubernetes-unavailable";
  return "kubernetes-refused";
}

function sentence(status: number, message: string): string {
  if (status === 0) return `The Kubernetes API does not answer: ${message}`;
  if (status === 401)
    return "The Kubernetes API does not accept Switchyard's credentials; check its kubeconfig or service account.";
  if (status === 403) return `The cluster does not permit this to Switchyard: ${message}`;
  if (status === 404) return `The cluster has no such object: ${message}`;
  if (codeOf(status) === "kubernetes-unavailable") return `The Kubernetes API cannot answer now (${status}): ${message}`;
  return `The Kubernetes API refused this: ${message}`;
}

/** The error for an answer with a status other than 2xx; `body` is a v1 Status where the server is a Kubernetes. */
export function readStatusError(status: number, body: string): KubernetesError {
  const parsed = parseStatus(body);
  return new KubernetesError(status, parsed.reason ?? "", parsed.message ?? (body.slice(0, 300) || `HTTP ${status}`));
}

/** The error for a request that got no answer. */
export function noAnswerError(cause: unknown): KubernetesError {
  const message = cause instanceof Error ? describe(cause) : String(cause);
  return new KubernetesError(0, "", message, { cause });
}

function describe(error: Error & { code?: string }): string {
  const known: Record<string, string> = {
    ECONNREFUSED: "nothing listens at its address.",
    ECONNRESET: "the connection was cut.",
    ENOTFOUND: "its name cannot be resolved.",
    ETIMEDOUT: "it took too long.",
  };
  return known[error.code ?? ""] ?? error.message;
}

function parseStatus(body: string): { reason?: string; message?: string } {
  try {
    const value: unknown = JSON.parse(body);
    if (typeof value !== "object" || value === null) return {};
    const { reason, message } = value as Record<string, unknown>;
    return {
      reason: typeof reason === "string" ? reason : undefined,
      message: typeof message === "string" ? message : undefined,
    };
  } catch {
    return {};
  }
}
