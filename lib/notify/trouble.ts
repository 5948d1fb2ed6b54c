import { BlockedAddressError } from "./address.ts";
import { result, type SendResult } from "./message.ts";

const sentences: Record<string, string> = {
  ENOTFOUND: "The name is not known to the resolver.",
  EAI_AGAIN: "The resolver does not answer now.",
  ECONNREFUSED: "Nothing listens at this address: the connection was refused.",
  ECONNRESET: "The other side cut the connection.",
  EPIPE: "The other side cut the connection.",
  EHOSTUNREACH: "There is no route to this host.",
  ENETUNREACH: "There is no route to this network.",
  ETIMEDOUT: "The connection was not answered in time.",
  DEPTH_ZERO_SELF_SIGNED_CERT: "Its certificate is self-signed; name its authority in NODE_EXTRA_CA_CERTS.",
  SELF_SIGNED_CERT_IN_CHAIN: "Its certificate comes from an unknown authority; name it in NODE_EXTRA_CA_CERTS.",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: "Its certificate comes from an unknown authority; name it in NODE_EXTRA_CA_CERTS.",
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: "Its certificate comes from an unknown authority; name it in NODE_EXTRA_CA_CERTS.",
  CERT_HAS_EXPIRED: "Its certificate has expired.",
  ERR_TLS_CERT_ALTNAME_INVALID: "Its certificate is for another name.",
};

/** The result of an attempt that broke before there was an answer. */
export function describeTrouble(error: unknown, timeoutMs: number): SendResult {
  if (error instanceof BlockedAddressError) return result("blocked", { error: error.message });
  const inner = error instanceof AggregateError ? error.errors[0] : error;
  if (isTimeout(inner)) {
    return result("timed-out", { error: `No answer within ${Math.round(timeoutMs / 1000)} s.` });
  }
  const code = codeOf(inner);
  const known = sentences[code];
  return result("unreachable", { error: known ? `${known} (${code})` : messageOf(inner) });
}

function isTimeout(error: unknown): boolean {
  return error instanceof Error && (error.name === "TimeoutError" || error.name === "AbortError");
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "";
}

function messageOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.slice(0, 300);
}
