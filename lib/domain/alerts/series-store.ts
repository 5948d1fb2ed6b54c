import type { Sql } from "#lib/database/pipeline.ts";
import type { EpisodeState } from "./policy.ts";

/** An alert of a source. */
export type SeriesKey = { sourceId: string; fingerprint: string };

/** The text by which maps know an alert; the open episode's unique key, too. */
export function keyOf({ sourceId, fingerprint }: SeriesKey): string {
  return `${sourceId}/${fingerprint}`;
}

/** An episode as it is stored, with what of it is told on. Times in milliseconds. */
export type StoredEpisode = {
  state: EpisodeState & { id: string };
  name: string;
  severity: string;
  namespace: string | null;
  service: string | null;
  annotations: Record<string, string>;
  lastReceivedAt: number;
  firstReceivedAt: number;
  silencedBy: string[];
  inhibited: boolean;
  /** When a poll last told whether anything hides it; null when nothing does, or no poll ever told. */
  polledAt: number | null;
  /** How often it fired again after an end that polls had inferred. */
  reopened: number;
};

// What is there is not changed (WHERE false) but locked all the same.
const holdSeries = {
  name: "hold-alert-series",
  text: `
    INSERT INTO alert_series AS s (source_id, fingerprint)
    SELECT source_id, fingerprint FROM json_to_recordset($1::json) AS k(source_id uuid, fingerprint text)
    ORDER BY source_id, fingerprint
    ON CONFLICT (source_id, fingerprint) DO UPDATE SET ends_at = s.ends_at WHERE false`,
};

// Episodes never overlap: beside those that began later, only the last one before can reach into that time.
const findEpisodes = {
  name: "find-alert-episodes",
  text: `
    SELECT e.id::text, e.source_id::text, e.fingerprint, e.closed_by, e.name, e.severity, e.namespace, e.service, e.annotations,
      (extract(epoch FROM e.starts_at) * 1000)::float8 AS starts,
      (extract(epoch FROM e.ends_at) * 1000)::float8 AS ends,
      (extract(epoch FROM e.resolved_starts_at) * 1000)::float8 AS resolved_starts,
      ARRAY(SELECT (extract(epoch FROM at) * 1000)::float8 FROM unnest(e.fired_starts) AS f(at) ORDER BY at) AS fired,
      (extract(epoch FROM e.last_received_at) * 1000)::float8 AS last_received,
      (extract(epoch FROM e.first_received_at) * 1000)::float8 AS first_received, e.silenced_by, e.inhibited,
      CASE WHEN e.inhibited OR cardinality(e.silenced_by) > 0 THEN (SELECT (extract(epoch FROM max(m.last_polled_at)) * 1000)::float8
        FROM alert_source_members m WHERE m.source_id = e.source_id) END AS polled,
      (SELECT count(*)::int FROM alert_transitions t WHERE t.episode_id = e.id AND t.kind = 'reopened') AS reopened
    FROM json_to_recordset($1::json) AS k(source_id uuid, fingerprint text, since timestamptz)
    JOIN alert_episodes e ON e.source_id = k.source_id AND e.fingerprint = k.fingerprint AND e.starts_at >= coalesce(
      (SELECT max(p.starts_at) FROM alert_episodes p
       WHERE p.source_id = k.source_id AND p.fingerprint = k.fingerprint AND p.starts_at <= k.since), k.since)
    ORDER BY e.starts_at`,
};

type EpisodeRow = {
  id: string;
  source_id: string;
  fingerprint: string;
  starts: number;
  ends: number | null;
  resolved_starts: number | null;
  fired: number[];
  closed_by: string | null;
  name: string;
  severity: string;
  namespace: string | null;
  service: string | null;
  annotations: Record<string, string>;
  last_received: number;
  first_received: number;
  silenced_by: string[] | null;
  inhibited: boolean;
  polled: number | null;
  reopened: number;
};

/**
 * Makes the rows of alerts that are new and locks all of them until the end of the transaction, in the order of their keys: two
 * transactions that want some of the same never wait for each other in a circle. Resolves to the alerts' episodes that had not ended
 * before `since` (milliseconds), in time order, by the alert's key.
 */
export async function lockSeries(
  sql: Sql,
  wanted: readonly (SeriesKey & { since: number })[],
): Promise<Map<string, StoredEpisode[]>> {
  const keys = JSON.stringify(
    wanted.map(({ sourceId, fingerprint, since }) => ({
      source_id: sourceId,
      fingerprint,
      since: new Date(since).toISOString(),
    })),
  );
  // Two statements: the second sees what was committed while the first waited.
  const [, rows] = await Promise.all([sql(holdSeries, [keys]), sql<EpisodeRow>(findEpisodes, [keys])]);
  const found = Map.groupBy(rows, ({ source_id, fingerprint }) => keyOf({ sourceId: source_id, fingerprint }));
  return new Map([...found].map(([key, group]) => [key, group.map(toEpisode)]));
}

function toEpisode(row: EpisodeRow): StoredEpisode {
  const { id, starts, ends, resolved_starts: resolvedStarts, closed_by: closedBy } = row;
  const isGone = ends !== null && closedBy === "poll";
  const cover = ends === null || isGone ? null : { startsAt: resolvedStarts ?? starts, endsAt: ends };
  return {
    state: {
      id,
      cover,
      goneAt: isGone ? ends : null,
      firedAts: cover || row.fired.length > 0 ? row.fired : [starts],
    },
    name: row.name,
    severity: row.severity,
    namespace: row.namespace,
    service: row.service,
    annotations: row.annotations,
    lastReceivedAt: row.last_received,
    firstReceivedAt: row.first_received,
    silencedBy: row.silenced_by ?? [],
    inhibited: row.inhibited,
    polledAt: row.polled,
    reopened: row.reopened,
  };
}
