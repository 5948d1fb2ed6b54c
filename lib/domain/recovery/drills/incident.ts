import type { Drill } from "#lib/database/generated/client.ts";
import { type Context, type Transaction, transact } from "../../context.ts";
import { commandIncident } from "../../incidents/commands.ts";
import { lockOpening, openIncident } from "../../incidents/opening/open.ts";
import type { Severity } from "../../incidents/schemas.ts";
import { appendTimeline } from "../../incidents/timeline/timeline.ts";
import { scenarioInfos } from "../objectives/scenarios.ts";
import type { Scenario } from "../schemas.ts";
import { serviceId } from "./service-id.ts";
import { runOf } from "./store.ts";
import { drillName } from "./stored.ts";

/** Rules wait before they fire: what begins so soon after a drill's end came of it. Longer would hide what is real. */
const afterwardsMs = 30_000;

type Struck = { namespace: string; name: string };

/** The drill whose fault a service suffers, or suffered a moment ago; null for what is no drill's. */
export async function findDrillOf(transaction: Transaction, service: Struck, startsAt: Date): Promise<Drill | null> {
  const since = new Date(startsAt.getTime() - afterwardsMs);
  const drills = await transaction.drill.findMany({
    where: { faultAt: { not: null, lte: startsAt }, OR: [{ finishedAt: null }, { finishedAt: { gte: since } }] },
    orderBy: { createdAt: "desc" },
    take: 5,
  });
  return drills.find((drill) => runOf(drill).affected.includes(serviceId(service))) ?? null;
}

type Evidence = { episodes: readonly string[]; impactStartedAt: Date; detectedAt: Date; why: string; severity?: Severity };

/**
 * The incident of a drill: opened once, marked as a drill's, with the alerts that came of it. Opening is locked by the caller's
 * transaction. Returns its id.
 */
export async function openDrillIncident(
  transaction: Transaction,
  context: Pick<Context, "actor" | "clock" | "requestId">,
  drill: Drill,
  { episodes, impactStartedAt, detectedAt, why, severity = "P3" }: Evidence,
): Promise<string> {
  await lockOpening(transaction);
  const present = await transaction.drill.findUniqueOrThrow({ where: { id: drill.id }, select: { incidentId: true } });
  if (present.incidentId) {
    await linkAlerts(transaction, context, present.incidentId, episodes);
    return present.incidentId;
  }
  const { namespace, service } = drill;
  const { incident } = await openIncident(transaction, context, {
    title: `Drill ${drillName(drill)}: ${scenarioInfos[drill.scenario as Scenario].title}`,
    severity,
    origin: "drill",
    trigger: `drill/${drill.id}`,
    services: namespace !== null && service !== null ? [{ namespace, name: service }] : [],
    impactStartedAt,
    impactStartSource: episodes.length > 0 ? "alert" : "reported",
    detectedAt,
    isDrill: true,
    links: episodes.map((targetId) => ({ kind: "alert" as const, targetId })),
    why,
  });
  await transaction.drill.update({ where: { id: drill.id }, data: { incidentId: incident.id } });
  return incident.id;
}

async function linkAlerts(
  transaction: Transaction,
  { actor, clock }: Pick<Context, "actor" | "clock">,
  incidentId: string,
  episodes: readonly string[],
): Promise<void> {
  const rows = await transaction.alertEpisode.findMany({ where: { id: { in: [...episodes] } } });
  await transaction.incidentLink.createMany({
    data: rows.map(({ id, name, namespace, service }) => ({
      incidentId,
      kind: "alert",
      targetId: id,
      title: service ? `${name} on ${namespace}/${service}` : name,
      at: clock(),
      byName: actor.name,
    })),
    skipDuplicates: true,
  });
}

/** Says in the incident how the drill ended, and resolves it: the drill's report is what is learned from. */
export async function endDrillIncident(context: Context, drill: Drill, incidentId: string, message: string): Promise<void> {
  const now = context.clock();
  const incident = await context.db.incident.findUnique({ where: { id: incidentId } });
  if (!incident || incident.resolvedAt) return;
  const told = `${drillName(drill)} has ended. ${message}`;
  await transact(context, (transaction) =>
    appendTimeline(
      transaction,
      incidentId,
      [{ at: now, kind: "changed", message: told, by: context.actor.name, source: `drill/${drill.id}` }],
      { now },
    ),
  );
  const end = { note: told.slice(0, 500), override: { reason: `The drill ${drillName(drill)} has ended.` } };
  for (const command of ["mitigate", "resolve"] as const) {
    const body = command === "resolve" ? end : { note: end.note };
    await commandIncident(context, { id: incidentId, command, body, key: `drill-${drill.id}-${command}` }).catch(
      (error: unknown) => {
        if (command === "resolve") throw error;
      },
    );
  }
}
