import type { Database } from "#lib/database/client.ts";
import type { Transaction } from "../../context.ts";
import { formatUtc } from "../../times.ts";
import { indicatorBehind } from "../recovery/indicators.ts";
import { countsThePast } from "../recovery/judge-resolve.ts";
import type { StoredRecovery } from "../recovery/recovery.ts";
import { isStale, standingOf } from "../recovery/standing.ts";
import { readState } from "../recovery/stored.ts";
import { sourceWindow } from "../timeline/sources.ts";
import type { Trigger } from "./triggers.ts";

const minuteMs = 60_000;
/** An alert looks back over minutes, then waits before it fires; those on error budgets that are slower than fast over half an hour. */
const reachMs = { fast: 10 * minuteMs, slow: 40 * minuteMs };
/** What turned bad in a drill is measured to be good so long after the drill's end at the latest. */
const measuredWithinMs = minuteMs;

/** An incident of which an alert may tell, in words for its timeline. */
export type Aftermath = { incidentId: string; message: string };

/** What the timeline's row is written from. */
export const aftermathSource = (trigger: Pick<Trigger, "key">) => `aftermath/${trigger.key}`;

/**
 * The resolved incident whose harm an alert may only count after it is over; null when it tells of the present. It is on the error budget
 * of a service that the incident has measured to be bad and then good, or on latency or errors just after a drill, and everything that is
 * watched of the service is good now. Nothing is for longer than an alert looks back: a budget may burn below what the indicators take
 * for bad. Losses and instances that are gone always tell of the present.
 */
export async function findAftermath(db: Database | Transaction, trigger: Trigger, now: Date): Promise<Aftermath | null> {
  const { alertName, service, why } = trigger;
  if (alertName === null || service === null || !looksBack(alertName)) return null;
  const rows = await db.incidentRecovery.findMany({
    where: {
      namespace: service.namespace,
      service: service.name,
      incident: {
        OR: [{ resolvedAt: null }, { resolvedAt: { gte: new Date(now.getTime() - sourceWindow.afterMinutes * minuteMs) } }],
      },
    },
    include: { incident: { select: { isDrill: true, resolvedAt: true } } },
    orderBy: { incident: { openedAt: "desc" } },
  });
  const watched = rows
    .map((row) => ({ ...row, recovery: readState(row) }))
    .filter(({ incident, recovery }) => incident.resolvedAt === null || !isStale(recovery, now));
  const isGood = ({ recovery }: Watched) => !isStale(recovery, now) && standingOf(recovery).state === "good";
  if (!watched.every(isGood)) return null;
  const reach = countsThePast(alertName) && !/fast/i.test(alertName) ? reachMs.slow : reachMs.fast;
  for (const one of watched) {
    const overAt = harmEnd(one, { alertName, startsAt: trigger.impactStartedAt });
    if (overAt === null || now.getTime() >= overAt + reach) continue;
    const until = formatUtc(new Date(overAt + reach), "time");
    const message = `${why} It counts what is over: ${service.name} is measured to be good. It opens an incident if it still fires at ${until}, or as soon as anything is bad.`;
    return { incidentId: one.incidentId, message };
  }
  return null;
}

/** The incidents that measure the harm of a service which an alert on its error budget counts, by id; drills are none. */
export async function listCounted(db: Database | Transaction, { alertName, service }: Trigger, now: Date): Promise<string[]> {
  if (alertName === null || service === null || !countsThePast(alertName)) return [];
  const rows = await db.incidentRecovery.findMany({
    where: { namespace: service.namespace, service: service.name, incident: { resolvedAt: null, isDrill: false } },
  });
  const isHarmed = (recovery: StoredRecovery) => !isStale(recovery, now) && standingOf(recovery).wasBad;
  return rows.filter((row) => isHarmed(readState(row))).map(({ incidentId }) => incidentId);
}

type Watched = { incident: { isDrill: boolean; resolvedAt: Date | null }; recovery: StoredRecovery };

/** When the harm of an incident was over that the alert may count; null when it is none of this incident's. */
function harmEnd({ incident, recovery }: Watched, alert: { alertName: string; startsAt: Date }): number | null {
  const { goodSince, wasBad } = standingOf(recovery);
  // What is open is joined.
  if (goodSince === null || incident.resolvedAt === null) return null;
  const good = Date.parse(goodSince);
  if (countsThePast(alert.alertName) && wasBad) return good;
  if (!incident.isDrill) return null;
  // A drill may harm too few requests for its indicators to turn. What turned bad after it is not its harm.
  const end = incident.resolvedAt.getTime();
  return alert.startsAt.getTime() <= end + reachMs.fast && good <= end + measuredWithinMs ? end : null;
}

function looksBack(alertName: string): boolean {
  const indicator = indicatorBehind(alertName);
  return countsThePast(alertName) || indicator === "latency-p95" || (indicator === "error-ratio" && /error/i.test(alertName));
}
