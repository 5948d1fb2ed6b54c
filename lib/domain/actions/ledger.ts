import { createHash } from "node:crypto";
import type { AuditEntry, Rollout } from "#lib/database/generated/client.ts";
import { toJson } from "#lib/database/storable.ts";
import { type AuditRecord, settleAudit, writeAudit } from "../audit.ts";
import { type Context, isUniqueViolation, type Transaction, transact, translateDatabaseErrors } from "../context.ts";
import { type ChangedField, DomainError, type ErrorCode } from "../errors.ts";
import type { ServiceRef } from "../fleet/schemas.ts";
import { startRollout } from "../rollouts/commands.ts";
import type { Plan, Snapshot } from "./plan.ts";
import { type ActionResult, type ActionVerb, rolledOutVerbs } from "./schemas.ts";
import { describeResult } from "./texts.ts";

/**
 * The audit as the memory of actions. A row is committed as pending before anything is written to the cluster and settled
 * afterwards, so that a repeated request finds the first one, and what a crash left is settled by looking at the world.
 */

/** One request for an action, or for another change of a service that the audit remembers the same way. */
export type Request = { verb: string; ref: ServiceRef; reason: string | null; key: string; hash: string; targetKind?: "rollout" };

/** The part of a target that its audit row names. */
export type AuditedTarget = { uid: string; before: object };

/** The `after` of a row: what was meant, the sentence of the answer, and the generation that the write gave. */
export type AuditedAfter = { intended: Plan["intended"]; message: string; generation: number | null };

type EntryWithRollout = AuditEntry & { rollout: Pick<Rollout, "id"> | null };

/** SHA-256 of what was asked for, so that a key cannot be used again for something else. */
export function hashRequest(verb: string, { namespace, name }: ServiceRef, input: unknown): string {
  return createHash("sha256")
    .update(JSON.stringify([verb, namespace, name, input]))
    .digest("hex");
}

/**
 * The answer to a request that came before with the same key: its result, or the error it ended with. Returns the pending row
 * when it is still under way or its process died, and null when there was none. Throws idempotency-conflict for another request.
 */
export async function findEarlier(context: Context, request: Request): Promise<ActionResult | AuditEntry | null> {
  const entry = await findByKey(context, request);
  if (!entry) return null;
  return entry.outcome === "pending" ? entry : repeatAnswer(entry);
}

/** The row of a request that came before with the same key; null when there is none. Throws idempotency-conflict for another request. */
export async function findByKey(
  { actor, db }: Pick<Context, "actor" | "db">,
  { key, hash }: Pick<Request, "key" | "hash">,
): Promise<EntryWithRollout | null> {
  const entry = await translateDatabaseErrors(() =>
    db.auditEntry.findUnique({
      where: {
        actorName_actorKind_idempotencyKey: { actorName: actor.name, actorKind: actor.kind, idempotencyKey: key },
      },
      include: { rollout: { select: { id: true } } },
    }),
  );
  if (entry && entry.requestHash !== hash) {
    throw new DomainError("idempotency-conflict", "This Idempotency-Key was used for another request; make a new one for each.");
  }
  return entry;
}

/** The answer of a settled row, given again. */
export function repeatAnswer(entry: EntryWithRollout): ActionResult {
  if (entry.outcome === "succeeded") {
    const { message } = entry.after as AuditedAfter;
    return { auditId: entry.id, rolloutId: entry.rollout?.id ?? null, outcome: "succeeded", message };
  }
  const { changed } = (entry.after ?? {}) as { changed?: ChangedField[] };
  const code = (entry.errorCode ?? "precondition-failed") as ErrorCode;
  throw new DomainError(code, entry.errorMessage ?? "It was refused.", changed ? { changed } : {});
}

/** Commits the pending row; null when another request with the same key was faster. */
export async function claim(
  context: Context,
  request: Request,
  target: AuditedTarget,
  intended: Plan["intended"],
): Promise<AuditEntry | null> {
  const after: AuditedAfter = { intended, message: "", generation: null };
  const record = { ...describeRequest(request, target), after: toJson(after), outcome: "pending" } as const;
  try {
    return await transact(context, (transaction) => writeAudit(transaction, context, record));
  } catch (error) {
    if (isUniqueViolation(error)) return null;
    throw error;
  }
}

/** Records a request that was refused before anything was written. A key that is taken keeps its first row. */
export async function recordRefusal(
  context: Context,
  request: Request,
  target: AuditedTarget | null,
  error: DomainError,
): Promise<void> {
  const isFailure = error.code.endsWith("-unavailable");
  const { changed } = error.details;
  const record: AuditRecord = {
    ...describeRequest(request, target),
    after: changed ? toJson({ changed }) : null,
    outcome: isFailure ? "failed" : "refused",
    error: { code: error.code, message: error.message },
  };
  // What failed for want of the cluster may be tried again with the same key.
  if (isFailure || request.key === "") Object.assign(record, { idempotencyKey: null, requestHash: null });
  try {
    await transact(context, (transaction) => writeAudit(transaction, context, record));
  } catch (cause) {
    if (!isUniqueViolation(cause)) throw cause;
  }
}

/** Settles a row as done and starts following its rollout; returns what to answer, also when another process settled it before. */
export async function settleDone(
  context: Pick<Context, "db" | "clock">,
  entry: AuditEntry,
  intended: Plan["intended"],
  generation: number,
  message?: string,
): Promise<ActionResult> {
  const verb = entry.verb as ActionVerb;
  const text = message ?? describeResult(verb, entry.targetName, intended);
  const after: AuditedAfter = { intended, message: text, generation };
  return transact(context, async (transaction) => {
    const settled = await settleAudit(transaction, entry.id, { outcome: "succeeded", after: toJson(after) }, context.clock());
    if (!settled) return repeatAnswer(await readEntry(transaction, entry.id));
    const follows = message === undefined && rolledOutVerbs.has(verb);
    const rollout = follows ? await startRollout(transaction, context, describeRollout(entry, intended, generation)) : null;
    return { auditId: entry.id, rolloutId: rollout?.id ?? null, outcome: "succeeded", message: text };
  });
}

/** Settles a row as refused or failed. */
export async function settleEnded(context: Pick<Context, "db" | "clock">, entry: AuditEntry, error: DomainError): Promise<void> {
  const { code, message, details } = error;
  const outcome = code.endsWith("-unavailable") ? "failed" : "refused";
  const after = details.changed ? toJson({ changed: details.changed }) : undefined;
  await transact(context, (transaction) =>
    settleAudit(transaction, entry.id, { outcome, after, error: { code, message } }, context.clock()),
  );
}

function readEntry(transaction: Transaction, id: string): Promise<EntryWithRollout> {
  return transaction.auditEntry.findUniqueOrThrow({ where: { id }, include: { rollout: { select: { id: true } } } });
}

/** The reason of a request that was refused before it was read, as far as there is one. */
export function readReason(body: unknown): string | null {
  const reason = typeof body === "object" && body !== null && "reason" in body ? body.reason : null;
  return typeof reason === "string" ? reason.slice(0, 500) : null;
}

/** What a request's row says of it, whatever becomes of it. */
export function describeRequest({ verb, ref, reason, key, hash, targetKind }: Request, target: AuditedTarget | null) {
  return {
    verb,
    targetKind: targetKind ?? "service",
    targetNamespace: ref.namespace,
    targetName: ref.name,
    targetUid: target?.uid ?? null,
    before: target ? toJson(target.before) : null,
    reason,
    idempotencyKey: key,
    requestHash: hash,
  };
}

function describeRollout(entry: AuditEntry, intended: Plan["intended"], targetGeneration: number) {
  const before = entry.before as Snapshot;
  const isScale = entry.verb === "scale";
  return {
    auditEntryId: entry.id,
    namespace: entry.targetNamespace ?? "",
    service: entry.targetName,
    workloadUid: entry.targetUid ?? "",
    // What a fail-over does to the workload is a restart.
    change: entry.verb === "fail-over" ? "restart" : entry.verb,
    fromRevision: isScale ? null : before.revision,
    fromVersion: before.version,
    toVersion: intended.version ?? before.version,
    fromReplicas: before.replicas,
    toReplicas: intended.replicas ?? before.replicas,
    targetGeneration,
  };
}
