import type { TimedAutoscaling } from "#lib/database/generated/client.ts";
import type { KubernetesClient } from "#lib/kubernetes/client.ts";
import { KubernetesError } from "#lib/kubernetes/errors.ts";
import { type HorizontalPodAutoscaler, paths } from "#lib/kubernetes/objects.ts";
import { settleAudit } from "../audit.ts";
import { type Context, transact } from "../context.ts";
import { DomainError } from "../errors.ts";
import { carriesChange } from "./limits-patch.ts";
import { describeLimits } from "./owner.ts";
import type { Limits } from "./schemas.ts";

/**
 * A timed change of limits is a row and a pending audit entry before anything is written to the cluster. The annotation on the
 * autoscaler tells afterwards whether it was written, so that a crash in between neither loses the way back nor invents one.
 */

export const changeVerb = "change-limits";
export const restoreVerb = "restore-limits";

// A request takes less from its row to its last write.
const abandonedAfterMs = 60_000;

export function changeOf({ beforeMin, beforeMax, toMin, toMax }: TimedAutoscaling): { before: Limits; to: Limits } {
  return { before: { min: beforeMin, max: beforeMax }, to: { min: toMin, max: toMax } };
}

/** The autoscaler of a row, read afresh; null when it is gone or another one has its name. */
export async function readAutoscaler(
  kubernetes: KubernetesClient,
  row: TimedAutoscaling,
): Promise<HorizontalPodAutoscaler | null> {
  try {
    const found = await kubernetes.get<HorizontalPodAutoscaler>(paths.autoscaler(row.namespace, row.autoscaler));
    return found.metadata.uid === row.autoscalerUid ? found : null;
  } catch (error) {
    if (error instanceof KubernetesError && error.status === 404) return null;
    throw error;
  }
}

/** Settles the audit of a change that was written; the change holds until its time. */
export async function settleWritten(context: Pick<Context, "db" | "clock">, row: TimedAutoscaling): Promise<string> {
  const { before, to } = changeOf(row);
  const until = row.revertAt.toISOString().replace(/\.\d+Z$/, "Z");
  const message = `The autoscaler ${row.autoscaler} has the limits ${describeLimits(to)} until ${until}, then ${describeLimits(before)} again.`;
  const after = { intended: { ...to, revertAt: row.revertAt.toISOString() }, message, generation: null };
  await transact(context, (transaction) =>
    settleAudit(transaction, row.auditEntryId, { outcome: "succeeded", after }, context.clock()),
  );
  return message;
}

/** Ends a change that was not written. */
export async function settleUnwritten(
  context: Pick<Context, "db" | "clock">,
  row: TimedAutoscaling,
  error: DomainError,
): Promise<void> {
  const { code, message, details } = error;
  const outcome = code.endsWith("-unavailable") ? "failed" : "refused";
  const after = details.changed ? { changed: details.changed } : undefined;
  const now = context.clock();
  await transact(context, async (transaction) => {
    await settleAudit(transaction, row.auditEntryId, { outcome, after, error: { code, message } }, now);
    await transaction.timedAutoscaling.updateMany({
      where: { id: row.id, activeKey: { not: null } },
      data: { activeKey: null, endedAt: now, outcome: `It was not written: ${message}` },
    });
  });
}

/** Settles the changes that a crashed process left pending, by what the cluster shows; one that cannot be told waits. */
export async function settleAbandonedLimits(context: Pick<Context, "db" | "clock" | "kubernetes" | "logger">): Promise<void> {
  const old = await context.db.timedAutoscaling.findMany({
    where: { activeKey: { not: null }, startedAt: { lt: new Date(context.clock().getTime() - abandonedAfterMs) } },
  });
  if (old.length === 0) return;
  const pending = await context.db.auditEntry.findMany({
    where: { id: { in: old.map(({ auditEntryId }) => auditEntryId) }, outcome: "pending" },
    select: { id: true },
  });
  const abandoned = old.filter(({ auditEntryId }) => pending.some(({ id }) => id === auditEntryId));
  for (const row of abandoned) {
    await settleByWorld(context, row).catch((error: unknown) => {
      context.logger.warn({ err: error, autoscaler: row.autoscaler }, "an abandoned change of limits cannot be settled now");
    });
  }
}

/** Looks at the cluster to tell whether a pending change was written, and settles it. Throws kubernetes-unavailable. */
export async function settleByWorld(context: Pick<Context, "db" | "clock" | "kubernetes">, row: TimedAutoscaling): Promise<void> {
  const autoscaler = await readAutoscaler(context.kubernetes, row);
  if (autoscaler && carriesChange(autoscaler, row.id)) {
    await settleWritten(context, row);
    return;
  }
  const message = "Switchyard stopped before the limits were written. Nothing was changed.";
  await settleUnwritten(context, row, new DomainError("precondition-failed", message));
}
