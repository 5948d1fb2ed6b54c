import type { Database } from "#lib/database/client.ts";
import { pruneAlerts } from "#lib/domain/alerts/retention.ts";
import { pruneNotifications } from "#lib/domain/notifications/retention.ts";

const dayMs = 86_400_000;
const loginAttemptsKeptMs = dayMs;
const endedTokensKeptMs = 90 * dayMs;

/** Removes what nobody needs any more: old login attempts, tokens that ended long ago, alerts and the log of notifications. Returns how many rows went. */
export async function prune(db: Database, now: Date): Promise<number> {
  const before = (ms: number) => new Date(now.getTime() - ms);
  const attempts = await db.loginAttempt.deleteMany({ where: { at: { lt: before(loginAttemptsKeptMs) } } });
  const tokens = await db.apiToken.deleteMany({
    where: { OR: [{ expiresAt: { lt: before(endedTokensKeptMs) } }, { revokedAt: { lt: before(endedTokensKeptMs) } }] },
  });
  const alerts = await pruneAlerts(db, now);
  const rows = attempts.count + tokens.count + alerts.episodes + alerts.bodies + alerts.blindWindows;
  return rows + (await pruneNotifications(db, now));
}
