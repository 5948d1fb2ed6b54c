import { randomUUID } from "node:crypto";
import type { AuditEntry, TimedAutoscaling } from "#lib/database/generated/client.ts";
import { KubernetesError } from "#lib/kubernetes/errors.ts";
import { type HorizontalPodAutoscaler, paths, type Workload } from "#lib/kubernetes/objects.ts";
import { describeRequest, findEarlier, hashRequest, type Request, recordRefusal } from "../actions/ledger.ts";
import { type ActionResult, idempotencyKeySchema } from "../actions/schemas.ts";
import { readTarget } from "../actions/target.ts";
import { writeAudit } from "../audit.ts";
import { authorise, type Context, isUniqueViolation, transact } from "../context.ts";
import { type ChangedField, DomainError } from "../errors.ts";
import { type ServiceRef, serviceRefSchema } from "../fleet/schemas.ts";
import { parseInput } from "../validation.ts";
import { readForecast } from "./forecast.ts";
import { changePatch } from "./limits-patch.ts";
import { describeLimits, findAutoscaler, limitsOf } from "./owner.ts";
import { isSame } from "./restore-plan.ts";
import { type ChangeLimitsInput, changeLimitsSchema, type Limits, type LimitsPreview } from "./schemas.ts";
import { changeVerb, settleByWorld, settleUnwritten, settleWritten } from "./timed-rows.ts";

/** A request as it comes: nothing of it has been checked. */
export type LimitsRequest = { ref: unknown; body: unknown; key: unknown };

type Owner = { workload: Workload; autoscaler: HorizontalPodAutoscaler };

// A row is taken for a crashed process's after 60 s, so no write may begin later than this after its row.
const writeWithinMs = 30_000;
const retryAfterSeconds = 2;

/**
 * Changes the limits of a service's autoscaler for a time; the controller puts them back. One such change holds at a time. A
 * repeated request with the same key gets the first one's answer, and every refusal is audited. Operators and administrators.
 */
export async function changeLimits(context: Context, { ref, body, key }: LimitsRequest): Promise<ActionResult> {
  const { input, request } = await admit(context, { ref, body, key });
  const earlier = await findEarlier(context, request);
  if (earlier) return "auditId" in earlier ? earlier : resumePending(context, request, earlier);

  let owner: Owner | null = null;
  try {
    owner = await readOwner(context, request.ref);
    await requireReady(context, input, owner.autoscaler);
  } catch (error) {
    if (error instanceof DomainError) await recordRefusal(context, request, owner && auditedTarget(owner), error);
    throw error;
  }
  const row = await claim(context, request, input, owner);
  if (!row) return changeLimits(context, { ref, body, key });
  return write(context, { row, request, input, owner });
}

/** Tells what a change would do, from a dry run of the cluster itself. Writes nothing, also not to the audit. */
export async function previewLimits(context: Context, ref: unknown, body: unknown): Promise<LimitsPreview> {
  authorise(context, "operator", "change an autoscaler's limits");
  const service = parseInput(serviceRefSchema, ref);
  // The reason is asked for beside the preview, not before it.
  const input = parseInput(changeLimitsSchema, typeof body === "object" ? { ...body, reason: "preview" } : body);
  const { workload, autoscaler } = await readOwner(context, service);
  await requireReady(context, input, autoscaler);
  const revertAt = revertTime(context, input);
  const patch = changePatch(autoscaler, wantedLimits(input), { id: randomUUID(), revertAt });
  const path = paths.autoscaler(service.namespace, autoscaler.metadata.name);
  const after = await context.kubernetes.patch<HorizontalPodAutoscaler>(path, patch, { dryRun: true });
  const [was, becomes] = [limitsOf(autoscaler), limitsOf(after)];
  const lines = [
    { field: "minReplicas", before: String(was.min), after: String(becomes.min) },
    { field: "maxReplicas", before: String(was.max), after: String(becomes.max) },
  ];
  const forecast = await readForecast(context.kubernetes, {
    workload,
    autoscaler,
    limits: becomes,
    template: workload.spec.template,
    strategy: null,
    byRoute: false,
  });
  return { changes: lines.filter((line) => line.before !== line.after), revertAt: revertAt.toISOString(), forecast };
}

async function admit(
  context: Context,
  { ref, body, key }: LimitsRequest,
): Promise<{ input: ChangeLimitsInput; request: Request }> {
  const service = parseInput(serviceRefSchema, ref);
  try {
    authorise(context, "operator", "change an autoscaler's limits");
    const input = parseInput(changeLimitsSchema, body);
    const hash = hashRequest(changeVerb, service, input);
    return { input, request: { ...requestOf(service, input.reason), key: parseInput(idempotencyKeySchema, key), hash } };
  } catch (error) {
    if (error instanceof DomainError) await recordRefusal(context, requestOf(service, null), null, error);
    throw error;
  }
}

function requestOf(ref: ServiceRef, reason: string | null): Request {
  return { verb: changeVerb, ref, reason, key: "", hash: "" };
}

async function readOwner(context: Context, ref: ServiceRef): Promise<Owner> {
  const { workload } = await readTarget(context, ref);
  const autoscaler = await findAutoscaler(context.kubernetes, workload);
  if (autoscaler) return { workload, autoscaler };
  throw new DomainError("precondition-failed", `No autoscaler sets the number of instances of ${ref.name}: scale it instead.`);
}

function requireFresh({ seen }: ChangeLimitsInput, autoscaler: HorizontalPodAutoscaler): void {
  const now = limitsOf(autoscaler);
  const isOther = seen.uid !== autoscaler.metadata.uid;
  const changed: ChangedField[] = isOther
    ? [{ field: "autoscaler", seen: "the one on the page", now: "another one" }]
    : [
        { field: "minReplicas", seen: String(seen.minReplicas), now: String(now.min) },
        { field: "maxReplicas", seen: String(seen.maxReplicas), now: String(now.max) },
      ].filter((field) => field.seen !== field.now);
  if (changed.length === 0) return;
  const what = changed.map(({ field, seen: before, now: after }) => `${field} was ${before} and is now ${after}`).join("; ");
  throw new DomainError("stale", `Nothing was done, because the autoscaler has changed since you looked: ${what}.`, { changed });
}

/** Throws stale or precondition-failed unless the limits may be changed as wanted. */
async function requireReady({ db }: Context, input: ChangeLimitsInput, autoscaler: HorizontalPodAutoscaler): Promise<void> {
  const held = await db.timedAutoscaling.findUnique({ where: { activeKey: activeKeyOf(autoscaler) } });
  if (held) {
    const entry = await db.auditEntry.findUnique({ where: { id: held.auditEntryId }, select: { actorName: true } });
    throw new DomainError(
      "precondition-failed",
      `${entry?.actorName ?? "Somebody"} has changed the limits of ${held.autoscaler} already, until ${held.revertAt.toISOString()}. Put them back first.`,
    );
  }
  requireFresh(input, autoscaler);
  const wanted = wantedLimits(input);
  if (!isSame(wanted, limitsOf(autoscaler))) return;
  throw new DomainError("precondition-failed", `The limits are ${describeLimits(wanted)} already.`);
}

function activeKeyOf({ metadata: { namespace = "", name } }: HorizontalPodAutoscaler): string {
  return `${namespace}/${name}`;
}

function wantedLimits({ minReplicas, maxReplicas }: ChangeLimitsInput): Limits {
  return { min: minReplicas, max: maxReplicas };
}

function revertTime({ clock }: Context, { durationSeconds }: ChangeLimitsInput): Date {
  return new Date(clock().getTime() + durationSeconds * 1000);
}

function auditedTarget({ workload, autoscaler }: Owner) {
  return { uid: workload.metadata.uid, before: limitsOf(autoscaler) };
}

/** Commits the row with its pending audit entry; null when another request with the same key or autoscaler was faster. */
async function claim(
  context: Context,
  request: Request,
  input: ChangeLimitsInput,
  owner: Owner,
): Promise<TimedAutoscaling | null> {
  const { autoscaler } = owner;
  const [before, to] = [limitsOf(autoscaler), wantedLimits(input)];
  const revertAt = revertTime(context, input);
  const after = { intended: { ...to, revertAt: revertAt.toISOString() }, message: "", generation: null };
  try {
    return await transact(context, async (transaction) => {
      const record = { ...describeRequest(request, auditedTarget(owner)), after, outcome: "pending" } as const;
      const entry = await writeAudit(transaction, context, record);
      return transaction.timedAutoscaling.create({
        data: {
          auditEntryId: entry.id,
          namespace: request.ref.namespace,
          service: request.ref.name,
          autoscaler: autoscaler.metadata.name,
          autoscalerUid: autoscaler.metadata.uid,
          beforeMin: before.min,
          beforeMax: before.max,
          toMin: to.min,
          toMax: to.max,
          startedAt: entry.at,
          revertAt,
          activeKey: activeKeyOf(autoscaler),
        },
      });
    });
  } catch (error) {
    if (isUniqueViolation(error)) return null;
    throw error;
  }
}

type Work = { row: TimedAutoscaling; request: Request; input: ChangeLimitsInput; owner: Owner };

/** Bound to the version that was read, and tried again while what the person saw still holds. */
async function write(context: Context, { row, request, input, owner }: Work): Promise<ActionResult> {
  const deadline = performance.now() + writeWithinMs;
  let { autoscaler } = owner;
  try {
    for (;;) {
      const path = paths.autoscaler(row.namespace, row.autoscaler);
      const refusal = await context.kubernetes.patch(path, changePatch(autoscaler, wantedLimits(input), row)).then(
        () => null,
        (error: unknown) => error,
      );
      if (refusal === null) break;
      if (!(refusal instanceof KubernetesError) || refusal.code === "kubernetes-unavailable") throw refusal;
      const next = await readOwner(context, request.ref);
      if (next.autoscaler.metadata.resourceVersion === autoscaler.metadata.resourceVersion) throw refusal;
      requireFresh(input, next.autoscaler);
      if (performance.now() > deadline) throw refusal;
      autoscaler = next.autoscaler;
    }
  } catch (error) {
    if (!(error instanceof DomainError)) throw error;
    if (error.code !== "kubernetes-unavailable") {
      await settleUnwritten(context, row, error);
      throw error;
    }
    const unsure =
      "It is not known yet whether the limits were written; the audit will show it as soon as the cluster can be asked.";
    throw new DomainError("kubernetes-unavailable", `${error.message} ${unsure}`, { retryAfterSeconds }, { cause: error });
  }
  return { auditId: row.auditEntryId, rolloutId: null, outcome: "succeeded", message: await settleWritten(context, row) };
}

/** The first request with this key is under way, or its process died. */
async function resumePending(context: Context, request: Request, entry: AuditEntry): Promise<ActionResult> {
  const ageMs = context.clock().getTime() - entry.at.getTime();
  if (ageMs >= writeWithinMs * 2) {
    const row = await context.db.timedAutoscaling.findUnique({ where: { auditEntryId: entry.id } });
    if (row) await settleByWorld(context, row);
    const settled = await findEarlier(context, request);
    if (settled && "auditId" in settled) return settled;
  }
  throw new DomainError("idempotency-conflict", "The first request with this key is still under way; ask again in a moment.", {
    retryAfterSeconds,
  });
}
