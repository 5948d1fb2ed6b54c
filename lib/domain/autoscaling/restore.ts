import { randomUUID } from "node:crypto";
import type { TimedAutoscaling } from "#lib/database/generated/client.ts";
import { KubernetesError } from "#lib/kubernetes/errors.ts";
import { type HorizontalPodAutoscaler, paths } from "#lib/kubernetes/objects.ts";
import { describeRequest, findEarlier, hashRequest, type Request, recordRefusal } from "../actions/ledger.ts";
import { type ActionResult, idempotencyKeySchema } from "../actions/schemas.ts";
import { writeAudit } from "../audit.ts";
import { authorise, type Context, transact, translateDatabaseErrors } from "../context.ts";
import { DomainError } from "../errors.ts";
import { type ServiceRef, serviceRefSchema } from "../fleet/schemas.ts";
import { systemActor } from "../users/commands.ts";
import { parseInput } from "../validation.ts";
import type { LimitsRequest } from "./commands.ts";
import { carriesChange, restorePatch } from "./limits-patch.ts";
import { limitsOf } from "./owner.ts";
import { isSame, planRestore } from "./restore-plan.ts";
import { type Limits, restoreLimitsSchema } from "./schemas.ts";
import { changeOf, readAutoscaler, restoreVerb, settleAbandonedLimits } from "./timed-rows.ts";

const mostTries = 5;

/** Puts a service's limits back before their time. Operators and administrators. */
export async function restoreLimits(context: Context, { ref, body, key }: LimitsRequest): Promise<ActionResult> {
  const service = parseInput(serviceRefSchema, ref);
  let request: Request = { verb: restoreVerb, ref: service, reason: null, key: "", hash: "" };
  try {
    authorise(context, "operator", "put an autoscaler's limits back");
    const { reason } = parseInput(restoreLimitsSchema, body);
    const hash = hashRequest(restoreVerb, service, { reason });
    request = { ...request, reason, key: parseInput(idempotencyKeySchema, key), hash };
    const earlier = await findEarlier(context, request);
    if (earlier && "auditId" in earlier) return earlier;
    const row = await findHeld(context, service);
    const done = await putBack(context, row, request);
    if (done) return done;
    throw new DomainError("precondition-failed", `The limits of ${service.name} have just been put back.`);
  } catch (error) {
    if (error instanceof DomainError) await recordRefusal(context, request, null, error);
    throw error;
  }
}

/**
 * Puts back every limit whose time has come, and settles what a crash left open. A pass may be repeated and run by two controllers
 * at once: the write is bound to what was read, and the row ends once.
 */
export async function restoreDueLimits(
  context: Pick<Context, "db" | "kubernetes" | "clock" | "logger" | "prometheus">,
): Promise<void> {
  await settleAbandonedLimits(context);
  const due = await context.db.timedAutoscaling.findMany({
    where: { activeKey: { not: null }, revertAt: { lte: context.clock() } },
    orderBy: { revertAt: "asc" },
  });
  for (const row of due) {
    try {
      const own: Context = { ...context, actor: systemActor, requestId: randomUUID() };
      if (await isPending(own, row)) continue;
      const ref = { namespace: row.namespace, name: row.service };
      const reason = "The time of the change is over.";
      const done = await putBack(own, row, { verb: restoreVerb, ref, reason, key: `${restoreVerb}:${row.id}`, hash: "" });
      if (done) context.logger.info({ autoscaler: row.autoscaler, message: done.message }, "limits put back");
    } catch (error) {
      context.logger.warn({ err: error, autoscaler: row.autoscaler }, "limits cannot be put back now");
    }
  }
}

async function findHeld(context: Context, { namespace, name: service }: ServiceRef): Promise<TimedAutoscaling> {
  const row = await translateDatabaseErrors(() =>
    context.db.timedAutoscaling.findFirst({ where: { namespace, service, activeKey: { not: null } } }),
  );
  if (!row) throw new DomainError("precondition-failed", `No change of limits holds for ${service}.`);
  if (!(await isPending(context, row))) return row;
  throw new DomainError("precondition-failed", "The change is still being written; try again in a minute.");
}

/** Whether it is not known yet that the change was written. */
async function isPending({ db }: Context, { auditEntryId }: TimedAutoscaling): Promise<boolean> {
  const entry = await db.auditEntry.findUnique({ where: { id: auditEntryId }, select: { outcome: true } });
  return entry?.outcome === "pending";
}

/** Writes the limits from before the change, as far as nobody else has set them, and ends the row; null when it had ended. */
async function putBack(context: Context, row: TimedAutoscaling, request: Request): Promise<ActionResult | null> {
  for (let tries = 1; ; tries += 1) {
    const autoscaler = await readAutoscaler(context.kubernetes, row);
    if (!autoscaler) {
      const outcome = `The autoscaler ${row.autoscaler} is gone or was made anew: there is nothing to put back.`;
      return end(context, row, request, { was: null, limits: null, outcome });
    }
    const was = limitsOf(autoscaler);
    const change = changeOf(row);
    const { limits, outcome } = planRestore(change, was);
    // Another controller has just written them, and not yet said so: what they were before is what the change had made them.
    const isWritten = isSame(was, limits) && !carriesChange(autoscaler, row.id);
    try {
      await writeLimits(context, row, autoscaler, limits);
      return await end(context, row, request, { was: isWritten ? change.to : was, limits, outcome });
    } catch (error) {
      const isConflict = error instanceof KubernetesError && error.code !== "kubernetes-unavailable";
      const next = isConflict ? await readAutoscaler(context.kubernetes, row) : autoscaler;
      if (next?.metadata.resourceVersion === autoscaler.metadata.resourceVersion || tries >= mostTries) throw error;
    }
  }
}

async function writeLimits(
  { kubernetes }: Context,
  row: TimedAutoscaling,
  autoscaler: HorizontalPodAutoscaler,
  limits: Limits,
): Promise<void> {
  if (isSame(limits, limitsOf(autoscaler)) && !carriesChange(autoscaler, row.id)) return;
  await kubernetes.patch(paths.autoscaler(row.namespace, row.autoscaler), restorePatch(autoscaler, limits));
}

type Ending = { was: Limits | null; limits: Limits | null; outcome: string };

/** Ends the row and audits it, once. */
async function end(
  context: Context,
  row: TimedAutoscaling,
  request: Request,
  { was, limits, outcome }: Ending,
): Promise<ActionResult | null> {
  return transact(context, async (transaction) => {
    const { count } = await transaction.timedAutoscaling.updateMany({
      where: { id: row.id, activeKey: { not: null } },
      data: { activeKey: null, endedAt: context.clock(), outcome },
    });
    if (count === 0) return null;
    const change = await transaction.auditEntry.findUnique({ where: { id: row.auditEntryId }, select: { targetUid: true } });
    const target = { uid: change?.targetUid ?? "", before: was ?? {} };
    const after = { intended: limits ?? {}, message: outcome, generation: null };
    const entry = await writeAudit(transaction, context, { ...describeRequest(request, target), after, outcome: "succeeded" });
    return { auditId: entry.id, rolloutId: null, outcome: "succeeded", message: outcome };
  });
}
