import { randomUUID } from "node:crypto";
import type { Database } from "#lib/database/client.ts";
import { Prisma } from "#lib/database/generated/client.ts";
import { rankActions } from "../../alerts/suspect-actions.ts";
import { type Actor, type Context, type Transaction, transact } from "../../context.ts";
import { describeAbout } from "../../fleet/about.ts";
import { findWorkload } from "../../fleet/fresh.ts";
import type { ServiceRef } from "../../fleet/schemas.ts";
import { describeMark } from "../../ledger/queries.ts";
import { announceIncident } from "../../notifications/announce.ts";
import { systemActor } from "../../users/commands.ts";
import type { LinkKind, Severity } from "../schemas.ts";
import { incidentParts, type StoredIncident } from "../stored.ts";
import { appendTimeline, type NewTimelineRow } from "../timeline/timeline.ts";
import { type Automation, readAutomation } from "./automation-settings.ts";
import { escalatesAfter, readEscalation } from "./escalation-settings.ts";
import { listOpenIncidentsOf, lockOpening, openIncident } from "./open.ts";

type RuleContext = Pick<Context, "db" | "kubernetes" | "clock" | "logger">;

/** Something that a rule opens an incident for. */
type Trigger = {
  /** It opens one incident, or joins one. */
  key: string;
  origin: "alert" | "rollout";
  link: { kind: LinkKind; targetId: string };
  severity: Severity;
  title: string;
  /** What happened, in a sentence. */
  why: string;
  service: ServiceRef | null;
  impactStartedAt: Date;
  detectedAt: Date;
  /** Of an alert that names no service: what makes two of its episodes the same alert. */
  alert: { sourceId: string; fingerprint: string } | null;
};

/** As rollouts name it where no person gave them up. */
const switchyard: Actor = { ...systemActor, name: "Switchyard" };
const most = 50;
/** What ended longer ago than this opens nothing any more: nobody looked, and it is history. */
const rolloutsWithinMs = 3_600_000;

/**
 * Opens an incident for each thing that a rule names and that has none yet; what concerns a service that has an open incident joins
 * that one. Once for each, however many controllers look however often. Returns how many were opened.
 */
export async function openByRules(context: RuleContext): Promise<number> {
  const { db, clock, logger } = context;
  const { opening } = await readAutomation(db);
  const triggers = [...(await findAlerts(db, opening)), ...(await findRollouts(db, opening, clock()))];
  let opened = 0;
  for (const trigger of triggers) {
    try {
      if (await openOrJoin(context, trigger)) opened += 1;
    } catch (error) {
      logger.warn({ err: error, for: trigger.key }, "a rule cannot open its incident now");
    }
  }
  return opened;
}

type AlertRow = {
  id: string;
  sourceId: string;
  fingerprint: string;
  name: string;
  severity: string;
  summary: string | null;
  namespace: string | null;
  service: string | null;
  startsAt: Date;
  firstReceivedAt: Date;
};

async function findAlerts(db: Database, { criticalAlerts, namedAlerts }: Automation["opening"]): Promise<Trigger[]> {
  const names = namedAlerts.isOn ? namedAlerts.names : [];
  const severities = criticalAlerts.isOn ? critical : [];
  if (names.length === 0 && severities.length === 0) return [];
  const rows = await db.$queryRaw<AlertRow[]>`
    SELECT found.id, source_id AS "sourceId", fingerprint, name, severity, annotations->>'summary' AS summary, namespace, service,
      starts_at AS "startsAt", first_received_at AS "firstReceivedAt"
    FROM alert_episodes found
    WHERE state = 'firing' AND coalesce(cardinality(silenced_by), 0) = 0 AND NOT inhibited
      AND (lower(severity) = ANY(${severities}::text[]) OR name = ANY(${names}::text[]))
      AND NOT EXISTS (SELECT 1 FROM incidents WHERE origin_key = 'alert/' || found.id)
      AND NOT EXISTS (SELECT 1 FROM incident_links WHERE kind = 'alert' AND target_id = found.id)
      AND NOT EXISTS (${joinedBefore(Prisma.sql`'alert/' || found.id`)})
    ORDER BY starts_at, found.id LIMIT ${most}`;
  return rows.map((row) => {
    const { id, name, severity, summary, namespace, service, startsAt, firstReceivedAt, sourceId, fingerprint } = row;
    const isCritical = severities.includes(severity.toLowerCase());
    return {
      key: `alert/${id}`,
      origin: "alert",
      link: { kind: "alert", targetId: id },
      severity: isCritical ? criticalAlerts.severity : namedAlerts.severity,
      title: shorten(summary ?? (service ? `${name} on ${service}` : name)),
      why: `The alert ${name} (${severity}) fires.`,
      service: namespace && service ? { namespace, name: service } : null,
      impactStartedAt: startsAt,
      detectedAt: firstReceivedAt,
      alert: { sourceId, fingerprint },
    };
  });
}

const critical: readonly string[] = ["critical", "page"];

type RolloutRow = {
  id: string;
  namespace: string;
  service: string;
  toVersion: string | null;
  state: string;
  message: string;
  startedAt: Date;
  endedAt: Date;
};

async function findRollouts(db: Database, { rollouts: rule }: Automation["opening"], now: Date): Promise<Trigger[]> {
  if (!rule.isOn) return [];
  const since = new Date(now.getTime() - rolloutsWithinMs);
  // One that failed and stays where it is waits for a person: its rollout is not over.
  const rows = await db.$queryRaw<RolloutRow[]>`
    WITH ended AS (
      SELECT rollout.id, namespace, service, to_version AS "toVersion", message, greatest(started_at, entry.at) AS "startedAt",
        CASE WHEN finished_at IS NULL THEN 'failed' ELSE state::text END AS state,
        coalesce(finished_at, (run->'hold'->>'since')::timestamptz) AS "endedAt"
      FROM rollouts rollout JOIN audit_entries entry ON entry.id = rollout.audit_entry_id
      WHERE (state = 'failed' AND finished_at >= ${since})
        OR (state = 'aborted' AND finished_at >= ${since} AND run->'abort'->>'by' = ${switchyard.name})
        OR (state IN ('progressing', 'paused') AND run->'hold'->>'cause' = 'failed')
    )
    SELECT * FROM ended found
    WHERE "endedAt" BETWEEN ${since} AND ${now}
      AND NOT EXISTS (SELECT 1 FROM incidents WHERE origin_key = ${endKey})
      AND NOT EXISTS (${joinedBefore(endKey)})
    ORDER BY "endedAt", id LIMIT ${most}`;
  return rows.map(({ id, namespace, service, toVersion, state, message, startedAt, endedAt }) => {
    const what = `The rollout of ${service}${toVersion ? ` to ${toVersion}` : ""} ${state === "aborted" ? "was aborted" : "failed"}`;
    return {
      key: keyOfEnd(id, endedAt),
      origin: "rollout",
      link: { kind: "rollout", targetId: id },
      severity: rule.severity,
      title: shorten(what),
      why: `${what}: ${message}`,
      service: { namespace, name: service },
      impactStartedAt: startedAt,
      detectedAt: endedAt,
      alert: null,
    };
  });
}

/** Each end of a rollout by itself, for one that was retried may be aborted again. */
const keyOfEnd = (id: string, endedAt: Date) => `rollout/${id}/${endedAt.getTime()}`;
const endKey = Prisma.sql`'rollout/' || id || '/' || round(extract(epoch FROM "endedAt") * 1000)::bigint`;

/** Whether an incident of the same service has been joined by it, also one that is resolved since. */
function joinedBefore(key: Prisma.Sql): Prisma.Sql {
  return Prisma.sql`
    SELECT 1 FROM incident_services concerned JOIN incident_events event
      ON event.incident_id = concerned.incident_id AND event.source = 'joined/' || ${key}
    WHERE concerned.namespace = found.namespace AND concerned.service = found.service`;
}

/** True when it opened one. */
async function openOrJoin(context: RuleContext, trigger: Trigger): Promise<boolean> {
  const suspect = await describeSuspect(context, trigger);
  return transact(context, async (transaction) => {
    await lockOpening(transaction);
    // Another controller may have been faster.
    if (await transaction.incident.findUnique({ where: { originKey: trigger.key }, select: { id: true } })) return false;
    const [open] = await listOpen(transaction, trigger);
    if (open) {
      await join(transaction, context, open, trigger);
      return false;
    }
    const { key, origin, link, severity, title, why, service, impactStartedAt, detectedAt } = trigger;
    const own = { actor: switchyard, clock: context.clock, requestId: randomUUID() };
    const { isNew } = await openIncident(transaction, own, {
      title,
      severity,
      origin,
      originKey: key,
      services: service ? [service] : [],
      impactStartedAt,
      impactStartSource: origin === "alert" ? "alert" : "unknown",
      detectedAt,
      links: [link],
      why: [why, suspect].filter(Boolean).join(" "),
    });
    return isNew;
  });
}

async function listOpen(transaction: Transaction, { service, alert }: Trigger): Promise<StoredIncident[]> {
  if (service) return listOpenIncidentsOf(transaction, [service]);
  if (!alert) return [];
  const episodes = await transaction.alertEpisode.findMany({
    where: alert,
    orderBy: { startsAt: "desc" },
    take: most,
    select: { id: true },
  });
  return transaction.incident.findMany({
    where: {
      resolvedAt: null,
      isDrill: false,
      links: { some: { kind: "alert", targetId: { in: episodes.map(({ id }) => id) } } },
    },
    orderBy: { openedAt: "desc" },
    include: incidentParts,
  });
}

/** What nobody has taken yet and no person judged has the higher severity of the two. */
async function join(transaction: Transaction, { clock }: RuleContext, open: StoredIncident, trigger: Trigger): Promise<void> {
  const now = clock();
  const { key, link, title, why, severity, service } = trigger;
  const by = switchyard.name;
  const isRaised =
    severity < open.severity && open.acknowledgedAt === null && open.origin !== "person" && open.origin !== "token";
  const rows: NewTimelineRow[] = [
    { at: now, kind: trigger.origin, message: `${why} It belongs to this incident.`, by, source: `joined/${key}`, service },
  ];
  if (isRaised) {
    const message = `The severity was raised from ${open.severity} to ${severity}: ${why}`;
    rows.push({
      at: now,
      kind: "changed",
      message,
      by,
      source: `raised/${key}`,
      service,
      detail: { before: open.severity, after: severity },
    });
  }
  const escalatesAt = isRaised ? escalatesAfter(await readEscalation(transaction), severity, now) : null;
  const written = await appendTimeline(transaction, open.id, rows, {
    now,
    ...(isRaised ? { data: { severity, escalatesAt } } : {}),
  });
  if (written === 0) return;
  await transaction.incidentLink.createMany({
    data: [{ ...link, incidentId: open.id, title, at: now, byName: by }],
    skipDuplicates: true,
  });
  if (!isRaised) return;
  const raised = await transaction.incident.findUniqueOrThrow({ where: { id: open.id }, include: incidentParts });
  await announceIncident(transaction, raised, { event: "incident-severity-changed", from: open.severity }, now);
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

function shorten(title: string): string {
  return title.length <= 200 ? title : `${title.slice(0, 199)}…`;
}
