import { z } from "zod";
import { authorise, type ConsoleContext, type Context, type Transaction, translateDatabaseErrors } from "../../context.ts";
import { parseId } from "../../validation.ts";
import { linkAddress } from "../link-targets.ts";
import type { IncidentSuspect, LinkKind, Severity } from "../schemas.ts";
import { clockOf, commanderOf, incidentParts, noSuchIncident, type StoredIncident } from "../stored.ts";
import { listIncidentSuspects, withDependencies } from "../suspects.ts";
import { viewTimelineRow } from "../timeline/timeline.ts";
import { harmOf, isOutdated } from "./impact.ts";
import { readRecoveries } from "./recoveries.ts";
import type { Chart, FactRow, Impact, PostmortemFacts } from "./schemas.ts";

type Db = Context["db"] | Transaction;
type FactContext = Pick<ConsoleContext, "clock" | "fleet">;

/** What was measured of an incident and is kept. */
export type Measured = { impact: Impact | null; charts: Chart[] };

const mostRows = 1_000;
const longestMessage = 2_000;
/** What may come in a flood, and is shown last. */
const floodKinds = ["alert", "restart"];

/** What is known of an incident: as it was at the publication of its postmortem, else as it is now. Throws not-found. */
export async function getPostmortemFacts(context: ConsoleContext, id: string): Promise<PostmortemFacts> {
  authorise(context, "viewer", "see postmortems");
  const incidentId = parseId(id, "incident");
  return translateDatabaseErrors(async () => {
    const row = await context.db.postmortem.findUnique({
      where: { incidentId },
      select: { facts: true, impact: true, charts: true },
    });
    const frozen = frozenFacts(row?.facts);
    if (frozen) return frozen;
    const incident = await readIncident(context.db, incidentId);
    if (!incident) throw noSuchIncident();
    return collectFacts(context.db, context, incident, measuredOf(row));
  });
}

/** Reads an incident as commands do, without locking it; null when there is none. */
export function readIncident(db: Context["db"] | Transaction, id: string): Promise<StoredIncident | null> {
  return db.incident.findUnique({ where: { id }, include: incidentParts });
}

/** Facts as they were kept at a publication; null where there are none. */
export function frozenFacts(stored: unknown): PostmortemFacts | null {
  const isFacts = z.object({ isFrozen: z.literal(true), timeline: z.array(z.unknown()) }).safeParse(stored).success;
  return isFacts ? (stored as PostmortemFacts) : null;
}

/** What a postmortem's row keeps of what was measured. */
export function measuredOf(row: { impact: unknown; charts: unknown } | null): Measured {
  return { impact: (row?.impact ?? null) as Impact | null, charts: (row?.charts ?? []) as Chart[] };
}

/** Reads what is known of an incident now, beside what was measured of it. */
export async function collectFacts(
  db: Db,
  { clock, fleet }: FactContext,
  incident: StoredIncident,
  { impact, charts }: Measured,
): Promise<PostmortemFacts> {
  const services = incident.services.map(({ namespace, service: name }) => ({ namespace, name }));
  const [events, links, { recoveries, recoveredAt }, suspects] = await Promise.all([
    readEvents(db, incident.id),
    db.incidentLink.findMany({ where: { incidentId: incident.id }, orderBy: [{ at: "asc" }, { targetId: "asc" }] }),
    readRecoveries(db, incident),
    listIncidentSuspects(db, {
      impactStartedAt: incident.impactStartedAt,
      detectedAt: incident.detectedAt,
      services: withDependencies(fleet, services),
    }),
  ]);
  return {
    readAt: clock().toISOString(),
    isFrozen: false,
    number: incident.number,
    title: incident.title,
    severity: incident.severity as Severity,
    isDrill: incident.isDrill,
    services: services.map(({ namespace, name }) => `${namespace}/${name}`),
    clock: clockOf(incident),
    openedBy: incident.openedByName,
    noticedBy: noticedBy(incident),
    commander: commanderOf(incident),
    responders: incident.people.filter(({ role }) => role === "responder").map(({ name }) => name),
    overrideReason: incident.overrideReason,
    timeline: events.rows.map(({ at, kind, message, by, href }): FactRow => ({ at, kind, message: cut(message), by, href })),
    timelineTotal: events.total,
    links: links.map(({ kind, targetId, title }) => ({ kind, title, href: linkAddress(kind as LinkKind, targetId) })),
    suspects: suspects.map((suspect) => viewSuspect(suspect, events.rows)),
    recoveries: recoveries.map(({ points: _, ...recovery }) => recovery),
    recoveredAt: recoveredAt?.toISOString() ?? null,
    impact,
    isImpactOutdated: impact !== null && isOutdated(impact, harmOf(incident, recoveredAt, clock())),
    charts,
  };
}

/** The rows that are shown, the oldest first. Of very many those that are no flood come first. */
async function readEvents(db: Db, incidentId: string) {
  const shown = { incidentId, hiddenAt: null };
  const find = (kind: object, take: number) =>
    db.incidentEvent.findMany({ where: { ...shown, kind }, orderBy: [{ at: "asc" }, { id: "asc" }], take });
  const [total, told] = await Promise.all([db.incidentEvent.count({ where: shown }), find({ notIn: floodKinds }, mostRows)]);
  const flood = told.length < mostRows ? await find({ in: floodKinds }, mostRows - told.length) : [];
  const rows = [...told, ...flood].toSorted((a, b) => a.at.getTime() - b.at.getTime());
  return { total, rows: rows.map(viewTimelineRow) };
}

function cut(message: string): string {
  return message.length > longestMessage ? `${message.slice(0, longestMessage)}…` : message;
}

function viewSuspect(suspect: IncidentSuspect, rows: readonly { source: string | null; message: string }[]) {
  const { auditId, rolloutId, at, service, closeness, before, after, actor, verb, reason } = suspect;
  const told = rows.find(({ source }) => source === `audit/${auditId}`)?.message;
  return {
    at,
    service,
    closeness,
    before,
    after,
    actor,
    message: told ?? `${verb.charAt(0).toUpperCase()}${verb.slice(1)} of ${service}.${reason ? ` Reason: ${reason}` : ""}`,
    href: rolloutId ? `/rollouts/${rolloutId}` : `/audit?entry=${auditId}`,
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
