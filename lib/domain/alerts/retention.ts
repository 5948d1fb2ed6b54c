import type { Database } from "#lib/database/client.ts";
import { defineSetting } from "../settings.ts";
import { defaultRetention, retentionSchema } from "./source-schemas.ts";

const dayMs = 86_400_000;
const rowsADelete = 2_000;

/** How long alerts and the bodies of webhooks are kept; what is older goes within an hour. */
export const {
  get: getAlertRetention,
  set: setAlertRetention,
  read: readRetention,
} = defineSetting({
  key: "alerts.retention",
  schema: retentionSchema,
  initial: defaultRetention,
  what: "how long alerts are kept",
});

/**
 * Deletes ended episodes with their transitions, blind windows and the bodies of webhooks that are older than the settings say; open
 * ones and those that belong to an incident stay, however old. Deletes a few thousand rows a statement, so that ingest never waits long for it. Returns how many went.
 */
export async function pruneAlerts(db: Database, now: Date): Promise<{ episodes: number; bodies: number; blindWindows: number }> {
  const { episodeDays, bodyDays } = await readRetention(db);
  const before = (days: number) => new Date(now.getTime() - days * dayMs);
  const episodes = await inBatches(
    () => db.$executeRaw`
      DELETE FROM alert_episodes WHERE id IN (
        SELECT id FROM alert_episodes
        WHERE starts_at < ${before(episodeDays)} AND ends_at < ${before(episodeDays)} AND state = 'resolved'
          AND NOT EXISTS (SELECT 1 FROM incident_links WHERE kind = 'alert' AND target_id = alert_episodes.id)
        ORDER BY starts_at LIMIT ${rowsADelete})`,
  );
  const bodies = await inBatches(
    () => db.$executeRaw`
      DELETE FROM alert_bodies WHERE (source_id, hash) IN (
        SELECT source_id, hash FROM alert_bodies WHERE first_received_at < ${before(bodyDays)}
        ORDER BY first_received_at LIMIT ${rowsADelete})`,
  );
  await inBatches(
    () => db.$executeRaw`
      DELETE FROM alert_series WHERE (source_id, fingerprint) IN (
        SELECT source_id, fingerprint FROM alert_series
        WHERE open_episode_id IS NULL AND ends_at < ${before(episodeDays)}
        ORDER BY source_id, fingerprint LIMIT ${rowsADelete} FOR UPDATE SKIP LOCKED)`,
  );
  const { count: blindWindows } = await db.blindWindow.deleteMany({ where: { endedAt: { lt: before(episodeDays) } } });
  return { episodes, bodies, blindWindows };
}

async function inBatches(run: () => Promise<number>): Promise<number> {
  let total = 0;
  for (;;) {
    const count = await run();
    total += count;
    if (count < rowsADelete) return total;
  }
}
