import type { Database } from "#lib/database/client.ts";
import { logKeptMs } from "./policy.ts";

const rowsAPass = 5_000;

/** Removes messages that ended more than 30 days ago, with their events and attempts. Returns how many went. */
export async function pruneNotifications(db: Database, now: Date): Promise<number> {
  const before = new Date(now.getTime() - logKeptMs);
  let removed = 0;
  for (;;) {
    const count = await db.$executeRaw`
      DELETE FROM notification_deliveries WHERE id IN (
        SELECT id FROM notification_deliveries
        WHERE state <> 'pending' AND created_at < ${before} AND settled_at < ${before} LIMIT ${rowsAPass})`;
    removed += count;
    if (count < rowsAPass) return removed;
  }
}
