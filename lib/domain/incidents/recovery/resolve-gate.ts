import type { Database } from "#lib/database/client.ts";
import { standingOf } from "../../alerts/standing.ts";
import type { Transaction } from "../../context.ts";
import { formatDuration } from "../../duration.ts";
import { readAutomation } from "../opening/automation-settings.ts";
import type { ResolveBlocker } from "../schemas.ts";
import { type StoredRecovery, staleAfterMs } from "./recovery.ts";

/** An alert that belongs to the incident, as it is stored. */
export type LinkedAlert = {
  name: string;
  sourceId: string;
  state: "firing" | "resolved";
  startsAt: Date;
  endsAt: Date | null;
  silencedBy: readonly string[];
  inhibited: boolean;
};

/** A time in which a source's alerts could have come and gone unseen; open while endedAt is null. */
export type Blindness = { sourceId: string; source: string; beganAt: Date; endedAt: Date | null };

export type ResolveFacts = {
  alerts: readonly LinkedAlert[];
  blindness: readonly Blindness[];
  /** Null while nothing was measured. */
  recovery: StoredRecovery | null;
  /** Whether there is a service that could be measured. */
  hasServices: boolean;
  /** For how long the alerts must have been over. */
  clearSeconds: number;
};

/**
 * What speaks against resolving an incident now: each of its alerts has to be over for a while and seen to be so, none may be hidden
 * by a silence, and the indicator behind them has to be good. What cannot be known is never taken for good.
 */
export function judgeResolve(facts: ResolveFacts, now: Date): ResolveBlocker[] {
  return [...judgeAlerts(facts, now), ...judgeSight(facts, now), ...judgeIndicator(facts, now)];
}

function judgeAlerts({ alerts, blindness, clearSeconds }: ResolveFacts, now: Date): ResolveBlocker[] {
  const open = blindness.filter(({ endedAt }) => endedAt === null);
  return alerts.flatMap((alert) => {
    const blindSince = open.find(({ sourceId }) => sourceId === alert.sourceId)?.beganAt ?? null;
    return judgeAlert(alert, blindSince, clearSeconds, now) ?? [];
  });
}

function judgeAlert(alert: LinkedAlert, blindSince: Date | null, clearSeconds: number, now: Date): ResolveBlocker | null {
  const { name, startsAt, endsAt } = alert;
  const fires = `${name} fires since ${time(startsAt)}`;
  switch (standingOf({ ...alert, blindSince, acknowledgedAt: null })) {
    case "unknown":
      return { id: "indicator-unknown", message: `Whether ${name} still fires is not known: its source is not heard.` };
    case "silenced":
      return { id: "silenced", message: `${fires} and a silence hides it.` };
    case "inhibited":
      return { id: "alert-fires", message: `${fires}, and another alert inhibits it.` };
    case "firing":
    case "acknowledged":
      return { id: "alert-fires", message: `${fires}.` };
    case "resolved": {
      const clearMs = now.getTime() - (endsAt ?? now).getTime();
      if (clearMs >= clearSeconds * 1000) return null;
      const wanted = formatDuration(clearSeconds * 1000);
      return {
        id: "alert-cleared-just-now",
        message: `${name} is over for ${formatDuration(clearMs)} only: ${wanted} are wanted.`,
      };
    }
  }
}

/** Sources of the linked alerts; without one all, for any could have an alert of these services. */
function judgeSight({ alerts, blindness, hasServices, clearSeconds }: ResolveFacts, now: Date): ResolveBlocker[] {
  if (alerts.length === 0 && !hasServices) return [];
  const from = now.getTime() - clearSeconds * 1000;
  const concerned = blindness.filter(
    ({ sourceId, endedAt }) =>
      (alerts.length === 0 || alerts.some((alert) => alert.sourceId === sourceId)) &&
      (endedAt === null || endedAt.getTime() > from),
  );
  return concerned.map(({ source, beganAt, endedAt }) => ({
    id: "indicator-unknown",
    message: endedAt
      ? `Alerts of ${source} could not be seen until ${time(endedAt)}: wait ${formatDuration(clearSeconds * 1000)} from then.`
      : `Alerts of ${source} cannot be seen since ${time(beganAt)}.`,
  }));
}

function judgeIndicator({ recovery, hasServices }: ResolveFacts, now: Date): ResolveBlocker[] {
  if (!recovery) {
    const message = "Whether it is over has not been measured: nothing is known of its services yet.";
    return hasServices ? [{ id: "indicator-unknown", message }] : [];
  }
  const what = `${recovery.service}, ${recovery.indicator.title.toLowerCase()}`;
  if (now.getTime() - Date.parse(recovery.lookedAt) > staleAfterMs) {
    return [{ id: "indicator-unknown", message: `${what}: not measured since ${time(new Date(recovery.lookedAt))}.` }];
  }
  if (recovery.state === "unknown") return [{ id: "indicator-unknown", message: `${what}: nothing is measured now.` }];
  if (recovery.state === "bad") {
    return [{ id: "indicator-bad", message: `${what}: still ${recovery.indicator.bad} the limit.` }];
  }
  if (recovery.wasBad && recovery.recoveredAt === null) {
    return [{ id: "indicator-bad", message: `${what}: not good for ${formatDuration(recovery.windowSeconds * 1000)} yet.` }];
  }
  return [];
}

/** What speaks against resolving the incident now; empty when nothing does. */
export async function listResolveBlockers(db: Database | Transaction, incidentId: string, now: Date): Promise<ResolveBlocker[]> {
  const incident = await db.incident.findUnique({
    where: { id: incidentId },
    select: {
      recovery: true,
      links: { where: { kind: "alert" }, select: { targetId: true } },
      _count: { select: { services: true } },
    },
  });
  if (!incident) return [];
  const { clearSeconds } = await readAutomation(db);
  const since = new Date(now.getTime() - clearSeconds * 1000);
  const [alerts, windows] = await Promise.all([
    db.alertEpisode.findMany({
      where: { id: { in: incident.links.map(({ targetId }) => targetId) } },
      orderBy: [{ startsAt: "asc" }, { id: "asc" }],
    }),
    db.blindWindow.findMany({
      where: { OR: [{ endedAt: null }, { endedAt: { gt: since } }], source: { disabledAt: null } },
      include: { source: { select: { name: true } } },
      orderBy: { beganAt: "asc" },
    }),
  ]);
  const facts: ResolveFacts = {
    alerts,
    blindness: windows.map(({ sourceId, source, beganAt, endedAt }) => ({ sourceId, source: source.name, beganAt, endedAt })),
    recovery: incident.recovery as StoredRecovery | null,
    hasServices: incident._count.services > 0,
    clearSeconds,
  };
  return judgeResolve(facts, now);
}

const time = (at: Date) => `${at.toISOString().slice(11, 19)} UTC`;
