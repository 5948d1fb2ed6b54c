import type { Statement } from "#lib/database/pipeline.ts";

/** Keeps bodies; of one that is kept the deliveries are counted. */
export const insertBodies: Statement = {
  name: "insert-alert-bodies",
  text: `
    INSERT INTO alert_bodies AS b (source_id, hash, body, deliveries, first_received_at, last_received_at)
    SELECT source_id, decode(hash, 'hex'), decode(body, 'base64'), deliveries, at, at
    FROM json_to_recordset($1::json) AS r(source_id uuid, hash text, body text, deliveries int, at timestamptz)
    ORDER BY source_id, hash
    ON CONFLICT (source_id, hash) DO UPDATE
    SET deliveries = b.deliveries + excluded.deliveries,
      last_received_at = greatest(b.last_received_at, excluded.last_received_at)`,
};

/** Notes that sources are heard, at most once a second: otherwise every statement would wait for the one before at this row. */
export const noteReceived: Statement = {
  name: "note-source-received",
  text: `
    UPDATE alert_sources s
    SET last_received_at = greatest(s.last_received_at, r.at),
      watchdog_at = CASE WHEN r.watchdog THEN greatest(s.watchdog_at, r.at) ELSE s.watchdog_at END
    FROM json_to_recordset($1::json) AS r(id uuid, at timestamptz, watchdog boolean)
    WHERE s.id = r.id AND (s.last_received_at IS NULL OR s.last_received_at < r.at - interval '1 second'
      OR (r.watchdog AND (s.watchdog_at IS NULL OR s.watchdog_at < r.at - interval '1 second')))`,
};
