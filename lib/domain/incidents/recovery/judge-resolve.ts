import { standingOf as standingOfAlert } from "../../alerts/standing.ts";
import { formatDuration } from "../../duration.ts";
import { formatUtc } from "../../times.ts";
import type { ResolveBlocker } from "../schemas.ts";
import type { StoredRecovery } from "./recovery.ts";
import { decisiveFirst, isStale, standingOf } from "./standing.ts";

/** An alert that is linked to the incident, or fires on one of its services. */
export type GateAlert = {
  id: string;
  name: string;
  /** namespace/name; null when it names none. */
  service: string | null;
  sourceId: string;
  state: "firing" | "resolved";
  startsAt: Date;
  endsAt: Date | null;
  silencedBy: readonly string[];
  inhibited: boolean;
  /** A silence that would hide it if it fired again, in words; null for none. */
  silence: string | null;
};

/** A time in which a source's alerts could have come and gone unseen; open while endedAt is null. */
export type Blindness = { sourceId: string; source: string; beganAt: Date; endedAt: Date | null };

export type ResolveFacts = {
  alerts: readonly GateAlert[];
  blindness: readonly Blindness[];
  /** Every service of the incident as namespace/name; null while nothing was measured. */
  services: readonly { service: string; recovery: StoredRecovery | null }[];
  /** For how long the alerts must have been over. */
  clearSeconds: number;
};

/**
 * What speaks against resolving an incident now: an alert of it or of its services that fires, or was over just now, or is hidden by a
 * silence; a service whose indicators are not all good for a whole window; that nothing was seen. What cannot be known is never good.
 */
export function judgeResolve(facts: ResolveFacts, now: Date): ResolveBlocker[] {
  if (facts.alerts.length === 0 && facts.services.length === 0) {
    const message = "It names no service and no alert: there is nothing by which anybody could see that it is over.";
    return [{ id: "no-evidence", message, href: null }];
  }
  const alerts = facts.alerts.flatMap((alert) => judgeAlert(alert, facts, now) ?? []);
  const services = facts.services.flatMap((one) => judgeService(one, now) ?? []);
  return [...alerts, ...judgeSight(facts, now), ...services];
}

/** A source that is not heard speaks for its alerts by itself (judgeSight). */
function judgeAlert(alert: GateAlert, facts: ResolveFacts, now: Date): ResolveBlocker | null {
  if (isOutlived(alert, facts, now)) return null;
  const { name, startsAt, endsAt, sourceId, silence } = alert;
  const blindSince = facts.blindness.find((one) => one.sourceId === sourceId && one.endedAt === null)?.beganAt ?? null;
  const href = `/alerts/${alert.id}`;
  const fires = `${name} fires since ${formatUtc(startsAt, "time")}`;
  switch (standingOfAlert({ ...alert, blindSince, acknowledgedAt: null })) {
    case "unknown":
      return null;
    case "silenced":
      return { id: "silenced", message: `${fires} and a silence hides it.`, href };
    case "inhibited":
      return { id: "alert-fires", message: `${fires}, and another alert inhibits it.`, href };
    case "firing":
    case "acknowledged":
      return { id: "alert-fires", message: `${fires}.`, href };
    case "resolved": {
      if (silence !== null) {
        return { id: "silenced", message: `${name} is over, and would be hidden if it fired again: ${silence}.`, href };
      }
      const clearMs = now.getTime() - (endsAt ?? now).getTime();
      if (clearMs >= facts.clearSeconds * 1000) return null;
      const wanted = formatDuration(facts.clearSeconds * 1000);
      const message = `${name} is over for ${formatDuration(clearMs)} only: ${wanted} are wanted.`;
      return { id: "alert-cleared-just-now", message, href };
    }
  }
}

/** An alert on an error budget counts the harm of hours or days, also when that is over: it goes on firing by what has been. */
export function countsThePast(alertName: string): boolean {
  return /budget_?burn/i.test(alertName);
}

/** Once its service is measured to be good for as long as any alert must be over, such an alert says nothing of now. */
function isOutlived({ name, service }: GateAlert, { services, clearSeconds }: ResolveFacts, now: Date): boolean {
  if (!countsThePast(name)) return false;
  const concerned = services.filter((one) => service === null || one.service === service);
  return (
    concerned.length > 0 &&
    concerned.every(({ recovery }) => {
      if (!recovery || isStale(recovery, now)) return false;
      const { state, goodSince } = standingOf(recovery);
      return state === "good" && goodSince !== null && now.getTime() - Date.parse(goodSince) >= clearSeconds * 1000;
    })
  );
}

/** Sources of the alerts; without one all, for any could have an alert of these services. */
function judgeSight({ alerts, blindness, clearSeconds }: ResolveFacts, now: Date): ResolveBlocker[] {
  const from = now.getTime() - clearSeconds * 1000;
  const concerned = blindness.filter(
    ({ sourceId, endedAt }) =>
      (alerts.length === 0 || alerts.some((alert) => alert.sourceId === sourceId)) &&
      (endedAt === null || endedAt.getTime() > from),
  );
  return concerned.map(({ source, beganAt, endedAt }) => ({
    id: "indicator-unknown",
    message: endedAt
      ? `Alerts of ${source} could not be seen until ${formatUtc(endedAt, "time")}: wait ${formatDuration(clearSeconds * 1000)} from then.`
      : `Alerts of ${source} cannot be seen since ${formatUtc(beganAt, "time")}: whether they fire is not known.`,
    href: "/alerts",
  }));
}

function judgeService({ service, recovery }: ResolveFacts["services"][number], now: Date): ResolveBlocker | null {
  const href = `/fleet/${service}`;
  const [first] = recovery ? decisiveFirst(recovery) : [];
  if (!recovery || !first) {
    return { id: "indicator-unknown", message: `${service}: whether it is good has not been measured yet.`, href };
  }
  const what = `${service}, ${first.title.charAt(0).toLowerCase()}${first.title.slice(1)}`;
  const { state, goodSince, lookedAt } = standingOf(recovery);
  if (isStale(recovery, now)) {
    const since = lookedAt ? ` since ${formatUtc(new Date(lookedAt), "time")}` : "";
    return { id: "indicator-unknown", message: `${what}: not measured${since}.`, href };
  }
  if (state === "unknown") return { id: "indicator-unknown", message: `${what}: nothing is measured now.`, href };
  if (state === "bad") return { id: "indicator-bad", message: `${what}: still ${first.bad} the limit.`, href };
  const windowMs = recovery.windowSeconds * 1000;
  if (goodSince === null || Date.parse(lookedAt ?? goodSince) - Date.parse(goodSince) < windowMs) {
    return { id: "indicator-bad", message: `${what}: not good for ${formatDuration(windowMs)} yet.`, href };
  }
  return null;
}
