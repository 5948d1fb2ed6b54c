import { authorise, type Context, translateDatabaseErrors } from "../context.ts";
import { parseId } from "../validation.ts";
import type { RelatedIncident, Severity } from "./schemas.ts";
import { noSuchIncident } from "./stored.ts";

const days = 180;
const most = 5;

type Row = {
  id: string;
  number: number;
  title: string;
  severity: string;
  at: Date;
  resolvedAt: Date | null;
  hasPostmortem: boolean;
  alerts: string[];
  services: string[];
};

/**
 * The incidents of the last 180 days before one that look like it: first those with the same alerts, then those of the same services, of
 * each the latest. What is linked already and drills are left out. Throws not-found.
 */
export async function listRelatedIncidents(context: Context, id: string): Promise<RelatedIncident[]> {
  authorise(context, "viewer", "see incidents");
  const incidentId = parseId(id, "incident");
  const rows = await translateDatabaseErrors(async () => {
    if ((await context.db.incident.count({ where: { id: incidentId } })) === 0) throw noSuchIncident();
    return context.db.$queryRaw<Row[]>`
      WITH own AS (SELECT * FROM incidents WHERE id = ${incidentId}::uuid),
        own_services AS (SELECT namespace, service FROM incident_services WHERE incident_id = ${incidentId}::uuid),
        own_alerts AS (
          SELECT DISTINCT episode.name FROM incident_links link JOIN alert_episodes episode ON episode.id = link.target_id
          WHERE link.incident_id = ${incidentId}::uuid AND link.kind = 'alert'
        ),
        candidates AS (
          SELECT incident.* FROM incidents incident, own
          WHERE incident.id IN (
              SELECT incident_id FROM incident_services WHERE (namespace, service) IN (SELECT namespace, service FROM own_services)
              UNION
              SELECT incident_id FROM incident_links link JOIN alert_episodes episode ON episode.id = link.target_id
              WHERE link.kind = 'alert' AND episode.name IN (SELECT name FROM own_alerts))
            AND incident.id <> own.id AND NOT incident.is_drill AND incident.impact_started_at <= own.impact_started_at
            AND incident.impact_started_at > own.impact_started_at - make_interval(days => ${days})
            AND NOT EXISTS (
              SELECT 1 FROM incident_links WHERE kind = 'incident'
                AND ((incident_id = own.id AND target_id = incident.id) OR (incident_id = incident.id AND target_id = own.id)))
        ),
        compared AS (
          SELECT id, number, title, severity, impact_started_at, resolved_at,
            ARRAY(
              SELECT DISTINCT episode.name FROM incident_links link JOIN alert_episodes episode ON episode.id = link.target_id
              WHERE link.incident_id = candidates.id AND link.kind = 'alert' AND episode.name IN (SELECT name FROM own_alerts)
              ORDER BY 1) AS alerts,
            ARRAY(
              SELECT namespace || '/' || service FROM incident_services
              WHERE incident_id = candidates.id AND (namespace, service) IN (SELECT namespace, service FROM own_services)
              ORDER BY 1) AS services
          FROM candidates
        )
      SELECT id, number, title, severity, impact_started_at AS at, resolved_at AS "resolvedAt", alerts, services,
        EXISTS (SELECT 1 FROM postmortems WHERE incident_id = compared.id AND state = 'published') AS "hasPostmortem"
      FROM compared
      ORDER BY least(cardinality(alerts), 1) + least(cardinality(services), 1) DESC, cardinality(alerts) DESC,
        impact_started_at DESC, id
      LIMIT ${most}`;
  });
  return rows.map(({ severity, at, resolvedAt, alerts, services, ...row }) => ({
    ...row,
    severity: severity as Severity,
    at: at.toISOString(),
    resolvedAt: resolvedAt?.toISOString() ?? null,
    why: [...alerts, ...services].join(", "),
  }));
}
