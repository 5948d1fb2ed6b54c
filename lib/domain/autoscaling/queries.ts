import type { AuditEntry, TimedAutoscaling } from "#lib/database/generated/client.ts";
import type { HorizontalPodAutoscaler } from "#lib/kubernetes/objects.ts";
import { readTarget } from "../actions/target.ts";
import { authorise, type Context, translateDatabaseErrors } from "../context.ts";
import { serviceRefSchema } from "../fleet/schemas.ts";
import { parseInput } from "../validation.ts";
import { describeMovement, findProblem } from "./movement.ts";
import { findAutoscaler, limitsOf } from "./owner.ts";
import { describeForeign } from "./restore-plan.ts";
import type { AutoscalingView, TimedLimits } from "./schemas.ts";
import { changeOf } from "./timed-rows.ts";

const mostPast = 10;

/** A service's autoscaler as it is now, and the timed changes of its limits; throws not-found for what is no service. */
export async function getAutoscaling(context: Context, ref: unknown): Promise<AutoscalingView> {
  authorise(context, "viewer", "see autoscaling");
  const { namespace, name } = parseInput(serviceRefSchema, ref);
  const { workload } = await readTarget(context, { namespace, name });
  const [autoscaler, held, ended] = await Promise.all([
    findAutoscaler(context.kubernetes, workload),
    translateDatabaseErrors(() =>
      context.db.timedAutoscaling.findFirst({ where: { namespace, service: name, activeKey: { not: null } } }),
    ),
    translateDatabaseErrors(() =>
      context.db.timedAutoscaling.findMany({
        where: { namespace, service: name, activeKey: null },
        orderBy: { endedAt: "desc" },
        take: mostPast,
      }),
    ),
  ]);
  const entries = await readEntries(context, held ? [held, ...ended] : ended);
  const isHeld = held !== null && autoscaler?.metadata.uid === held.autoscalerUid;
  const isWritten = held !== null && entries.get(held.auditEntryId)?.outcome === "succeeded";
  return {
    autoscaler: autoscaler && viewAutoscaler(autoscaler, context.clock()),
    timed: held && viewTimed(held, entries),
    foreign: isHeld && isWritten ? describeForeign(changeOf(held), limitsOf(autoscaler)) : null,
    past: ended.map((row) => viewTimed(row, entries)),
  };
}

async function readEntries({ db }: Context, rows: readonly TimedAutoscaling[]): Promise<Map<string, AuditEntry>> {
  const ids = rows.map(({ auditEntryId }) => auditEntryId);
  const entries = await translateDatabaseErrors(() => db.auditEntry.findMany({ where: { id: { in: ids } } }));
  return new Map(entries.map((entry) => [entry.id, entry]));
}

function viewAutoscaler(autoscaler: HorizontalPodAutoscaler, now: Date): NonNullable<AutoscalingView["autoscaler"]> {
  const { metadata, status = {} } = autoscaler;
  const { min, max } = limitsOf(autoscaler);
  return {
    name: metadata.name,
    uid: metadata.uid,
    minReplicas: min,
    maxReplicas: max,
    currentReplicas: status.currentReplicas ?? null,
    desiredReplicas: status.desiredReplicas ?? null,
    lastScaledAt: status.lastScaleTime ?? null,
    movement: describeMovement(autoscaler, now),
    problem: findProblem(autoscaler),
  };
}

function viewTimed(row: TimedAutoscaling, entries: ReadonlyMap<string, AuditEntry>): TimedLimits {
  const entry = entries.get(row.auditEntryId);
  return {
    id: row.id,
    auditId: row.auditEntryId,
    ...changeOf(row),
    startedAt: row.startedAt.toISOString(),
    revertAt: row.revertAt.toISOString(),
    actor: entry?.actorName ?? "",
    reason: entry?.reason ?? null,
    endedAt: row.endedAt?.toISOString() ?? null,
    outcome: row.outcome,
  };
}
