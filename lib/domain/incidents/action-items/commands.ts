import { Prisma } from "#lib/database/generated/client.ts";
import { storableText, toJson } from "#lib/database/storable.ts";
import { hashRequest } from "../../actions/ledger.ts";
import { authorise, type Context, type Transaction, transact, translateDatabaseErrors } from "../../context.ts";
import { DomainError } from "../../errors.ts";
import { type Keyed, once } from "../../idempotency.ts";
import { parseId, parseInput } from "../../validation.ts";
import { lockIncident } from "../stored.ts";
import { refuseMissingProof, runProof } from "./prove.ts";
import { getItem } from "./queries.ts";
import {
  changeItemSchema,
  createItemSchema,
  type ItemView,
  itemCommandSchema,
  itemCommands,
  type Proof,
  type ProofResult,
  proofSchema,
} from "./schemas.ts";
import { itemName, itemParts, lockItem, noSuchItem, type StoredItem, tellItem, viewItem } from "./stored.ts";

/**
 * Notes what is to be done after an incident. Operators; audited. A proof that cannot be carried out yet is refused. A repeated request
 * with the same `key`, which came as Idempotency-Key, gets the item that the first one made.
 */
export async function createItem(context: Context, input: unknown, key?: string): Promise<ItemView> {
  authorise(context, "operator", "add an action item");
  return once(context, {
    key,
    hash: hashRequest("create action-item", { namespace: "", name: "" }, input),
    run: (keyed) => addItem(context, input, keyed),
    recall: ({ targetUid }) => getItem(context, targetUid ?? ""),
  });
}

async function addItem(context: Context, input: unknown, keyed: Keyed): Promise<ItemView> {
  const { incidentId, title, type, owner, dueOn, link, proof, isWatched } = parseInput(createItemSchema, input);
  refuseMissingProof(proof);
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
  refuseMissingProof(proof);
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
 * (precondition-failed) when the proof does not pass, unless an override says why it is closed all the same.
 */
export async function commandItem(
  context: Context,
  { id, command, body }: { id: string; command: string; body: unknown },
): Promise<ItemView> {
  const known = itemCommands.find((one) => one === command);
  if (!known) throw new DomainError("not-found", `There is no command ${command} for an action item.`);
  authorise(context, "operator", `${known} an action item`);
  const { reason = null, override } = parseInput(itemCommandSchema, body);
  const itemId = parseId(id, "action item");
  return known === "close" ? closeItem(context, itemId, override?.reason ?? null) : reopenItem(context, itemId, reason);
}

async function closeItem(context: Context, id: string, overrideReason: string | null): Promise<ItemView> {
  const seen = await translateDatabaseErrors(() => context.db.actionItem.findUnique({ where: { id }, include: itemParts }));
  if (!seen) throw noSuchItem();
  const proof = proofSchema.nullable().catch(null).parse(seen.proof);
  // Prometheus is asked outside of the transaction: it may take its time.
  const result = proof && seen.state === "open" ? await runProof(context, proof, seen.incident) : null;
  const row = await transact(context, async (transaction) => {
    const before = await lockItem(transaction, id);
    if (before.state === "done") throw new DomainError("precondition-failed", "It is done already.");
    refuseVersion(before, seen.version);
    if (result && result.verdict !== "passed" && overrideReason === null) {
      return { ...before, ...(await keepResult(transaction, context, before, result)) };
    }
    return close(transaction, context, before, { proof, result, overrideReason });
  });
  if (row.state === "open") {
    throw new DomainError(
      "precondition-failed",
      `It stays open: ${result?.message} Close it all the same with an override and a reason.`,
    );
  }
  return viewItem(row, context.clock());
}

/** A proof that failed is worth knowing, though it closes nothing. */
async function keepResult(
  transaction: Transaction,
  context: Context,
  before: StoredItem,
  result: ProofResult,
): Promise<StoredItem> {
  const row = await update(transaction, before, { proofResult: toJson(result) });
  await tellItem(transaction, context, row, {
    verb: "prove",
    message: `The proof of ${itemName(row)} did not pass: ${result.message}`,
    after: { verdict: result.verdict },
  });
  return row;
}

type Closing = { proof: Proof | null; result: ProofResult | null; overrideReason: string | null };

async function close(transaction: Transaction, context: Context, before: StoredItem, closing: Closing): Promise<StoredItem> {
  const { result, overrideReason } = closing;
  const isOverridden = result !== null && result.verdict !== "passed";
  const alerts = before.isWatched ? await watchedAlerts(transaction, before.incidentId) : [];
  await transaction.actionItemAlert.createMany({
    data: alerts.map((alert) => ({ itemId: before.id, ...alert })),
    skipDuplicates: true,
  });
  const row = await update(transaction, before, {
    state: "done",
    closedAt: context.clock(),
    closedByName: context.actor.name,
    overrideReason: isOverridden ? overrideReason : null,
    proofResult: result ? toJson(result) : Prisma.DbNull,
  });
  const proven = result === null ? "" : isOverridden ? ` Its proof did not pass: ${overrideReason}` : ` ${result.message}`;
  await tellItem(transaction, context, row, {
    verb: "close",
    message: `${context.actor.name} closed the action item ${itemName(row)}: ${row.title}.${proven}`,
    after: { verdict: result?.verdict ?? null },
    reason: isOverridden ? overrideReason : null,
  });
  return row;
}

/** The alerts of the incident: one that fires later says that the item has not helped. */
async function watchedAlerts(transaction: Transaction, incidentId: string) {
  const links = await transaction.incidentLink.findMany({ where: { incidentId, kind: "alert" }, select: { targetId: true } });
  return transaction.alertEpisode.findMany({
    where: { id: { in: links.map(({ targetId }) => targetId) } },
    distinct: ["sourceId", "fingerprint"],
    select: { sourceId: true, fingerprint: true, name: true },
  });
}

async function reopenItem(context: Context, id: string, reason: string | null): Promise<ItemView> {
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
    });
    return viewItem(row, context.clock());
  });
}

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

function update(transaction: Transaction, { id, version }: StoredItem, data: Prisma.ActionItemUpdateInput): Promise<StoredItem> {
  return transaction.actionItem.update({ where: { id }, data: { ...data, version: version + 1 }, include: itemParts });
}

function refuseVersion({ version }: StoredItem, seen: number): void {
  if (version === seen) return;
  throw new DomainError("stale", "Somebody has changed this action item meanwhile; look at it again.", {
    changed: [{ field: "version", seen: `${seen}`, now: `${version}` }],
  });
}

const watchedFields = ["title", "type", "ownerName", "dueOn", "link", "proof", "isWatched"] as const;

function changedFields(before: StoredItem, after: StoredItem) {
  return watchedFields.filter((name) => JSON.stringify(before[name]) !== JSON.stringify(after[name]));
}

function plainValue(value: StoredItem[(typeof watchedFields)[number]]) {
  return value instanceof Date ? value.toISOString().slice(0, 10) : value;
}
