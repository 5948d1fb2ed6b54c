import type { Context, Transaction } from "../../context.ts";
import { linkAddress } from "../link-targets.ts";
import type { LinkKind, Recovery, Severity } from "../schemas.ts";
import { clockOf, commanderOf, incidentParts, type StoredIncident } from "../stored.ts";
import { viewTimelineRow } from "../timeline/timeline.ts";
import type { DraftFacts } from "./draft.ts";
import type { Harm } from "./impact.ts";
import type { Impact } from "./schemas.ts";

/** From when until when an incident did harm: by the data where these know its end, else by what people said. */
export function harmOf(incident: StoredIncident, now: Date): Harm {
  const { impactStartedAt: from, mitigatedAt, resolvedAt } = incident;
  const recoveredAt = (incident.recovery as Recovery | null)?.recoveredAt;
  const ends: [Date | null, Impact["until"]][] = [
    [recoveredAt ? new Date(recoveredAt) : null, "recovered"],
    [mitigatedAt, "mitigated"],
    [resolvedAt, "resolved"],
  ];
  const [to, until] = ends.find(([end]) => end !== null && end > from) ?? [now, "now" as const];
  const services = incident.services.map(({ namespace, service }) => `${namespace}/${service}`);
  return { services, from, to: to ?? now, until };
}

/** What a draft tells, beside the impact. */
export async function collectFacts(
  transaction: Transaction,
  incident: StoredIncident,
  { owner, impact }: { owner: string; impact: Impact },
): Promise<DraftFacts> {
  const incidentId = incident.id;
  const [events, links] = await Promise.all([
    transaction.incidentEvent.findMany({ where: { incidentId }, orderBy: [{ at: "asc" }, { id: "asc" }] }),
    transaction.incidentLink.findMany({ where: { incidentId }, orderBy: [{ at: "asc" }, { targetId: "asc" }] }),
  ]);
  return {
    number: incident.number,
    title: incident.title,
    severity: incident.severity as Severity,
    services: incident.services.map(({ namespace, service }) => `${namespace}/${service}`),
    clock: clockOf(incident),
    openedBy: incident.openedByName,
    noticedBy: noticedBy(incident),
    commander: commanderOf(incident),
    responders: incident.people.filter(({ role }) => role === "responder").map(({ name }) => name),
    owner,
    overrideReason: incident.overrideReason,
    timeline: events.map(viewTimelineRow),
    links: links.map(({ kind, targetId, title }) => ({ kind, title, href: linkAddress(kind as LinkKind, targetId) })),
    recovery: incident.recovery as Recovery | null,
    impact,
  };
}

function noticedBy({ origin, openedByName }: StoredIncident): string {
  switch (origin) {
    case "alert":
      return "an alert";
    case "rollout":
      return "a rollout that ended badly";
    case "backup":
      return "a backup that failed";
    case "drill":
      return "a drill";
    default:
      return openedByName;
  }
}

/** Reads an incident as commands do, without locking it; null when there is none. */
export function readIncident({ db }: Pick<Context, "db">, id: string): Promise<StoredIncident | null> {
  return db.incident.findUnique({ where: { id }, include: incidentParts });
}
