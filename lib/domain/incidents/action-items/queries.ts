import type { Prisma } from "#lib/database/generated/client.ts";
import { authorise, type Context, translateDatabaseErrors } from "../../context.ts";
import { decodeCursor, toPage } from "../../pagination.ts";
import type { Page } from "../../rollouts/schemas.ts";
import { parseId, parseInput } from "../../validation.ts";
import { type ItemView, listItemsSchema } from "./schemas.ts";
import { itemParts, noSuchItem, today, viewItem } from "./stored.ts";

/** Action items by the day that they are due, the most overdue first, a page at a time. */
export async function listItems(context: Context, input: unknown): Promise<Page<ItemView>> {
  authorise(context, "viewer", "see action items");
  const { state, incidentId, owner, type, cursor, limit } = parseInput(listItemsSchema, input);
  const now = context.clock();
  const conditions: Prisma.ActionItemWhereInput[] = [];
  if (state === "overdue") conditions.push({ state: "open", dueOn: { lt: today(now) } });
  else if (state) conditions.push({ state });
  if (cursor) {
    const { at, id } = decodeCursor(cursor);
    conditions.push({ OR: [{ dueOn: { gt: at } }, { dueOn: at, id: { gt: id } }] });
  }
  const rows = await translateDatabaseErrors(() =>
    context.db.actionItem.findMany({
      where: { incidentId, ownerName: owner, type, AND: conditions },
      orderBy: [{ dueOn: "asc" }, { id: "asc" }],
      take: limit + 1,
      include: itemParts,
    }),
  );
  return toPage(
    rows,
    limit,
    ({ dueOn, id }) => ({ at: dueOn, id }),
    (row) => viewItem(row, now),
  );
}

/** One action item. Throws not-found. */
export async function getItem(context: Context, id: string): Promise<ItemView> {
  authorise(context, "viewer", "see action items");
  const where = { id: parseId(id, "action item") };
  const row = await translateDatabaseErrors(() => context.db.actionItem.findUnique({ where, include: itemParts }));
  if (!row) throw noSuchItem();
  return viewItem(row, context.clock());
}
