import { Prisma } from "#lib/database/generated/client.ts";
import { storableText, toJson } from "#lib/database/storable.ts";
import { type Context, type Transaction, transact, translateDatabaseErrors } from "../../context.ts";
import { DomainError } from "../../errors.ts";
import type { Keyed } from "../../idempotency.ts";
import { formatUtc } from "../../times.ts";
import { runProof } from "./prove.ts";
import { type ItemView, type ProofResult, proofSchema } from "./schemas.ts";
import { itemName, itemParts, lockItem, noSuchItem, type StoredItem, tellItem, viewItem } from "./stored.ts";
import { refuseVersion, update } from "./write.ts";

type Wish = { overrideReason: string | null; keyed: Keyed };

/**
 * Closes an item. Its proof is run first, and its result kept also when it did not pass. What it is watched by must not fire: an
 * episode that goes on would never be a return.
 */
export async function closeItem(context: Context, id: string, { overrideReason, keyed }: Wish): Promise<ItemView> {
  const seen = await translateDatabaseErrors(() => context.db.actionItem.findUnique({ where: { id }, include: itemParts }));
  if (!seen) throw noSuchItem();
  const proof = proofSchema.nullable().catch(null).parse(seen.proof);
  // Prometheus is asked outside of the transaction: it may take its time.
  const result = proof && seen.state === "open" ? await runProof(context, proof, seen.incident) : null;
  const { row, against } = await transact(context, async (transaction) => {
    const before = await lockItem(transaction, id);
    if (before.state === "done") throw new DomainError("precondition-failed", "It is done already.");
    refuseVersion(before, seen.version);
    const alerts = before.isWatched ? await watchedAlerts(transaction, before.incidentId) : [];
    const unproven = result && result.verdict !== "passed" ? result : null;
    const against = [...(unproven ? [unproven.message] : []), ...(await stillFiring(transaction, alerts))];
    if (against.length > 0 && overrideReason === null) {
      return { row: unproven ? await keepResult(transaction, context, before, unproven) : before, against };
    }
    const because = against.length > 0 ? overrideReason : null;
    return { row: await close(transaction, context, before, { alerts, result, overrideReason: because, keyed }), against };
  });
  if (row.state === "open") {
    throw new DomainError(
      "precondition-failed",
      `It stays open: ${against.join(" ")} Close it all the same with an override and a reason.`,
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

type Watched = { sourceId: string; fingerprint: string; name: string };
type Closing = { alerts: Watched[]; result: ProofResult | null } & Wish;

async function close(
  transaction: Transaction,
  context: Context,
  before: StoredItem,
  { alerts, result, overrideReason, keyed }: Closing,
): Promise<StoredItem> {
  await transaction.actionItemAlert.createMany({
    data: alerts.map((alert) => ({ itemId: before.id, ...alert })),
    skipDuplicates: true,
  });
  const row = await update(transaction, before, {
    state: "done",
    closedAt: context.clock(),
    closedByName: context.actor.name,
    overrideReason: overrideReason === null ? null : storableText(overrideReason),
    proofResult: result ? toJson(result) : Prisma.DbNull,
  });
  const proven = overrideReason !== null ? ` Overridden: ${overrideReason}` : result !== null ? ` ${result.message}` : "";
  await tellItem(transaction, context, row, {
    verb: "close",
    message: `${context.actor.name} closed the action item ${itemName(row)}: ${row.title}.${proven}`,
    after: { verdict: result?.verdict ?? null },
    reason: overrideReason,
    keyed,
  });
  return row;
}

/** The alerts of the incident: one that fires later says that the item has not helped. */
async function watchedAlerts(transaction: Transaction, incidentId: string): Promise<Watched[]> {
  const links = await transaction.incidentLink.findMany({ where: { incidentId, kind: "alert" }, select: { targetId: true } });
  return transaction.alertEpisode.findMany({
    where: { id: { in: links.map(({ targetId }) => targetId) } },
    distinct: ["sourceId", "fingerprint"],
    select: { sourceId: true, fingerprint: true, name: true },
  });
}

/** Which of these alerts fire now, a sentence each; what a drill brought about is no sign. */
async function stillFiring(transaction: Transaction, alerts: readonly Watched[]): Promise<string[]> {
  const episodes = await transaction.alertEpisode.findMany({
    where: { endsAt: null, OR: alerts.map(({ sourceId, fingerprint }) => ({ sourceId, fingerprint })) },
    select: { id: true, name: true, startsAt: true },
  });
  const ofDrills = await transaction.incidentLink.findMany({
    where: { kind: "alert", targetId: { in: episodes.map(({ id }) => id) }, incident: { isDrill: true } },
    select: { targetId: true },
  });
  return episodes
    .filter(({ id }) => !ofDrills.some(({ targetId }) => targetId === id))
    .map(({ name, startsAt }) => `${name} of its incident fires, since ${formatUtc(startsAt, "minute")}.`);
}
