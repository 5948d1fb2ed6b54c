import type { Statement } from "#lib/database/pipeline.ts";

/**
 * Statements that write any number of rows at once. Each takes its rows as one JSON parameter with the columns' names: a parameter for each
 * value would end at 65,535 of them.
 */

/** Columns of alert_episodes; an update takes those that change. */
export type EpisodeRow = Record<string, unknown> & { id: string; open_key: string | null };

export type TransitionRow = {
  id: string;
  episode_id: string;
  at: string;
  recorded_at: string;
  kind: string;
  by: string;
  detail: unknown;
};

export type SuppressionRow = { id: string; silenced_by: string[]; inhibited: boolean };

export type RefreshRow = {
  id: string;
  source_id: string;
  fingerprint: string;
  search_text: string;
  annotations: Record<string, string>;
  generator_url: string | null;
  received_at: string;
};

/** What an alert's row says of its newest episode; labels and search_text are null when they stay. */
export type SeriesRow = {
  source_id: string;
  fingerprint: string;
  open_episode_id: string | null;
  starts_at: string;
  ends_at: string | null;
  labels: Record<string, string> | null;
  search_text: string | null;
};

/** Frees the unique keys of open episodes that are about to become part of others. */
export const freeOpenKeys: Statement = {
  name: "free-open-keys",
  text: `
    UPDATE alert_episodes e SET open_key = NULL
    FROM json_to_recordset($1::json) AS r(id uuid)
    WHERE e.id = r.id`,
};

/** Gives episodes' transitions to the ones that they are part of. */
export const moveTransitions: Statement = {
  name: "move-alert-transitions",
  text: `
    UPDATE alert_transitions t SET episode_id = r."into"
    FROM json_to_recordset($1::json) AS r(id uuid, "into" uuid)
    WHERE t.episode_id = r.id`,
};

/** An acknowledgement stays with the episode that lives on. */
export const keepAcknowledgements: Statement = {
  name: "keep-acknowledgements",
  text: `
    UPDATE alert_episodes e SET acknowledged_at = m.acknowledged_at, acknowledged_by_name = m.acknowledged_by_name
    FROM json_to_recordset($1::json) AS r(id uuid, "into" uuid) JOIN alert_episodes m ON m.id = r.id
    WHERE e.id = r."into" AND e.acknowledged_at IS NULL AND m.acknowledged_at IS NOT NULL`,
};

export const deleteEpisodes: Statement = {
  name: "delete-alert-episodes",
  text: `
    DELETE FROM alert_episodes e
    USING json_to_recordset($1::json) AS r(id uuid)
    WHERE e.id = r.id`,
};

export const insertEpisodes: Statement = {
  name: "insert-alert-episodes",
  text: `
    INSERT INTO alert_episodes (id, source_id, fingerprint, open_key, name, severity, namespace, service, instance, labels,
      annotations, generator_url, state, starts_at, ends_at, first_received_at, last_received_at, closed_by,
      resolved_starts_at, fired_starts, silenced_by, inhibited)
    SELECT id, source_id, fingerprint, open_key, name, severity, namespace, service, instance, labels,
      annotations, generator_url, state, starts_at, ends_at, received_at, received_at, closed_by,
      resolved_starts_at, fired_starts, silenced_by, inhibited
    FROM json_to_recordset($1::json) AS r(
      id uuid, source_id uuid, fingerprint text, open_key text, name text, severity text, namespace text, service text,
      instance text, labels jsonb, annotations jsonb, generator_url text, state "AlertState", starts_at timestamptz,
      ends_at timestamptz, received_at timestamptz, closed_by text, resolved_starts_at timestamptz,
      fired_starts timestamptz[], silenced_by text[], inhibited boolean)`,
};

/** Writes episodes whose start, end or evidence changed. */
export const updateEpisodes: Statement = {
  name: "update-alert-episodes",
  text: `
    UPDATE alert_episodes e
    SET open_key = r.open_key, state = r.state, starts_at = r.starts_at, ends_at = r.ends_at, closed_by = r.closed_by,
      resolved_starts_at = r.resolved_starts_at, fired_starts = r.fired_starts, last_received_at = r.received_at
    FROM json_to_recordset($1::json) AS r(
      id uuid, open_key text, state "AlertState", starts_at timestamptz, ends_at timestamptz, closed_by text,
      resolved_starts_at timestamptz, fired_starts timestamptz[], received_at timestamptz)
    WHERE e.id = r.id`,
};

/** Writes which silences hide episodes, and whether they are inhibited. */
export const suppressEpisodes: Statement = {
  name: "suppress-alert-episodes",
  text: `
    UPDATE alert_episodes e SET silenced_by = r.silenced_by, inhibited = r.inhibited
    FROM json_to_recordset($1::json) AS r(id uuid, silenced_by text[], inhibited boolean)
    WHERE e.id = r.id`,
};

/** Writes the text of episodes of which nothing else is new, and that they were told again. */
export const refreshEpisodes: Statement = {
  name: "refresh-alert-episodes",
  text: `
    UPDATE alert_episodes e
    SET annotations = r.annotations, generator_url = r.generator_url, last_received_at = r.received_at
    FROM json_to_recordset($1::json) AS r(id uuid, annotations jsonb, generator_url text, received_at timestamptz)
    WHERE e.id = r.id`,
};

/** The search finds an alert by its newest summary. */
export const refreshSeries: Statement = {
  name: "refresh-alert-series",
  text: `
    UPDATE alert_series s SET search_text = r.search_text
    FROM json_to_recordset($1::json) AS r(source_id uuid, fingerprint text, search_text text)
    WHERE s.source_id = r.source_id AND s.fingerprint = r.fingerprint AND s.search_text <> r.search_text`,
};

export const insertTransitions: Statement = {
  name: "insert-alert-transitions",
  text: `
    INSERT INTO alert_transitions (id, episode_id, at, recorded_at, kind, by, detail)
    SELECT id, episode_id, at, recorded_at, kind, by, detail
    FROM json_to_recordset($1::json) AS r(
      id uuid, episode_id uuid, at timestamptz, recorded_at timestamptz, kind text, by text, detail jsonb)`,
};

/** Tells alerts' rows their newest episode; the alert is no longer missing. */
export const updateSeries: Statement = {
  name: "update-alert-series",
  text: `
    UPDATE alert_series s
    SET open_episode_id = r.open_episode_id, starts_at = r.starts_at, ends_at = r.ends_at, missing_since = NULL,
      labels = coalesce(r.labels, s.labels), search_text = coalesce(r.search_text, s.search_text)
    FROM json_to_recordset($1::json) AS r(
      source_id uuid, fingerprint text, open_episode_id uuid, starts_at timestamptz, ends_at timestamptz, labels jsonb,
      search_text text)
    WHERE s.source_id = r.source_id AND s.fingerprint = r.fingerprint`,
};
