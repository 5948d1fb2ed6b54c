import { z } from "zod";
import { Prisma } from "#lib/database/generated/client.ts";
import { authorise, type Context, translateDatabaseErrors } from "../context.ts";
import { parseInput } from "../validation.ts";
import { type EventKind, filterSchema, matches } from "./events.ts";
import type { FilterPreview } from "./schemas.ts";

const dayMs = 86_400_000;
const counted: EventKind[] = [
  "alert-fired",
  "alert-resolved",
  "rollout-failed",
  "rollout-aborted",
  "rollout-finished",
  "source-blind",
  "incident-opened",
  "incident-severity-changed",
  "incident-escalated",
  "incident-resolved",
  "status-update",
  "external-update",
  "postmortem-published",
];

type Group = {
  event: EventKind;
  severity: string | null;
  namespace: string | null;
  service: string | null;
  services: string[];
  count: number;
};

/** What a filter would have let pass in the last 24 hours, counted from what happened then. */
export async function previewFilter(context: Context, input: unknown): Promise<FilterPreview> {
  authorise(context, "viewer", "see what a filter matches");
  const { filter } = parseInput(z.object({ filter: filterSchema }), input);
  const groups = await countEvents(context);
  const byEvent = counted
    .filter((event) => filter.events.some((wanted) => wanted === event))
    .map((event) => {
      const of = groups.filter((group) => group.event === event);
      return { event, matched: sum(of.filter((group) => matches(filter, group))), total: sum(of) };
    });
  return {
    matched: byEvent.reduce((all, { matched }) => all + matched, 0),
    total: sum(groups),
    byEvent,
    uncounted: filter.events.filter((event) => !counted.includes(event)),
  };
}

function countEvents({ db, clock }: Context): Promise<Group[]> {
  const since = new Date(clock().getTime() - dayMs);
  return translateDatabaseErrors(
    () => db.$queryRaw<Group[]>`
      SELECT 'alert-fired' AS event, severity, namespace, service, '{}'::text[] AS services, count(*)::int AS count
      FROM alert_episodes WHERE starts_at >= ${since} GROUP BY 2, 3, 4
      UNION ALL
      SELECT 'alert-resolved', severity, namespace, service, '{}', count(*)::int
      FROM alert_episodes WHERE state = 'resolved' AND ends_at >= ${since} GROUP BY 2, 3, 4
      UNION ALL
      SELECT CASE state WHEN 'complete' THEN 'rollout-finished' ELSE 'rollout-' || state END, NULL, namespace, service, '{}',
        count(*)::int
      FROM rollouts WHERE state IN ('failed', 'aborted', 'complete') AND finished_at >= ${since} GROUP BY 1, 3, 4
      UNION ALL
      SELECT 'source-blind', NULL, NULL, NULL, '{}', count(*)::int FROM blind_windows WHERE began_at >= ${since}
      UNION ALL
      SELECT told.event, incident.severity, NULL, NULL,
        ARRAY(SELECT namespace || '/' || service FROM incident_services WHERE incident_id = incident.id), count(*)::int
      FROM (${toldOfIncidents(since)}) told JOIN incidents incident ON incident.id = told.incident_id GROUP BY 1, incident.id`,
  );
}

/** What was told of incidents, by their timelines; the severity is the present one. */
function toldOfIncidents(since: Date): Prisma.Sql {
  return Prisma.sql`
    SELECT 'incident-opened' AS event, id AS incident_id FROM incidents WHERE opened_at >= ${since}
    UNION ALL
    SELECT 'postmortem-published', incident_id FROM postmortems WHERE published_at >= ${since}
    UNION ALL
    SELECT CASE WHEN kind = 'escalated' THEN 'incident-escalated'
        WHEN kind = 'update' THEN CASE detail->>'audience' WHEN 'external' THEN 'external-update' ELSE 'status-update' END
        WHEN kind = 'step' THEN 'incident-resolved' ELSE 'incident-severity-changed' END, incident_id
    FROM incident_events
    WHERE recorded_at >= ${since} AND (kind IN ('escalated', 'update') OR (kind = 'step' AND detail->>'command' = 'resolve')
      OR (kind = 'changed' AND (detail->'before' ? 'severity' OR source LIKE 'raised/%')))`;
}

function sum(groups: readonly Group[]): number {
  return groups.reduce((all, { count }) => all + count, 0);
}
