import type { Database } from "#lib/database/client.ts";
import { Prisma } from "#lib/database/generated/client.ts";
import { describeTransition } from "../../alerts/transition-texts.ts";
import { formatDuration } from "../../duration.ts";
import { describeMark, doneTo } from "../../ledger/queries.ts";
import type { NewTimelineRow } from "./timeline.ts";

/** From how long before the impact until how long after the resolution the timeline is written. */
export const sourceWindow = { beforeMinutes: 30, afterMinutes: 60 } as const;
/** Of each source with one look; the rest comes with the next. */
export const mostRows = 500;

/** A row with the incident that it belongs to; `linksAlert` is the alert that the row links to it. */
export type SourcedRow = NewTimelineRow & { incidentId: string; linksAlert?: string };

/*
 * What has not been written yet of the incidents that are followed, by what it is written from. Each query asks for all incidents at
 * once and leaves out what their timelines have, so that a pass that has nothing to do reads next to nothing. Within LATERAL and
 * OFFSET 0 each part is read by its own times, however long the history of a service is.
 */

type AlertRow = {
  incidentId: string;
  id: string;
  at: Date;
  kind: string;
  by: string;
  detail: Prisma.JsonValue;
  episodeId: string;
  name: string;
  severity: string;
  summary: string | null;
  namespace: string | null;
  service: string | null;
  startsAt: Date;
  endsAt: Date | null;
  meanwhile: boolean;
  links: boolean;
};

/**
 * What happened to alerts of an incident's services, and to those that are linked to it. Of one that fires while the incident goes on
 * the whole history is told, also from before the window, and it is linked, but not to an incident that was resolved while it
 * goes on firing: it may need one of its own.
 */
export async function findAlertRows(db: Database, now: Date): Promise<SourcedRow[]> {
  const rows = await db.$queryRaw<AlertRow[]>`
    WITH ${followedAt(now)}, episodes AS (
      SELECT incident_id, min(from_at) AS from_at, id FROM (
      SELECT followed.id AS incident_id, followed.from_at, episode.id
      FROM followed JOIN incident_services named ON named.incident_id = followed.id
        CROSS JOIN LATERAL (
          SELECT id FROM alert_episodes
          WHERE namespace = named.namespace AND service = named.service AND starts_at BETWEEN followed.from_at AND followed.until_at
          UNION ALL
          SELECT id FROM alert_episodes
          WHERE state = 'firing' AND starts_at < followed.from_at AND namespace = named.namespace AND service = named.service
          UNION ALL
          SELECT id FROM (SELECT * FROM alert_episodes WHERE ends_at >= followed.from_at OFFSET 0) ended
          WHERE starts_at < followed.from_at AND namespace = named.namespace AND service = named.service
          OFFSET 0
        ) episode
      UNION ALL
      SELECT followed.id, '-infinity', link.target_id
      FROM followed JOIN incident_links link ON link.incident_id = followed.id AND link.kind = 'alert'
      ) concerned GROUP BY incident_id, id
    )
    SELECT followed.id AS "incidentId", transition.id, transition.at, transition.kind, transition.by, transition.detail,
      episode.id AS "episodeId", episode.name, episode.severity, episode.annotations->>'summary' AS summary,
      episode.namespace, episode.service, episode.starts_at AS "startsAt", episode.ends_at AS "endsAt", episode.meanwhile,
      episode.meanwhile AND (followed.resolved_at IS NULL OR episode.ends_at IS NOT NULL) AS links
    FROM episodes JOIN followed ON followed.id = episodes.incident_id
      CROSS JOIN LATERAL (
        SELECT *, starts_at <= followed.over_at AND (ends_at IS NULL OR ends_at >= followed.impact_started_at) AS meanwhile
        FROM alert_episodes WHERE id = episodes.id OFFSET 0
      ) episode
      CROSS JOIN LATERAL (
        SELECT * FROM alert_transitions one
        WHERE one.episode_id = episode.id AND one.at <= followed.until_at AND (episode.meanwhile OR one.at >= episodes.from_at)
          AND NOT EXISTS (
            SELECT 1 FROM incident_events WHERE incident_id = followed.id AND source = 'alert-transition/' || one.id)
        OFFSET 0
      ) transition
    ORDER BY transition.at, transition.id LIMIT ${mostRows}`;
  return rows.map((row) => ({
    incidentId: row.incidentId,
    at: row.at,
    kind: "alert",
    message: describeAlert(row),
    by: row.by === "webhook" || row.by === "poll" ? "Alertmanager" : row.by,
    source: `alert-transition/${row.id}`,
    service: row.namespace && row.service ? { namespace: row.namespace, name: row.service } : null,
    detail: { alertId: row.episodeId, name: row.name, severity: row.severity, transition: row.kind },
    ...(row.links && (row.kind === "fired" || row.kind === "reopened") ? { linksAlert: row.episodeId } : {}),
  }));
}

function describeAlert(row: AlertRow): string {
  const { kind, name, severity, summary, startsAt, endsAt } = row;
  if (kind === "fired") return `${name} (${severity}) began to fire${summary ? `: ${summary}` : ""}.`.replace(/\.\.$/, ".");
  if (kind === "resolved" && endsAt) {
    return `${name} ended after ${formatDuration(endsAt.getTime() - startsAt.getTime())}.`;
  }
  return `${name}: ${describeTransition(row)}`;
}

type ActionRow = {
  incidentId: string;
  id: string;
  at: Date;
  actorKind: string;
  actor: string;
  verb: string;
  namespace: string;
  service: string;
  before: Prisma.JsonValue;
  after: Prisma.JsonValue;
  reason: string | null;
  outcome: "succeeded" | "failed";
  error: string | null;
  toRevision: number | null;
  rolloutId: string | null;
};

/** Changes that are neither a version nor a size, but what a service is told. */
const configVerbs: ReadonlySet<string> = new Set(["template", "edit", "config", "change-limits", "restore-limits"]);

/** What was done to an incident's services, through Switchyard or outside it. What was refused did nothing. */
export async function findActionRows(db: Database, now: Date): Promise<SourcedRow[]> {
  const rows = await db.$queryRaw<ActionRow[]>`
    WITH ${followedAt(now)}
    SELECT followed.id AS "incidentId", entry.id, entry.at, entry.actor_kind::text AS "actorKind", entry.actor_name AS actor,
      entry.verb, named.namespace, named.service, entry.before, entry.after, entry.reason, entry.outcome::text AS outcome,
      entry.error_message AS error, rollout.to_revision AS "toRevision", rollout.id AS "rolloutId"
    FROM followed JOIN incident_services named ON named.incident_id = followed.id
      CROSS JOIN LATERAL (
        SELECT * FROM (${doneTo(Prisma.sql`named.namespace`, Prisma.sql`named.service`)}) one
        WHERE at BETWEEN followed.from_at AND followed.until_at AND outcome IN ('succeeded', 'failed')
          AND NOT EXISTS (SELECT 1 FROM incident_events WHERE incident_id = followed.id AND source = 'audit/' || one.id)
        OFFSET 0
      ) entry
      LEFT JOIN rollouts rollout ON rollout.audit_entry_id = entry.id
    ORDER BY entry.at, entry.id LIMIT ${mostRows}`;
  return rows.map((row) => ({
    incidentId: row.incidentId,
    at: row.at,
    kind: configVerbs.has(row.verb) ? "config" : "action",
    message: describeAction(row),
    by: row.actor,
    source: `audit/${row.id}`,
    service: { namespace: row.namespace, name: row.service },
    detail: { auditId: row.id, verb: row.verb, actorKind: row.actorKind, rolloutId: row.rolloutId, outcome: row.outcome },
  }));
}

function describeAction(row: ActionRow): string {
  const { verb, before, after, toRevision, service, reason, outcome, error, actorKind } = row;
  const rollout = toRevision === null ? null : { id: "", state: "complete" as const, toRevision };
  const what = `${capitalise(verb)} of ${service}: ${describeMark({ verb, before, after, rollout })}`;
  const where = actorKind === "external" ? ", outside Switchyard" : "";
  const end = outcome === "failed" ? ` It failed: ${error ?? "nothing is known of why"}` : "";
  return `${what}${where}.${reason ? ` Reason: ${reason}` : ""}${end}`;
}

type RolloutRow = {
  incidentId: string;
  id: string;
  rolloutId: string;
  at: Date;
  kind: string;
  message: string;
  by: string;
  namespace: string;
  service: string;
};

/** What rollouts of an incident's services came to: of one with a strategy each of its events, of another its end. */
export async function findRolloutRows(db: Database, now: Date): Promise<SourcedRow[]> {
  const rows = await db.$queryRaw<RolloutRow[]>`
    WITH ${followedAt(now)}, concerned AS (
      SELECT followed.id AS incident_id, from_at, until_at, rollout.*
      FROM followed JOIN incident_services named ON named.incident_id = followed.id
        CROSS JOIN LATERAL (
          SELECT id, state, message, finished_at, strategy, namespace, service FROM rollouts
          WHERE namespace = named.namespace AND service = named.service
            AND started_at <= followed.until_at AND (finished_at IS NULL OR finished_at >= followed.from_at)
          OFFSET 0
        ) rollout
    ), found AS (
      SELECT incident_id, 'rollout-event/' || event.id AS source, concerned.id AS rollout_id, event.at, event.kind, event.message,
        event.by, namespace, service, from_at, until_at
      FROM concerned JOIN rollout_events event ON event.rollout_id = concerned.id
      WHERE NOT (event.kind = 'check' AND event.detail->>'state' = 'passed')
      UNION ALL
      SELECT incident_id, 'rollout/' || id || '/' || state, id, finished_at, state::text, message, 'Switchyard', namespace, service,
        from_at, until_at
      FROM concerned WHERE strategy IS NULL AND finished_at IS NOT NULL
    )
    SELECT incident_id AS "incidentId", source AS id, rollout_id AS "rolloutId", at, kind, message, by, namespace, service
    FROM found
    WHERE at BETWEEN from_at AND until_at
      AND NOT EXISTS (SELECT 1 FROM incident_events event WHERE event.incident_id = found.incident_id AND event.source = found.source)
    ORDER BY at, source LIMIT ${mostRows}`;
  return rows.map(({ incidentId, id, rolloutId, at, kind, message, by, namespace, service }) => ({
    incidentId,
    at,
    kind: "rollout",
    message: `Rollout of ${service}: ${message}`,
    by,
    source: id,
    service: { namespace, name: service },
    detail: { rolloutId, event: kind },
  }));
}

/** What of an incident was read, to the end of the time that is followed. */
export type Ended = { id: string; version: number };

/** The incidents that are followed though the time of their timelines is over: once more, and then no longer. */
export function listEnded(db: Database, now: Date): Promise<Ended[]> {
  return db.$queryRaw<Ended[]>`
    SELECT id, version FROM incidents
    WHERE timeline_version IS DISTINCT FROM version AND resolved_at <= ${now}::timestamptz - ${sourceWindow.afterMinutes} * interval '1 minute'`;
}

/** Follows these no longer, unless somebody has changed them since they were read. */
export async function stopFollowing(db: Database, ended: readonly Ended[]): Promise<void> {
  if (ended.length === 0) return;
  await db.$executeRaw`
    UPDATE incidents SET timeline_version = read.version
    FROM unnest(${ended.map(({ id }) => id)}::uuid[], ${ended.map(({ version }) => version)}::int[]) AS read (id, version)
    WHERE incidents.id = read.id AND incidents.version = read.version`;
}

/**
 * The incidents whose timelines are written, with from when until when, and until when they go on: all but those that
 * `stopFollowing` was told of and nobody has changed since.
 */
function followedAt(now: Date): Prisma.Sql {
  const before = `${sourceWindow.beforeMinutes} minutes`;
  const after = `${sourceWindow.afterMinutes} minutes`;
  return Prisma.sql`followed AS MATERIALIZED (
    SELECT id, impact_started_at, resolved_at, coalesce(resolved_at, ${now}) AS over_at,
      impact_started_at - ${before}::interval AS from_at, coalesce(resolved_at + ${after}::interval, ${now}) AS until_at
    FROM incidents WHERE timeline_version IS DISTINCT FROM version
  )`;
}

const capitalise = (word: string) => word.charAt(0).toUpperCase() + word.slice(1);
