import type { Prisma } from "#lib/database/generated/client.ts";
import type { Transaction } from "../context.ts";
import { DomainError } from "../errors.ts";
import { type Clock, figuresOf, type ImpactStartSource } from "./clock.ts";
import type { Standing } from "./progress.ts";
import { type IncidentView, type Origin, requiresPostmortem, type Severity } from "./schemas.ts";

/** What of an incident every list and every command reads. */
export const incidentParts = {
  services: { orderBy: [{ namespace: "asc" }, { service: "asc" }] },
  people: { orderBy: [{ joinedAt: "asc" }, { name: "asc" }] },
  postmortem: { select: { state: true } },
} as const satisfies Prisma.IncidentInclude;

export type StoredIncident = Prisma.IncidentGetPayload<{ include: typeof incidentParts }>;

/** Reads an incident for a change: nobody else changes it until the transaction ends. Throws not-found. */
export async function lockIncident(transaction: Transaction, id: string): Promise<StoredIncident> {
  await transaction.$executeRaw`SELECT 1 FROM incidents WHERE id = ${id}::uuid FOR UPDATE`;
  const row = await transaction.incident.findUnique({ where: { id }, include: incidentParts });
  if (!row) throw noSuchIncident();
  return row;
}

export function noSuchIncident(): DomainError {
  return new DomainError("not-found", "There is no incident with this id.");
}

/** Its times as texts. */
export function clockOf(row: Pick<StoredIncident, keyof Clock>): Clock {
  return {
    impactStartedAt: row.impactStartedAt.toISOString(),
    impactStartSource: row.impactStartSource as ImpactStartSource,
    detectedAt: row.detectedAt.toISOString(),
    acknowledgedAt: row.acknowledgedAt?.toISOString() ?? null,
    mitigatedAt: row.mitigatedAt?.toISOString() ?? null,
    resolvedAt: row.resolvedAt?.toISOString() ?? null,
  };
}

/** Its times as columns take them. */
export function clockColumns(clock: Clock) {
  const { impactStartSource, acknowledgedAt, mitigatedAt, resolvedAt } = clock;
  return {
    impactStartedAt: new Date(clock.impactStartedAt),
    impactStartSource,
    detectedAt: new Date(clock.detectedAt),
    acknowledgedAt: acknowledgedAt === null ? null : new Date(acknowledgedAt),
    mitigatedAt: mitigatedAt === null ? null : new Date(mitigatedAt),
    resolvedAt: resolvedAt === null ? null : new Date(resolvedAt),
  };
}

/** Whether a postmortem has to be published that is not yet. */
export function needsPostmortem({
  postmortem,
  ...incident
}: Pick<StoredIncident, "severity" | "isDrill" | "postmortem">): boolean {
  return requiresPostmortem(incident) && postmortem?.state !== "published";
}

export function standingOf(row: StoredIncident): Standing {
  return { step: row.step as Standing["step"], clock: clockOf(row), needsPostmortem: needsPostmortem(row) };
}

/** Who commands now; null when nobody does. */
export function commanderOf({ people }: Pick<StoredIncident, "people">): string | null {
  return people.find(({ role, leftAt }) => role === "commander" && leftAt === null)?.name ?? null;
}

/** A row as lists show it. */
export function viewIncident(row: StoredIncident): IncidentView {
  const { id, number, title, isDrill, services, openedByName, escalatesAt } = row;
  const clock = clockOf(row);
  return {
    id,
    number,
    title,
    severity: row.severity as Severity,
    step: row.step as IncidentView["step"],
    origin: row.origin as Origin,
    isDrill,
    services: services.map(({ namespace, service }) => ({ namespace, name: service })),
    clock,
    figures: figuresOf(clock),
    commander: commanderOf(row),
    openedBy: openedByName,
    escalatesAt: escalatesAt?.toISOString() ?? null,
    needsPostmortem: needsPostmortem(row),
  };
}
