import type { Database } from "#lib/database/client.ts";
import { makeUuid } from "#lib/database/uuid.ts";
import type { Suspect } from "../alerts/schemas.ts";
import { rankActions, suspectedServices } from "../alerts/suspect-actions.ts";
import type { ConsoleContext, Transaction } from "../context.ts";
import { formatDuration } from "../duration.ts";
import type { ServiceFigures, ServiceRef } from "../fleet/schemas.ts";
import { describeMark } from "../ledger/queries.ts";
import type { IncidentSuspect } from "./schemas.ts";

const maxSuspects = 10;

/** What is suspected: when its impact began and was noticed, and its services, each with those that it needs as namespace/name. */
export type SuspectedIncident = {
  impactStartedAt: Date;
  /** Left out: at once. */
  detectedAt?: Date;
  services: readonly (ServiceRef & { dependsOn: readonly string[] })[];
};

/** The services of an incident with what each needs, as the live fleet knows it. */
export function withDependencies(fleet: ConsoleContext["fleet"], services: readonly ServiceRef[]): SuspectedIncident["services"] {
  return services.map(({ namespace, name }) => {
    const [, ...dependsOn] = suspectedServices(fleet, { namespace, service: name });
    return { namespace, name, dependsOn };
  });
}

/**
 * The changes of the 30 minutes before an incident's impact on its services and on what these need, the closest first, each once and
 * with what it changed and what was measured before it and after it had settled, unless another change came between. Then those between the impact's start and its detection: what was a
 * little bad before may have been made worse by them.
 */
export async function listIncidentSuspects(
  db: Database | Transaction,
  { impactStartedAt, detectedAt = impactStartedAt, services }: SuspectedIncident,
): Promise<IncidentSuspect[]> {
  const askedAt = (startsAt: Date) =>
    services.map(({ namespace, name, dependsOn }) => ({
      id: makeUuid(),
      startsAt,
      services: [`${namespace}/${name}`, ...dependsOn],
    }));
  const [before, until] = [askedAt(impactStartedAt), detectedAt > impactStartedAt ? askedAt(detectedAt) : []];
  const found = await rankActions(db, [...before, ...until]);
  const of = (asked: typeof before) => pickSuspects(asked.map(({ id }) => found.get(id) ?? []));
  const later = of(until).flatMap((suspect) => afterImpact(suspect, impactStartedAt) ?? []);
  const suspects = [...of(before), ...later].slice(0, maxSuspects);
  const entries = await db.auditEntry.findMany({
    where: { id: { in: suspects.map(({ auditId }) => auditId) } },
    include: { rollout: true, measure: true },
  });
  const byId = new Map(entries.map((entry) => [entry.id, entry]));
  const changes = await listChanges(db, entries);
  return suspects.map((suspect) => {
    const entry = byId.get(suspect.auditId);
    const measure = entry?.measure ?? null;
    const isLast = !changes.some(
      ({ at, service }) =>
        service === suspect.service && at > new Date(suspect.at) && measure?.afterAt != null && at <= measure.afterAt,
    );
    return {
      ...suspect,
      change: entry ? describeMark(entry) : "",
      before: (measure?.before ?? null) as ServiceFigures | null,
      after: isLast ? ((measure?.after ?? null) as ServiceFigures | null) : null,
    };
  });
}

type Measured = { at: Date; targetNamespace: string | null; targetName: string; measure: { afterAt: Date | null } | null };

/** All changes of the services of some until the last of these was measured: what it measured may be the work of one of them. */
async function listChanges(db: Database | Transaction, entries: readonly Measured[]): Promise<{ at: Date; service: string }[]> {
  const first = Math.min(...entries.map(({ at }) => at.getTime()));
  const last = Math.max(...entries.map(({ measure }) => measure?.afterAt?.getTime() ?? 0));
  if (last <= first) return [];
  const rows = await db.auditEntry.findMany({
    where: {
      targetKind: "service",
      outcome: "succeeded",
      at: { gt: new Date(first), lte: new Date(last) },
      OR: entries.map(({ targetNamespace, targetName }) => ({ targetNamespace, targetName })),
    },
    select: { at: true, targetNamespace: true, targetName: true },
  });
  return rows.map(({ at, targetNamespace, targetName }) => ({ at, service: `${targetNamespace}/${targetName}` }));
}

/** A change after the impact began, said so; null for one before. */
function afterImpact(suspect: Suspect, impactStartedAt: Date): Suspect | null {
  const lateMs = Date.parse(suspect.at) - impactStartedAt.getTime();
  if (lateMs <= 0) return null;
  const name = suspect.service.split("/").at(-1);
  const where = suspect.relation === "same-service" ? `on ${name} itself` : `on ${name}, which it needs`;
  return { ...suspect, secondsBefore: 0, closeness: `${formatDuration(lateMs)} after the impact began, ${where}` };
}

/** Of one service as they are ranked; of several the changes of their own before those of what they need. */
function pickSuspects(found: readonly Suspect[][]): Suspect[] {
  const [first = []] = found;
  if (found.length < 2) return first.slice(0, maxSuspects);
  const isOther = ({ relation }: Suspect) => (relation === "same-service" ? 0 : 1);
  const all = found.flat().toSorted((a, b) => isOther(a) - isOther(b) || a.secondsBefore - b.secondsBefore);
  return all.filter(({ auditId }, index) => all.findIndex((one) => one.auditId === auditId) === index).slice(0, maxSuspects);
}
