import type { Prisma } from "#lib/database/generated/client.ts";
import { storableText } from "#lib/database/storable.ts";
import type { Context, Transaction } from "../../context.ts";
import { DomainError } from "../../errors.ts";
import { itemParts, type StoredItem } from "./stored.ts";

/** Opens a closed item again, in a transaction that has locked it. */
export async function reopen(
  transaction: Transaction,
  { clock }: Pick<Context, "clock">,
  before: StoredItem,
  reason: string,
): Promise<StoredItem> {
  await transaction.actionItemAlert.deleteMany({ where: { itemId: before.id } });
  return update(transaction, before, {
    state: "open",
    closedAt: null,
    closedByName: null,
    overrideReason: null,
    reminded: null,
    reopenedAt: clock(),
    reopenReason: storableText(reason),
  });
}

/** Writes a change under the item's next version. */
export function update(
  transaction: Transaction,
  { id, version }: StoredItem,
  data: Prisma.ActionItemUpdateInput,
): Promise<StoredItem> {
  return transaction.actionItem.update({ where: { id }, data: { ...data, version: version + 1 }, include: itemParts });
}

/** Throws stale when somebody has changed the item since it was read. */
export function refuseVersion({ version }: StoredItem, seen: number): void {
  if (version === seen) return;
  throw new DomainError("stale", "Somebody has changed this action item meanwhile; look at it again.", {
    changed: [{ field: "version", seen: `${seen}`, now: `${version}` }],
  });
}
