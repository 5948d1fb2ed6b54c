import { Prisma } from "#lib/database/generated/client.ts";
import { storableText, toJson } from "#lib/database/storable.ts";
import { hashRequest } from "../../actions/ledger.ts";
import { authorise, type Context, transact } from "../../context.ts";
import { DomainError } from "../../errors.ts";
import { type Keyed, once } from "../../idempotency.ts";
import { parseId, parseInput } from "../../validation.ts";
import { lockIncident } from "../stored.ts";
import { closeItem } from "./close.ts";
import { getItem } from "./queries.ts";
import { changeItemSchema, createItemSchema, type ItemView, itemCommandSchema, itemCommands } from "./schemas.ts";
import { itemName, itemParts, lockItem, type StoredItem, tellItem, viewItem } from "./stored.ts";
import { refuseVersion, reopen, update } from "./write.ts";

/**
 * Notes what is to be done after an incident. Operators; audited. A repeated request with the same `key`, which came as Idempotency-Key,
 * gets the item that the first one made.
 */
export async function createItem(context: Context, input: unknown, key?: string): Promise<ItemView> {
  authorise(context, "operator", "add an action item");
  return once(context, {
    key,
    hash: hashRequest("create action-item", { namespace: "", name: "" }, input),
    run: (keyed) => addItem(context, input, keyed),
    recall: itemOf(context),
  });
}

/** The item that an earlier request was about. */
const itemOf =
  (context: Context) =>
  ({ targetUid }: { targetUid: string | null }) =>
    getItem(context, targetUid ?? "");

async function addItem(context: Context, input: unknown, keyed: Keyed): Promise<ItemView> {
  const { incidentId, title, type, owner, dueOn, link, proof, isWatched } = parseInput(createItemSchema, input);
  const now = context.clock();
  return transact(context, async (transaction) => {
    await lockIncident(transaction, incidentId);
    const row = await transaction.actionItem.create({
      data: {
        incidentId,
        title: storableText(title),
        type,
        ownerName: storableText(owner),
        dueOn: new Date(dueOn),
        link,
        state: "open",
        proof: proof ? toJson(proof) : Prisma.DbNull,
        isWatched: isWatched ?? (type === "prevent" || type === "mitigate"),
        createdAt: now,
        createdByName: context.actor.name,
      },
      include: itemParts,
    });
    const message = `${context.actor.name} added the action item ${itemName(row)} for ${row.ownerName}: ${row.title}`;
    await tellItem(transaction, context, row, { verb: "create", message, after: { type, owner, dueOn }, keyed });
    return viewItem(row, now);
  });
}

/** Changes an open action item over the version that was read; throws stale when somebody else was faster. Operators; audited. */
export async function changeItem(context: Context, id: string, input: unknown): Promise<ItemView> {
  authorise(context, "operator", "change an action item");
  const { version, owner, dueOn, proof, ...plain } = parseInput(changeItemSchema, input);
  return transact(context, async (transaction) => {
    const before = await lockItem(transaction, parseId(id, "action item"));
    refuseVersion(before, version);
    if (before.state !== "open") throw new DomainError("precondition-failed", "It is done: reopen it to change it.");
    const data = {
      ...plain,
      ...(owner !== undefined && { ownerName: storableText(owner) }),
      // Another day is reminded of anew.
      ...(dueOn !== undefined && { dueOn: new Date(dueOn), reminded: null }),
      ...(proof !== undefined && { proof: proof ? toJson(proof) : Prisma.DbNull, proofResult: Prisma.DbNull }),
    };
    const row = await update(transaction, before, data);
    const changes = changedFields(before, row);
    if (changes.length === 0) return viewItem(row, context.clock());
    const fields = (of: StoredItem) => Object.fromEntries(changes.map((name) => [name, plainValue(of[name])]));
    await tellItem(transaction, context, row, {
      verb: "update",
      message: `${context.actor.name} changed the action item ${itemName(row)}: ${row.title}`,
      before: fields(before),
      after: fields(row),
    });
    return viewItem(row, context.clock());
  });
}

/**
 * Closes an item, for which its proof is run first and its result kept, or opens it again with a reason. Operators; audited. Refused
 * (precondition-failed) when the proof does not pass or the incident's alert still fires, unless an override says why it is closed all
 * the same. A repeated request with the same `key` does it once.
 */
export async function commandItem(
  context: Context,
  { id, command, body, key }: { id: string; command: string; body: unknown; key?: unknown },
): Promise<ItemView> {
  const known = itemCommands.find((one) => one === command);
  if (!known) throw new DomainError("not-found", `There is no command ${command} for an action item.`);
  authorise(context, "operator", `${known} an action item`);
  const { reason = null, override } = parseInput(itemCommandSchema, body);
  const itemId = parseId(id, "action item");
  const hash = hashRequest(`${known} action-item`, { namespace: "", name: itemId }, body ?? {});
  const run = (keyed: Keyed) =>
    known === "close"
      ? closeItem(context, itemId, { overrideReason: override?.reason ?? null, keyed })
      : reopenItem(context, itemId, { reason, keyed });
  return once(context, { key, hash, run, recall: itemOf(context) });
}

type Reopening = { reason: string | null; keyed: Keyed };

async function reopenItem(context: Context, id: string, { reason, keyed }: Reopening): Promise<ItemView> {
  if (reason === null) {
    const message = "Say why it is reopened.";
    throw new DomainError("invalid-input", message, { fields: { reason: [message] } });
  }
  return transact(context, async (transaction) => {
    const before = await lockItem(transaction, id);
    if (before.state === "open") throw new DomainError("precondition-failed", "It is open already.");
    const row = await reopen(transaction, context, before, reason);
    await tellItem(transaction, context, row, {
      verb: "reopen",
      message: `${context.actor.name} reopened the action item ${itemName(row)}: ${reason}`,
      reason,
      keyed,
    });
    return viewItem(row, context.clock());
  });
}

const watchedFields = ["title", "type", "ownerName", "dueOn", "link", "proof", "isWatched"] as const;

function changedFields(before: StoredItem, after: StoredItem) {
  return watchedFields.filter((name) => JSON.stringify(before[name]) !== JSON.stringify(after[name]));
}

function plainValue(value: StoredItem[(typeof watchedFields)[number]]) {
  return value instanceof Date ? value.toISOString().slice(0, 10) : value;
}
