import { z } from "zod";
import type { Database } from "#lib/database/client.ts";
import type { FleetContext } from "../alerts/suspect-actions.ts";
import { authorise, translateDatabaseErrors } from "../context.ts";
import { parseId, parseInput } from "../validation.ts";
import { VersionWatch } from "../version-watch.ts";
import { incidentName } from "./incident-name.ts";
import { linkAddress } from "./link-targets.ts";
import { allowedCommands } from "./progress.ts";
import { listResolveBlockers } from "./recovery/resolve-gate.ts";
import { recoveredAtOf, viewRecoveries } from "./recovery/stored.ts";
import { listVerdicts } from "./recovery/verdicts.ts";
import { type IncidentDetail, type LinkKind, mostTimelineRows } from "./schemas.ts";
import { incidentParts, noSuchIncident, standingOf, viewIncident } from "./stored.ts";
import { listIncidentSuspects, withDependencies } from "./suspects.ts";
import { viewTimelineRowOf } from "./timeline/timeline.ts";

/** GET /api/incidents/:id?after=VERSION&waitSeconds=30 */
export const followIncidentSchema = z.object({
  after: z.coerce.number().int().min(0).optional(),
  waitSeconds: z.coerce.number().int().min(0).max(30).default(0),
});

const versions = new VersionWatch("incidents", async (db: Pick<Database, "incident">, ids) => {
  const rows = await db.incident.findMany({ where: { id: { in: ids } }, select: { id: true, version: true } });
  return new Map(rows.map(({ id, version }) => [id, version]));
});

/**
 * One incident, whole. With `after` its timeline has only the rows that are new or changed since that version, so that who follows it
 * with the version of each answer is told each of them once; `after` of the answer is null where that version is not known. With
 * `waitSeconds`, too, it answers as soon as there is another version, or with what there is when the time is over. Throws not-found,
 * and too-many-attempts when too many wait.
 */
export async function getIncidentDetail(
  context: FleetContext,
  id: string,
  input: unknown,
  signal?: AbortSignal,
): Promise<IncidentDetail> {
  authorise(context, "viewer", "see incidents");
  const incidentId = parseId(id, "incident");
  const { after, waitSeconds } = parseInput(followIncidentSchema, input);
  if (after !== undefined && waitSeconds > 0) {
    await versions.wait(context.db, { id: incidentId, after, waitMs: waitSeconds * 1000, signal });
  }
  return translateDatabaseErrors(() => readDetail(context, incidentId, after));
}

async function readDetail({ db, fleet, clock }: FleetContext, id: string, known: number | undefined): Promise<IncidentDetail> {
  const row = await db.incident.findUnique({
    where: { id },
    include: { ...incidentParts, links: { orderBy: { at: "asc" } }, checks: { orderBy: { doneAt: "asc" } }, recoveries: true },
  });
  if (!row) throw noSuchIncident();
  const { version, impactStartedAt } = row;
  // A database that was restored may be behind what somebody knows.
  const isKnown = known !== undefined && known <= version;
  // What came after the row was read belongs to the next answer.
  const told = { incidentId: id, version: { lte: version } };
  const incident = viewIncident(row);
  const services = withDependencies(fleet, incident.services);
  const now = clock();
  const recoveries = viewRecoveries(row.recoveries, incident.services);
  const [rows, timelineTotal, verdicts, linkedFrom, resolveBlockers, suspects] = await Promise.all([
    db.incidentEvent.findMany({
      where: isKnown ? { incidentId: id, version: { lte: version, gt: known } } : told,
      orderBy: [{ at: "desc" }, { id: "desc" }],
      take: mostTimelineRows,
    }),
    db.incidentEvent.count({ where: told }),
    listVerdicts(db, { id, version, impactStartedAt, resolvedAt: row.resolvedAt, services, recoveries: row.recoveries }, now),
    db.incidentLink.findMany({
      where: { kind: "incident", targetId: id },
      include: { incident: { select: { number: true, title: true } } },
      orderBy: { at: "asc" },
    }),
    row.resolvedAt ? [] : listResolveBlockers(db, id, now),
    listIncidentSuspects(db, { impactStartedAt, detectedAt: row.detectedAt, services }),
  ]);
  // So many that some of the new ones are left out are the newest of all, too.
  const after = isKnown && rows.length < mostTimelineRows ? known : null;
  const own = row.links.map(({ kind, targetId, title, at, byName }) => ({ kind: kind as LinkKind, targetId, title, at, byName }));
  const others = linkedFrom
    .filter(({ incidentId }) => !own.some(({ targetId }) => targetId === incidentId))
    .map(({ incidentId, incident, at, byName }) => ({
      kind: "incident" as const,
      targetId: incidentId,
      title: `${incidentName(incident)} ${incident.title}`,
      at,
      byName,
    }));
  return {
    ...incident,
    version,
    after,
    overrideReason: row.overrideReason,
    people: row.people.map(({ name, role, joinedAt, leftAt }) => ({
      name,
      role: role === "commander" ? "commander" : "responder",
      joinedAt: joinedAt.toISOString(),
      leftAt: leftAt?.toISOString() ?? null,
    })),
    timeline: rows.toReversed().map((event) => viewTimelineRowOf(incident.services, event)),
    timelineTotal,
    links: [...own, ...others].map(({ kind, targetId, title, at, byName }) => ({
      kind,
      targetId,
      title,
      href: linkAddress(kind, targetId),
      at: at.toISOString(),
      by: byName,
    })),
    checks: row.checks.map(({ item, doneAt, byName }) => ({ item, doneAt: doneAt.toISOString(), by: byName })),
    commands: allowedCommands(standingOf(row)),
    resolveBlockers,
    recoveries,
    recovery: recoveries[0] ?? null,
    recoveredAt: recoveredAtOf(row.recoveries, incident.services)?.toISOString() ?? null,
    verdicts,
    suspects,
  };
}
