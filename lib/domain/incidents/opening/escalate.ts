import { type Context, transact } from "../../context.ts";
import { formatDuration } from "../../duration.ts";
import { announceIncident } from "../../notifications/announce.ts";
import type { Severity } from "../schemas.ts";
import { incidentParts } from "../stored.ts";
import { switchyard } from "../switchyard.ts";
import { appendTimeline } from "../timeline/timeline.ts";
import { escalatesAfter, readEscalation } from "./escalation-settings.ts";

const most = 100;

/**
 * Tells people again of incidents that nobody has acknowledged in time, and again after the same time. Each time is told once by
 * whichever controller is first. Returns how many were told of.
 */
export async function escalateOverdue(context: Pick<Context, "db" | "clock" | "logger">): Promise<number> {
  const { db, clock, logger } = context;
  const now = clock();
  const overdue = await db.incident.findMany({
    where: { escalatesAt: { lte: now }, acknowledgedAt: null, resolvedAt: null },
    orderBy: { escalatesAt: "asc" },
    select: { id: true },
    take: most,
  });
  let told = 0;
  for (const { id } of overdue) {
    try {
      if (await escalate(context, id, now)) told += 1;
    } catch (error) {
      logger.warn({ err: error, incident: id }, "an incident cannot be escalated now");
    }
  }
  return told;
}

function escalate(context: Pick<Context, "db">, id: string, now: Date): Promise<boolean> {
  return transact(context, async (transaction) => {
    await transaction.$executeRaw`SELECT 1 FROM incidents WHERE id = ${id}::uuid FOR UPDATE`;
    const incident = await transaction.incident.findUniqueOrThrow({ where: { id }, include: incidentParts });
    const { escalatesAt, acknowledgedAt, resolvedAt, severity, services } = incident;
    if (!escalatesAt || escalatesAt > now || acknowledgedAt || resolvedAt) return false;
    const times = incident.escalations + 1;
    const waitedMs = now.getTime() - incident.openedAt.getTime();
    const next = escalatesAfter(await readEscalation(transaction), severity as Severity, now);
    const [first] = services;
    const row = {
      at: now,
      kind: "escalated",
      message: `Nobody has acknowledged it for ${formatDuration(waitedMs)}: people are told again${times > 1 ? `, ${times} times now` : ""}.`,
      by: switchyard.name,
      source: `escalation/${times}`,
      service: first ? { namespace: first.namespace, name: first.service } : null,
    } as const;
    await appendTimeline(transaction, id, [row], { now, data: { escalations: times, escalatesAt: next } });
    await announceIncident(
      transaction,
      incident,
      { event: "incident-escalated", minutes: Math.floor(waitedMs / 60_000), times },
      now,
    );
    return true;
  });
}
