import { randomUUID } from "node:crypto";
import type { Drill } from "#lib/database/generated/client.ts";
import { rankActions } from "../../alerts/suspect-actions.ts";
import { writeAudit } from "../../audit.ts";
import { type Context, type Transaction, transact } from "../../context.ts";
import { describeAbout } from "../../fleet/about.ts";
import { findWorkload } from "../../fleet/fresh.ts";
import { describeMark } from "../../ledger/queries.ts";
import { announceIncident } from "../../notifications/announce.ts";
import { findDrillOf, openDrillIncident } from "../../recovery/drills/incident.ts";
import { incidentName } from "../incident-name.ts";
import { indicatorBehind } from "../recovery/indicators.ts";
import { incidentParts, type StoredIncident } from "../stored.ts";
import { switchyard } from "../switchyard.ts";
import { appendTimeline, type NewTimelineRow } from "../timeline/timeline.ts";
import { auditedAs } from "../write.ts";
import { type Aftermath, aftermathSource, findAftermath, listCounted } from "./aftermath.ts";
import { readAutomation } from "./automation-settings.ts";
import { escalatesAfter, readEscalation } from "./escalation-settings.ts";
import { placeTrigger } from "./joining.ts";
import { findTriggered, listOpenIncidentsOf, lockOpening, openIncident } from "./open.ts";
import { findTriggers, type Trigger } from "./triggers.ts";

type RuleContext = Pick<Context, "db" | "kubernetes" | "clock" | "logger">;

/** Of an alert that names no service: in so many of its last episodes an open incident is looked for. */
const mostEpisodes = 50;

/**
 * Opens an incident for each thing that a rule names, or lets it join an open one of its service (joining.ts). Once for each, however
 * many controllers look however often. `since` is when this one began to look. Returns how many were opened.
 */
export async function openByRules(context: RuleContext, since: Date): Promise<number> {
  const { db, clock, logger } = context;
  const { opening } = await readAutomation(db);
  let opened = 0;
  for (const trigger of await findTriggers(db, opening, { now: clock(), since })) {
    try {
      if (await openOrJoin(context, trigger)) opened += 1;
    } catch (error) {
      logger.warn({ err: error, for: trigger.key }, "a rule cannot open its incident now");
    }
  }
  return opened;
}

/** True when it opened one. */
async function openOrJoin(context: RuleContext, trigger: Trigger): Promise<boolean> {
  const aftermath = await findAftermath(context.db, trigger, context.clock());
  if (aftermath) {
    await hold(context, trigger, aftermath);
    return false;
  }
  const suspect = await describeSuspect(context, trigger);
  return transact(context, async (transaction) => {
    await lockOpening(transaction);
    // Another controller may have been faster.
    if (await findTriggered(transaction, trigger.key)) return false;
    if (await leaveToDrill(transaction, context, trigger)) return false;
    const counting = await listCounted(transaction, trigger, context.clock());
    const place = placeTrigger(trigger.severity, await lockOpen(transaction, trigger), counting);
    if (place.kind === "joins") {
      await join(transaction, context, place, trigger);
      return false;
    }
    await open(transaction, context, { trigger, suspect, related: place.related });
    return true;
  });
}

/** It opens nothing for now: that is said once where it belongs, and looked at again with the next look. */
async function hold(context: RuleContext, trigger: Trigger, { incidentId, message }: Aftermath): Promise<void> {
  const source = aftermathSource(trigger);
  if (await context.db.incidentEvent.findUnique({ where: { incidentId_source: { incidentId, source } } })) return;
  await transact(context, async (transaction) => {
    await lockOpening(transaction);
    if ((await findTriggered(transaction, trigger.key)) || (await leaveToDrill(transaction, context, trigger))) return;
    const now = context.clock();
    const row = { at: now, kind: "alert", message, by: switchyard.name, source, service: trigger.service } as const;
    await appendTimeline(transaction, incidentId, [row], { now });
  });
}

async function wasHeld(transaction: Transaction, trigger: Trigger): Promise<boolean> {
  if (!trigger.service) return false;
  const { namespace, name: service } = trigger.service;
  const incident = { services: { some: { namespace, service } } };
  return (await transaction.incidentEvent.count({ where: { source: aftermathSource(trigger), incident } })) > 0;
}

/** What came of a drill's fault belongs to the drill's own incident. */
async function leaveToDrill(transaction: Transaction, context: RuleContext, trigger: Trigger): Promise<boolean> {
  const { key, link, service, severity, impactStartedAt, detectedAt, why } = trigger;
  const drill = service && link.kind === "alert" ? await findDrillOf(transaction, service, impactStartedAt) : null;
  if (!drill || isLossAfter(drill, trigger)) return false;
  const evidence = { episodes: [link.targetId], impactStartedAt, detectedAt, why, severity };
  const incidentId = await openDrillIncident(transaction, ownContext(context), drill, evidence);
  await transaction.incidentTrigger.create({ data: { key, incidentId, at: context.clock() } });
  return true;
}

/** Data that are lost after a drill that has lost none are a real incident's, however soon it is. */
function isLossAfter({ finishedAt, lostWrites }: Drill, { alertName, impactStartedAt }: Trigger): boolean {
  const isLoss = alertName !== null && indicatorBehind(alertName) === "data-loss";
  return isLoss && finishedAt !== null && impactStartedAt > finishedAt && lostWrites === 0;
}

/** The open incidents of its service as they are, the latest first: nobody changes them until the transaction ends. */
async function lockOpen(transaction: Transaction, trigger: Trigger): Promise<StoredIncident[]> {
  const found = await listOpen(transaction, trigger);
  if (found.length === 0) return [];
  const ids = found.map(({ id }) => id);
  await transaction.$executeRaw`SELECT 1 FROM incidents WHERE id = ANY(${ids}::uuid[]) ORDER BY id FOR UPDATE`;
  return listOpen(transaction, trigger);
}

async function listOpen(transaction: Transaction, { service, alert }: Trigger): Promise<StoredIncident[]> {
  if (service) return listOpenIncidentsOf(transaction, [service]);
  if (!alert) return [];
  const episodes = await transaction.alertEpisode.findMany({
    where: alert,
    orderBy: { startsAt: "desc" },
    take: mostEpisodes,
    select: { id: true },
  });
  return transaction.incident.findMany({
    where: {
      resolvedAt: null,
      isDrill: false,
      links: { some: { kind: "alert", targetId: { in: episodes.map(({ id }) => id) } } },
    },
    orderBy: [{ impactStartedAt: "desc" }, { id: "desc" }],
    include: incidentParts,
  });
}

const ownContext = ({ clock }: RuleContext) => ({ actor: switchyard, clock, requestId: randomUUID() });

type Opening = { trigger: Trigger; suspect: string | null; related: readonly StoredIncident[] };

async function open(transaction: Transaction, context: RuleContext, { trigger, suspect, related }: Opening): Promise<void> {
  const { key, origin, link, severity, title, why, service } = trigger;
  const now = context.clock();
  // What it counted until now was told elsewhere; its own harm has begun at some time since.
  const isLate = await wasHeld(transaction, trigger);
  const { impactStartedAt, detectedAt } = isLate ? { impactStartedAt: now, detectedAt: now } : trigger;
  const late = isLate ? "It was taken for what is left of an earlier incident until now." : null;
  const names = related.map((other) => `${incidentName(other)} (${other.severity})`).join(", ");
  const beside = related.length > 0 ? `It is more severe than what people take ${names} of the same service for.` : null;
  const { incident } = await openIncident(transaction, ownContext(context), {
    title,
    severity,
    origin,
    trigger: key,
    services: service ? [service] : [],
    impactStartedAt,
    impactStartSource: link.kind === "alert" && !isLate ? "alert" : "unknown",
    detectedAt,
    links: [link, ...related.map(({ id }) => ({ kind: "incident" as const, targetId: id }))],
    why: [why, late, beside, suspect].filter(Boolean).join(" "),
  });
  for (const other of related) {
    const message = `${incidentName(incident)} (${severity}) was opened for the same service: ${why}`;
    const row = { at: now, kind: "changed", message, by: switchyard.name, source: `beside/${key}`, service } as const;
    await appendTimeline(transaction, other.id, [row], { now });
  }
}

type Joining = { incident: StoredIncident; isRaised: boolean };

async function join(transaction: Transaction, context: RuleContext, { incident, isRaised }: Joining, trigger: Trigger) {
  const now = context.clock();
  const { key, link, title, why, severity, service } = trigger;
  const by = switchyard.name;
  const { id: incidentId, severity: from } = incident;
  const lesser = severity < from && !isRaised ? ` By itself it would be a ${severity}: raise this one if it is that bad.` : "";
  const joined = `${why} It belongs to this incident.${lesser}`;
  const rows: NewTimelineRow[] = [{ at: now, kind: link.kind, message: joined, by, source: `joined/${key}`, service }];
  if (isRaised) {
    const message = `The severity was raised from ${from} to ${severity}: ${why}`;
    const detail = { before: { severity: from }, after: { severity } };
    rows.push({ at: now, kind: "changed", message, by, source: `raised/${key}`, service, detail });
  }
  const escalatesAt = isRaised ? escalatesAfter(await readEscalation(transaction), severity, now) : null;
  await appendTimeline(transaction, incidentId, rows, { now, ...(isRaised && { data: { severity, escalatesAt } }) });
  await transaction.incidentTrigger.create({ data: { key, incidentId, at: now } });
  await transaction.incidentLink.createMany({
    data: [{ ...link, incidentId, title, at: now, byName: by }],
    skipDuplicates: true,
  });
  if (!isRaised) return;
  const raised = await transaction.incident.findUniqueOrThrow({ where: { id: incidentId }, include: incidentParts });
  await writeAudit(transaction, ownContext(context), {
    ...auditedAs(raised),
    verb: "change",
    before: { severity: from },
    after: { severity },
    reason: why,
    outcome: "succeeded",
  });
  await announceIncident(transaction, raised, { event: "incident-severity-changed", from }, now);
}

/** The likeliest cause among what was changed just before, in a sentence; null when there is none. */
async function describeSuspect({ db, kubernetes }: RuleContext, { service, impactStartedAt }: Trigger): Promise<string | null> {
  if (!service) return null;
  const id = randomUUID();
  const workload = await findWorkload(kubernetes, service).catch(() => null);
  const services = [`${service.namespace}/${service.name}`, ...(workload ? describeAbout(workload).dependsOn : [])];
  const found = await rankActions(db, [{ id, startsAt: impactStartedAt, services }]);
  const suspect = found.get(id)?.[0];
  if (!suspect) return null;
  const entry = await db.auditEntry.findUnique({
    where: { id: suspect.auditId },
    select: { verb: true, before: true, after: true },
  });
  const what = entry ? `${suspect.verb} (${describeMark(entry)})` : suspect.verb;
  return `First suspect: ${what} by ${suspect.actor}, ${suspect.closeness}.`;
}
