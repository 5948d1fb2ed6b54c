import type { FleetContext } from "../alerts/suspect-actions.ts";
import { authorise, translateDatabaseErrors } from "../context.ts";
import { DomainError } from "../errors.ts";
import { countsThePast } from "../incidents/recovery/judge-resolve.ts";
import { parseId } from "../validation.ts";
import { runbookOfAlert } from "./delivered.ts";
import { anyGroup, type NeededRunbook, type RunbookRef } from "./schemas.ts";
import { findNewest, keyOf, runbookOfService, serviceKindOf, viewRunbook } from "./stored.ts";

type Need = { ref: RunbookRef; service: string | null; isFiring: boolean };
type Episode = { name: string; namespace: string | null; service: string | null; labels: unknown; endsAt: Date | null };

const mostAlerts = 50;

/**
 * The runbooks that an incident needs: of its alerts and of what fires on its services now, those that fire first and those that
 * count the past last, then of its services. Alerts without a runbook are left out. Throws not-found.
 */
export async function listIncidentRunbooks(context: FleetContext, id: string): Promise<{ items: NeededRunbook[] }> {
  authorise(context, "viewer", "see incidents");
  const incidentId = parseId(id, "incident");
  return translateDatabaseErrors(async () => {
    const { db } = context;
    const incident = await db.incident.findUnique({
      where: { id: incidentId },
      select: { resolvedAt: true, services: true, links: { where: { kind: "alert" }, select: { targetId: true } } },
    });
    if (!incident) throw new DomainError("not-found", "There is no incident with this id.");
    const services = incident.services.map(({ namespace, service }) => ({ namespace, service }));
    const linked = { id: { in: incident.links.map(({ targetId }) => targetId) } };
    const firing = services.length > 0 && !incident.resolvedAt ? [{ state: "firing" as const, OR: services }] : [];
    const episodes = await db.alertEpisode.findMany({
      where: { OR: [linked, ...firing] },
      orderBy: [{ endsAt: { sort: "asc", nulls: "first" } }, { startsAt: "asc" }],
      take: mostAlerts,
    });
    // What counts hours fires on when the harm is over, and says nothing of what to do now.
    const ordered = episodes.toSorted((a, b) => Number(countsThePast(a.name)) - Number(countsThePast(b.name)));
    return {
      items: await readNeeds(
        context,
        ordered,
        services.map(({ namespace, service }) => `${namespace}/${service}`),
      ),
    };
  });
}

/** The runbook of one alert; null where there is none. Throws not-found. */
export async function findAlertRunbook(context: FleetContext, id: string): Promise<{ item: NeededRunbook | null }> {
  authorise(context, "viewer", "see alerts");
  const episodeId = parseId(id, "alert");
  return translateDatabaseErrors(async () => {
    const episode = await context.db.alertEpisode.findUnique({ where: { id: episodeId } });
    if (!episode) throw new DomainError("not-found", "There is no alert with this id.");
    const [item = null] = await readNeeds(context, [episode], []);
    return { item };
  });
}

async function readNeeds(context: FleetContext, episodes: readonly Episode[], services: string[]): Promise<NeededRunbook[]> {
  const candidates = episodes.flatMap((episode) => [
    { scope: "alert" as const, group: kindOf(context, episode) ?? anyGroup, name: episode.name },
    { scope: "alert" as const, group: anyGroup, name: episode.name },
  ]);
  const ofServices = services.map(runbookOfService);
  const newest = await findNewest(context.db, [...candidates, ...ofServices]);
  const isWritten = (ref: RunbookRef) => newest.get(keyOf(ref))?.text != null;
  const needs = new Map<string, Need>();
  for (const episode of episodes) {
    const ref = runbookOfAlert(episode.name, kindOf(context, episode), isWritten);
    const service = serviceOf(episode);
    const key = `${keyOf(ref)} ${service}`;
    if (!needs.has(key)) needs.set(key, { ref, service, isFiring: episode.endsAt === null });
  }
  for (const [index, ref] of ofServices.entries()) {
    needs.set(keyOf(ref), { ref, service: services[index] ?? null, isFiring: false });
  }
  const all = await withDelivered(context, newest, [...needs.values()]);
  return all.filter(({ text }) => text !== null);
}

/** An alert of the only kind that delivers its runbook may have been edited under that kind, which was not asked for yet. */
async function withDelivered(
  context: FleetContext,
  known: Awaited<ReturnType<typeof findNewest>>,
  needs: readonly Need[],
): Promise<NeededRunbook[]> {
  const missing = needs.map(({ ref }) => ref).filter((ref) => !known.has(keyOf(ref)));
  const more = await findNewest(context.db, missing);
  return needs.map(({ ref, service, isFiring }) => {
    const newest = known.get(keyOf(ref)) ?? more.get(keyOf(ref)) ?? null;
    return { ...viewRunbook(ref, serviceKindOf(context, ref), newest), service, isFiring };
  });
}

function serviceOf({ namespace, service }: Episode): string | null {
  return namespace && service ? `${namespace}/${service}` : null;
}

/** The kind that an alert says it is of, else that of its service. */
function kindOf({ fleet }: FleetContext, episode: Episode): string | null {
  const { kind } = (episode.labels ?? {}) as { kind?: unknown };
  if (typeof kind === "string" && /^[a-z0-9-]{1,63}$/.test(kind)) return kind;
  const id = serviceOf(episode);
  return id === null ? null : (fleet.findService(id)?.service.kind ?? null);
}
