import type { Database } from "#lib/database/client.ts";
import { type Actor, type Context, transact } from "../../context.ts";
import { formatUtc } from "../../times.ts";
import { reopen } from "./commands.ts";
import { itemName, lockItem, tellItem } from "./stored.ts";

const mostAtOnce = 100;
const switchyard: Actor = { kind: "system", id: null, name: "Switchyard", role: "admin" };

type Returned = { id: string; alert: string; startsAt: Date };

/**
 * Opens closed action items again whose incident's alert has fired since: the same fingerprint of the same source, in an episode that
 * began after the item was closed. Returns how many. May be repeated or run twice.
 */
export async function reopenReturned(context: Pick<Context, "db" | "clock">): Promise<number> {
  let count = 0;
  for (const { id, alert, startsAt } of await findReturned(context.db)) {
    const isReopened = await transact(context, async (transaction) => {
      const before = await lockItem(transaction, id);
      if (before.state !== "done" || !before.closedAt || before.closedAt >= startsAt) return false;
      const reason = `${alert} fired again, ${formatUtc(startsAt, "minute")}.`;
      const row = await reopen(transaction, context, before, reason);
      const told = { ...context, actor: switchyard, requestId: `action-item-${id}` };
      await tellItem(transaction, told, row, {
        verb: "reopen",
        message: `The action item ${itemName(row)} is open again: ${reason}`,
        reason,
      });
      return true;
    });
    if (isReopened) count += 1;
  }
  return count;
}

function findReturned(db: Database): Promise<Returned[]> {
  return db.$queryRaw<Returned[]>`
    SELECT DISTINCT ON (item.id) item.id::text, episode.name AS alert, episode.starts_at AS "startsAt"
    FROM action_items item
    JOIN action_item_alerts watched ON watched.item_id = item.id
    JOIN alert_episodes episode
      ON episode.source_id = watched.source_id AND episode.fingerprint = watched.fingerprint AND episode.starts_at > item.closed_at
    WHERE item.state = 'done'
    ORDER BY item.id, episode.starts_at
    LIMIT ${mostAtOnce}`;
}
