import type { Database } from "#lib/database/client.ts";
import { type Context, transact } from "../../context.ts";
import { formatUtc } from "../../times.ts";
import { switchyard } from "../switchyard.ts";
import { itemName, lockItem, tellItem } from "./stored.ts";
import { reopen } from "./write.ts";

const mostAtOnce = 100;

type Returned = { id: string; alert: string; startsAt: Date };

/**
 * Opens closed action items again whose incident's alert has fired since: the same fingerprint of the same source, in an episode that
 * began after the item was closed and that no drill brought about. Returns how many. May be repeated or run twice.
 */
export async function reopenReturned(context: Pick<Context, "db" | "clock">): Promise<number> {
  let count = 0;
  for (const { id, alert, startsAt } of await findReturned(context.db)) {
    const reason = `${alert} fired again, ${formatUtc(startsAt, "minute")}.`;
    if (await reopenClosedBefore(context, id, { at: startsAt, reason })) count += 1;
  }
  return count;
}

/** A drill or a restore that has failed, by the name under which action items know it. */
export type FailedProof = { kind: "drill" | "restore"; name: string; message: string; at: Date };

/**
 * Opens closed action items again whose proof has failed since: whoever carries out drills and restores calls it with what failed.
 * Returns how many. May be repeated.
 */
export async function reopenUnproven(
  context: Pick<Context, "db" | "clock">,
  { kind, name, message, at }: FailedProof,
): Promise<number> {
  const path = [kind === "drill" ? "drill" : "backup"];
  const rows = await context.db.actionItem.findMany({
    where: {
      state: "done",
      closedAt: { lt: at },
      AND: [{ proof: { path: ["kind"], equals: kind } }, { proof: { path, equals: name } }],
    },
    select: { id: true },
  });
  const reason = `The ${kind} ${name} failed, ${formatUtc(at, "minute")}: ${message}`;
  let count = 0;
  for (const { id } of rows) {
    if (await reopenClosedBefore(context, id, { at, reason })) count += 1;
  }
  return count;
}

async function reopenClosedBefore(
  context: Pick<Context, "db" | "clock">,
  id: string,
  { at, reason }: { at: Date; reason: string },
): Promise<boolean> {
  return transact(context, async (transaction) => {
    const before = await lockItem(transaction, id);
    if (before.state !== "done" || !before.closedAt || before.closedAt >= at) return false;
    const row = await reopen(transaction, context, before, reason);
    const told = { ...context, actor: switchyard, requestId: `action-item-${id}` };
    const message = `The action item ${itemName(row)} is open again: ${reason}`;
    await tellItem(transaction, told, row, { verb: "reopen", message, reason: reason.slice(0, 500) });
    return true;
  });
}

function findReturned(db: Database): Promise<Returned[]> {
  return db.$queryRaw<Returned[]>`
    SELECT DISTINCT ON (item.id) item.id::text, episode.name AS alert, episode.starts_at AS "startsAt"
    FROM action_items item
    JOIN action_item_alerts watched ON watched.item_id = item.id
    JOIN alert_episodes episode
      ON episode.source_id = watched.source_id AND episode.fingerprint = watched.fingerprint AND episode.starts_at > item.closed_at
    WHERE item.state = 'done' AND NOT EXISTS (
      SELECT 1 FROM incident_links link JOIN incidents drill ON drill.id = link.incident_id AND drill.is_drill
      WHERE link.kind = 'alert' AND link.target_id = episode.id
    )
    ORDER BY item.id, episode.starts_at
    LIMIT ${mostAtOnce}`;
}
