import { randomUUID } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { Attributes } from "../access/attributes.ts";
import type { AuditEvent, AuditLog, AuditUser } from "../access/audit-log.ts";
import { heartbeats } from "../access/audited-cluster.ts";
import type { StatusError } from "../api.ts";
import type { User } from "../pki/identities.ts";
import { microTimestamp } from "../timestamp.ts";
import type { Identity } from "./authorization.ts";

const writes = new Set(["create", "update", "patch", "delete", "deletecollection"]);

/** Whether a request belongs in the audit log: every write and every exec, but not questions, and no heartbeats of the cluster's own parts. */
export function isAudited({ isResource, verb, group, resource }: Attributes, user: User | undefined): boolean {
  if (!isResource || !writes.has(verb) || group === "authorization.k8s.io" || resource === "selfsubjectreviews") return false;
  return !(heartbeats.has(resource) && (user?.name.startsWith("system:node:") || user?.name.startsWith("system:kube-")));
}

/** One request on its way into the audit log. */
export class AuditRecord {
  readonly #log: AuditLog;
  readonly #request: IncomingMessage;
  readonly #attributes: Attributes;
  readonly #received = new Date();
  /** Asked for at once: a connection that was closed has none. */
  readonly #address: string | undefined;
  #identity: Identity | undefined;
  #allowedBecause: string | undefined;
  #written = false;

  constructor(log: AuditLog, request: IncomingMessage, attributes: Attributes) {
    this.#log = log;
    this.#request = request;
    this.#attributes = attributes;
    this.#address = request.socket.remoteAddress;
  }

  identify(identity: Identity): void {
    this.#identity = identity;
  }

  allow(reason: string): void {
    this.#allowedBecause = reason;
  }

  /** Writes the event once, with the outcome. */
  finish(code: number, refusal: StatusError | undefined, objectName: string | undefined): void {
    if (this.#written || !isAudited(this.#attributes, this.#identity?.caller)) return;
    this.#written = true;
    const { caller, user } = this.#identity ?? {};
    const userAgent = this.#request.headers["user-agent"];
    this.#log.append({
      kind: "Event",
      apiVersion: "audit.k8s.io/v1",
      level: "Metadata",
      auditID: randomUUID(),
      stage: code === 101 ? "ResponseStarted" : "ResponseComplete",
      requestURI: this.#request.url ?? "",
      verb: this.#attributes.verb,
      user: caller ? auditUser(caller) : {},
      ...(user && user !== caller ? { impersonatedUser: auditUser(user) } : {}),
      ...(this.#address ? { sourceIPs: [this.#address] } : {}),
      ...(userAgent ? { userAgent } : {}),
      objectRef: objectRefOf(this.#attributes, objectName),
      responseStatus: responseStatus(code, refusal),
      requestReceivedTimestamp: microTimestamp(this.#received),
      stageTimestamp: microTimestamp(new Date()),
      annotations: this.#annotations(code),
    });
  }

  #annotations(code: number): Record<string, string> {
    const decision = this.#allowedBecause !== undefined ? "allow" : code === 401 ? undefined : "forbid";
    if (!decision) return {};
    const reason = this.#allowedBecause ?? "";
    return { "authorization.k8s.io/decision": decision, "authorization.k8s.io/reason": reason };
  }
}

/** A refusal's message is told only where it cannot quote the body, which may hold a secret. */
function responseStatus(code: number, refusal: StatusError | undefined): AuditEvent["responseStatus"] {
  if (!refusal) return { metadata: {}, code };
  const { reason, message } = refusal;
  const isQuotable = code === 401 || code === 403 || code === 404 || code === 409;
  return { metadata: {}, status: "Failure", ...(isQuotable ? { message } : {}), reason, code };
}

function objectRefOf(attributes: Attributes, objectName: string | undefined): Record<string, string> {
  const { group, version, resource, subresource, namespace, name } = attributes;
  const fields = { resource, namespace, name: name || objectName, apiGroup: group, apiVersion: version, subresource };
  return Object.fromEntries(Object.entries(fields).filter((entry): entry is [string, string] => Boolean(entry[1])));
}

function auditUser({ name, groups, uid, extra }: User): AuditUser {
  return { username: name, ...(uid ? { uid } : {}), groups, ...(extra ? { extra } : {}) };
}
