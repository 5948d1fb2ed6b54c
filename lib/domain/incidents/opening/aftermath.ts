import type { Transaction } from "../../context.ts";
import { formatDuration } from "../../duration.ts";
import { indicatorBehind } from "../recovery/indicators.ts";
import { countsThePast, isStale } from "../recovery/judge-resolve.ts";
import type { StoredRecovery } from "../recovery/recovery.ts";
import { standingOf } from "../recovery/standing.ts";
import { readState } from "../recovery/stored.ts";
import { switchyard } from "../switchyard.ts";
import { appendTimeline } from "../timeline/timeline.ts";
import { backupAlerts } from "./automation-schemas.ts";
import type { Trigger } from "./triggers.ts";

const minuteMs = 60_000;
/** An alert looks back over minutes, then waits before it fires; those on error budgets that are slower than fast over half an hour. */
const reachMs = { fast: 10 * minuteMs, slow: 40 * minuteMs };
/** Incidents are watched for so long after they were resolved. */
const watchedMs = 60 * minuteMs;

/**
 * Whether an alert may only count harm that is over: it is on an error budget, or on requests after a drill, and an incident of its
 * service has measured that all has been good since shortly before. Then it opens nothing while that stays so, and says why in that
 * incident. When it goes on for longer than it looks back, or anything is bad or unknown, it counts the present.
 */
export async function isAftermath(transaction: Transaction, trigger: Trigger, now: Date): Promise<boolean> {
  const { key, alertName, service, why } = trigger;
  if (alertName === null || service === null) return false;
  const rows = await transaction.incidentRecovery.findMany({
    where: {
      namespace: service.namespace,
      service: service.name,
      incident: { OR: [{ resolvedAt: null }, { resolvedAt: { gte: new Date(now.getTime() - watchedMs) } }] },
    },
    include: { incident: { select: { isDrill: true, resolvedAt: true } } },
    orderBy: { incident: { openedAt: "desc" } },
  });
  const watched = rows.map((row) => ({ ...row, recovery: readState(row) })).filter(({ recovery }) => !isStale(recovery, now));
  const origin = watched.find(({ incident }) => countsThePast(alertName) || (incident.isDrill && isOnRequests(alertName)));
  if (!origin) return false;
  const reach = countsThePast(alertName) && !/fast/i.test(alertName) ? reachMs.slow : reachMs.fast;
  const standings = watched.map(({ recovery }) => standingOf(recovery));
  const isOver = standings.every(({ state }) => state === "good");
  if (!isOver || now.getTime() - overSince(origin) > reach) return false;
  const message = `${why} It counts what is over: ${service.name} is measured to be good. If it fires for longer than ${formatDuration(reach)} from then, or anything is bad again, it opens an incident.`;
  const row = { at: now, kind: "alert", message, by: switchyard.name, source: `aftermath/${key}`, service } as const;
  await appendTimeline(transaction, origin.incidentId, [row], { now });
  return true;
}

type Watched = { incident: { isDrill: boolean; resolvedAt: Date | null }; recovery: StoredRecovery };

/** A drill may harm too few requests for its indicators to turn, and an alert all the same. */
function overSince({ incident, recovery }: Watched): number {
  const goodSince = Date.parse(standingOf(recovery).goodSince ?? "") || 0;
  return Math.max(goodSince, (incident.isDrill && incident.resolvedAt?.getTime()) || 0);
}

function isOnRequests(alertName: string): boolean {
  if ((backupAlerts as readonly string[]).includes(alertName)) return false;
  const indicator = indicatorBehind(alertName);
  return indicator !== null && indicator !== "up";
}
