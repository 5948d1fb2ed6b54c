import { type Context, transact } from "../../context.ts";
import { announceEvent } from "../../notifications/announce.ts";
import type { NotificationEvent } from "../../notifications/events.ts";
import { shorten } from "../../notifications/texts.ts";
import { incidentName } from "../incident-name.ts";
import { itemName, itemParts, type StoredItem, today } from "./stored.ts";

const dayMs = 86_400_000;
const mostAtOnce = 100;

/**
 * Tells of open action items that are due today or tomorrow, and again of those that are overdue: each once for its day. Returns how
 * many were told. May be repeated or run twice.
 */
export async function remindOwners(context: Pick<Context, "db" | "clock">): Promise<number> {
  const now = context.clock();
  const day = today(now);
  const rows = await context.db.actionItem.findMany({
    where: {
      state: "open",
      OR: [
        { dueOn: { gte: day, lte: new Date(day.getTime() + dayMs) }, reminded: null },
        { dueOn: { lt: day }, OR: [{ reminded: null }, { reminded: { not: "overdue" } }] },
      ],
    },
    include: itemParts,
    orderBy: [{ dueOn: "asc" }, { id: "asc" }],
    take: mostAtOnce,
  });
  let count = 0;
  for (const row of rows) {
    const reminded = row.dueOn < day ? "overdue" : "due";
    count += await transact(context, async (transaction) => {
      const where = { id: row.id, state: "open", dueOn: row.dueOn, reminded: row.reminded };
      const { count: isOurs } = await transaction.actionItem.updateMany({ where, data: { reminded } });
      if (isOurs === 1) await announceEvent(transaction, describeReminder(row, reminded, now), now);
      return isOurs;
    });
  }
  return count;
}

function describeReminder(row: StoredItem, reminded: "due" | "overdue", at: Date): NotificationEvent {
  const { id, title, ownerName, incident } = row;
  const services = incident.services.map(({ namespace, service }) => `${namespace}/${service}`);
  const dueOn = row.dueOn.toISOString().slice(0, 10);
  const [first] = incident.services;
  return {
    event: "action-item-due",
    key: `action-item/${id}/${dueOn}/${reminded}`,
    subject: itemName(row),
    title: shorten(
      `${itemName(row)} of ${ownerName} ${reminded === "overdue" ? `is overdue since ${dueOn}` : `is due ${dueOn}`}: ${title}`,
      200,
    ),
    text: shorten(`Of ${incidentName(incident)}: ${incident.title}.`, 600),
    severity: incident.severity,
    namespace: first?.namespace ?? null,
    service: first?.service ?? null,
    services,
    path: "/action-items",
    at,
  };
}
