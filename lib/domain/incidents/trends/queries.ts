import { summariseHistory } from "../../alerts/history-summary.ts";
import type { FleetContext } from "../../alerts/suspect-actions.ts";
import { authorise, translateDatabaseErrors } from "../../context.ts";
import { serviceRefSchema } from "../../fleet/schemas.ts";
import { parseInput } from "../../validation.ts";
import { itemParts, viewItem } from "../action-items/stored.ts";
import { incidentParts, viewIncident } from "../stored.ts";
import { type IncidentTrends, type ServiceReliability, trendsSchema } from "./schemas.ts";
import { calendarOf, readCounted } from "./stored.ts";
import { type Period, serviceTrendOf, trendsOf } from "./trends.ts";

const mostListed = 100;
const mostAlerts = 5;

/** How long incidents of the last days took to be detected, acknowledged, mitigated and resolved, and how far apart they were. */
export async function getIncidentTrends(context: FleetContext, input: unknown): Promise<IncidentTrends> {
  authorise(context, "viewer", "see the trends of incidents");
  const period = periodOf(context, input);
  const incidents = await translateDatabaseErrors(() => readCounted(context.db, period));
  return { ...trendsOf(incidents, period), calendar: calendarOf(incidents, period) };
}

/** How reliable one service was in the last days, and what is still to be done about it. One that was never heard of has no incidents. */
export async function getServiceReliability(context: FleetContext, ref: unknown, input: unknown): Promise<ServiceReliability> {
  authorise(context, "viewer", "see the reliability of services");
  const { namespace, name } = parseInput(serviceRefSchema, ref);
  const period = periodOf(context, input);
  const { db } = context;
  const services = { some: { namespace, service: name } };
  const within = { services, impactStartedAt: { gte: period.from, lt: period.to } };
  return translateDatabaseErrors(async () => {
    const [counted, listed, items, alerts] = await Promise.all([
      readCounted(db, period, { services }),
      db.incident.findMany({
        where: within,
        orderBy: [{ impactStartedAt: "desc" }, { id: "desc" }],
        take: mostListed,
        include: incidentParts,
      }),
      db.actionItem.findMany({
        where: { state: "open", incident: { services } },
        orderBy: [{ dueOn: "asc" }, { id: "asc" }],
        take: mostListed,
        include: itemParts,
      }),
      summariseHistory(context, {
        namespace,
        service: name,
        from: period.from.toISOString(),
        to: period.to.toISOString(),
      }),
    ]);
    const { drillsLeftOut } = trendsOf(counted, period);
    return {
      from: period.from.toISOString(),
      to: period.to.toISOString(),
      drillsLeftOut,
      trend: serviceTrendOf(counted, { namespace, name }, period),
      calendar: calendarOf(counted, period),
      incidents: listed.map(viewIncident),
      worstAlerts: alerts.topTalkers.slice(0, mostAlerts),
      openItems: items.map((item) => viewItem(item, period.to)),
    };
  });
}

function periodOf({ clock, fleet }: FleetContext, input: unknown): Period {
  const { days } = parseInput(trendsSchema, input);
  const to = clock();
  const since = new Map(fleet.listServices().map(({ id, createdAt }) => [id, new Date(createdAt)]));
  return { from: new Date(to.getTime() - days * 86_400_000), to, since };
}
