import type { Prisma } from "#lib/database/generated/client.ts";
import type { Context } from "../../context.ts";
import type { Severity } from "../schemas.ts";
import { clockOf } from "../stored.ts";
import type { IncidentCalendar } from "./schemas.ts";
import type { Period, TrendIncident } from "./trends.ts";

/** So many days a calendar shows at most; of more incidents the oldest are not known. */
const mostInCalendar = 5_000;

type CountedIncident = TrendIncident & { id: string; number: number; title: string };

/** The incidents whose impact touches a time, the newest first. */
export async function readCounted(
  db: Context["db"],
  { from, to }: Period,
  where: Prisma.IncidentWhereInput = {},
): Promise<CountedIncident[]> {
  const rows = await db.incident.findMany({
    where: {
      ...where,
      impactStartedAt: { lt: to },
      OR: [{ impactStartedAt: { gte: from } }, { resolvedAt: null }, { resolvedAt: { gte: from } }],
    },
    orderBy: [{ impactStartedAt: "desc" }, { id: "desc" }],
    select: {
      id: true,
      number: true,
      title: true,
      severity: true,
      isDrill: true,
      services: true,
      impactStartedAt: true,
      impactStartSource: true,
      detectedAt: true,
      acknowledgedAt: true,
      mitigatedAt: true,
      resolvedAt: true,
    },
  });
  return rows.map(({ id, number, title, severity, isDrill, services, ...times }) => ({
    id,
    number,
    title,
    severity: severity as Severity,
    isDrill,
    services: services.map(({ namespace, service }) => ({ namespace, name: service })),
    clock: clockOf(times),
  }));
}

/** The real ones among them by the start of their impact, within the time only. */
export function calendarOf(incidents: readonly CountedIncident[], { from }: Period): IncidentCalendar {
  const real = incidents.filter(({ isDrill, clock }) => !isDrill && Date.parse(clock.impactStartedAt) >= from.getTime());
  const shown = real.slice(0, mostInCalendar);
  return {
    starts: shown.map(({ id, number, title, severity, clock }) => ({ id, number, title, severity, at: clock.impactStartedAt })),
    knownFrom: shown.length < real.length ? (shown.at(-1)?.clock.impactStartedAt ?? null) : null,
  };
}
