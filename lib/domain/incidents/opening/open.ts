import { toJson } from "#lib/database/storable.ts";
import { makeUuid } from "#lib/database/uuid.ts";
import { writeAudit } from "../../audit.ts";
import type { Context, Transaction } from "../../context.ts";
import { formatDuration } from "../../duration.ts";
import type { ServiceRef } from "../../fleet/schemas.ts";
import { type Keyed, notKeyed } from "../../idempotency.ts";
import { announceIncident } from "../../notifications/announce.ts";
import type { ImpactStartSource } from "../clock.ts";
import { incidentName } from "../incident-name.ts";
import { linkRows } from "../link-targets.ts";
import type { LinkKind, Origin, Severity } from "../schemas.ts";
import { incidentParts, type StoredIncident } from "../stored.ts";
import { insertRows } from "../timeline/timeline.ts";
import { answerFor, auditedAs } from "../write.ts";
import { escalatesAfter, readEscalation } from "./escalation-settings.ts";

/** What an incident begins with. */
export type NewIncident = {
  title: string;
  severity: Severity;
  origin: Origin;
  /** "alert/ID", "rollout/ID": it opens an incident once; null when a person reports it. */
  trigger: string | null;
  services: readonly ServiceRef[];
  impactStartedAt: Date;
  impactStartSource: ImpactStartSource;
  detectedAt: Date;
  isDrill?: boolean;
  links?: readonly { kind: LinkKind; targetId: string }[];
  /** Why, in a sentence; of a person none. */
  why?: string;
};

type Opened = { incident: StoredIncident; isNew: boolean };

/**
 * Lets nobody else open an incident until the transaction ends, so that what was looked for before is still true. Take it before any
 * incident is locked.
 */
export async function lockOpening(transaction: Transaction): Promise<void> {
  await transaction.$executeRaw`SELECT pg_advisory_xact_lock(hashtext('incidents.open'))`;
}

/** The open incidents of any of the services, the latest first; drills are among drills only. */
export function listOpenIncidentsOf(
  transaction: Transaction,
  services: readonly ServiceRef[],
  { isDrill = false }: { isDrill?: boolean } = {},
): Promise<StoredIncident[]> {
  if (services.length === 0) return Promise.resolve([]);
  return transaction.incident.findMany({
    where: {
      resolvedAt: null,
      isDrill,
      services: { some: { OR: services.map(({ namespace, name }) => ({ namespace, service: name })) } },
    },
    orderBy: [{ impactStartedAt: "desc" }, { id: "desc" }],
    include: incidentParts,
  });
}

/**
 * Opens an incident in a transaction, with its first row of the timeline, its audit entry and its announcement; what has opened one
 * before gets that one. Times that are out of order give way to the later ones.
 */
export async function openIncident(
  transaction: Transaction,
  context: Pick<Context, "actor" | "clock" | "requestId">,
  input: NewIncident,
  keyed: Keyed = notKeyed,
): Promise<Opened> {
  await lockOpening(transaction);
  const earlier = input.trigger && (await findTriggered(transaction, input.trigger));
  if (earlier) return { incident: earlier, isNew: false };
  const now = context.clock();
  const incident = await create(transaction, context, input, now);
  const { name: by } = context.actor;
  await insertRows(
    transaction,
    incident.id,
    [
      {
        at: now,
        kind: "opened",
        message: describeOpening(incident, by, input.why),
        by,
        source: "opened",
        service: input.services[0],
      },
    ],
    { version: incident.version, now },
  );
  await writeAudit(transaction, context, {
    ...auditedAs(incident),
    ...keyed,
    verb: "report",
    after: toJson({ ...input, ...answerFor(keyed, openedAnswer(incident)) }),
    outcome: "succeeded",
  });
  await announceIncident(transaction, incident, { event: "incident-opened", by }, now);
  return { incident, isNew: true };
}

/** The incident that a trigger has opened or joined; null while there is none. */
export async function findTriggered(transaction: Transaction, key: string): Promise<StoredIncident | null> {
  const row = await transaction.incidentTrigger.findUnique({ where: { key }, select: { incident: { include: incidentParts } } });
  return row?.incident ?? null;
}

/** The answer to the one who reported it. */
export function openedAnswer(incident: StoredIncident) {
  return { message: `${incidentName(incident)} is open.`, version: incident.version };
}

async function create(
  transaction: Transaction,
  { actor }: Pick<Context, "actor">,
  input: NewIncident,
  now: Date,
): Promise<StoredIncident> {
  const { title, severity, origin, trigger, services, isDrill = false, links = [] } = input;
  const detectedAt = new Date(Math.min(input.detectedAt.getTime(), now.getTime()));
  const impactStartedAt = new Date(Math.min(input.impactStartedAt.getTime(), detectedAt.getTime()));
  const linked = await linkRows(transaction, links);
  return transaction.incident.create({
    data: {
      id: makeUuid(),
      title,
      severity,
      step: "detect",
      origin,
      isDrill,
      openedAt: now,
      openedByName: actor.name,
      impactStartedAt,
      impactStartSource: input.impactStartSource,
      detectedAt,
      escalatesAt: escalatesAfter(await readEscalation(transaction), severity, now),
      version: 1,
      triggers: { create: trigger === null ? [] : [{ key: trigger, at: now }] },
      services: { create: distinct(services).map(({ namespace, name }) => ({ namespace, service: name })) },
      links: { create: linked.map((link) => ({ ...link, at: now, byName: actor.name })) },
    },
    include: incidentParts,
  });
}

/** The same service once. */
export function distinct(services: readonly ServiceRef[]): ServiceRef[] {
  return [...new Map(services.map(({ namespace, name }) => [`${namespace}/${name}`, { namespace, name }])).values()];
}

function describeOpening(incident: StoredIncident, by: string, why?: string): string {
  const { severity, isDrill, impactStartedAt, impactStartSource, detectedAt } = incident;
  const ttd = detectedAt.getTime() - impactStartedAt.getTime();
  // An alert starts later than the impact, whose start the watch measures.
  const since =
    ttd > 0 && impactStartSource === "reported" ? ` The impact began ${formatDuration(ttd)} before it was detected.` : "";
  return `${isDrill ? "Drill opened" : "Opened"} as ${severity} by ${by}.${why ? ` ${why}` : ""}${since}`;
}
