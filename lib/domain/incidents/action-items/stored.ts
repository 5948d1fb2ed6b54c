import type { Prisma } from "#lib/database/generated/client.ts";
import { storableText } from "#lib/database/storable.ts";
import { writeAudit } from "../../audit.ts";
import type { Context, Transaction } from "../../context.ts";
import { DomainError } from "../../errors.ts";
import type { Keyed } from "../../idempotency.ts";
import { incidentName } from "../incident-name.ts";
import { appendTimeline } from "../timeline/timeline.ts";
import { type ItemState, type ItemType, type ItemView, type ProofResult, proofSchema } from "./schemas.ts";

export const itemParts = {
  incident: {
    select: {
      id: true,
      number: true,
      title: true,
      severity: true,
      impactStartedAt: true,
      mitigatedAt: true,
      resolvedAt: true,
      services: true,
    },
  },
} as const satisfies Prisma.ActionItemInclude;
export type StoredItem = Prisma.ActionItemGetPayload<{ include: typeof itemParts }>;

/** What people call it by. */
export const itemName = ({ number }: Pick<StoredItem, "number">) => `AI-${number}`;

/** Reads an item for a change: nobody else changes it until the transaction ends. Throws not-found. */
export async function lockItem(transaction: Transaction, id: string): Promise<StoredItem> {
  await transaction.$executeRaw`SELECT 1 FROM action_items WHERE id = ${id}::uuid FOR UPDATE`;
  const row = await transaction.actionItem.findUnique({ where: { id }, include: itemParts });
  if (!row) throw noSuchItem();
  return row;
}

export function noSuchItem(): DomainError {
  return new DomainError("not-found", "There is no action item with this id.");
}

/** The beginning of today, in UTC: what was due before is overdue. */
export function today(now: Date): Date {
  return new Date(`${now.toISOString().slice(0, 10)}T00:00:00.000Z`);
}

export function viewItem(row: StoredItem, now: Date): ItemView {
  const { id, number, title, severity } = row.incident;
  return {
    id: row.id,
    number: row.number,
    version: row.version,
    incident: { id, number, title, severity },
    title: row.title,
    type: row.type as ItemType,
    owner: row.ownerName,
    dueOn: row.dueOn.toISOString().slice(0, 10),
    isOverdue: row.state === "open" && row.dueOn < today(now),
    link: row.link,
    state: row.state as ItemState,
    // Another version may have written it.
    proof: proofSchema.nullable().catch(null).parse(row.proof),
    proofResult: row.proofResult as ProofResult | null,
    overrideReason: row.overrideReason,
    isWatched: row.isWatched,
    createdAt: row.createdAt.toISOString(),
    createdBy: row.createdByName,
    closedAt: row.closedAt?.toISOString() ?? null,
    closedBy: row.closedByName,
    reopenedAt: row.reopenedAt?.toISOString() ?? null,
    reopenReason: row.reopenReason,
  };
}

type Told = {
  verb: string;
  message: string;
  before?: object;
  after?: object;
  reason?: string | null;
  keyed?: Keyed;
};

/** Writes a change of an item into its incident's timeline and the audit, in the transaction that makes it. */
export async function tellItem(
  transaction: Transaction,
  context: Pick<Context, "actor" | "clock" | "requestId">,
  row: StoredItem,
  told: Told,
) {
  const { verb, message, before, after, reason, keyed } = told;
  const now = context.clock();
  await appendTimeline(transaction, row.incident.id, [{ at: now, kind: "changed", message, by: context.actor.name }], {
    now,
  });
  await writeAudit(transaction, context, {
    verb,
    targetKind: "action-item",
    targetNamespace: row.incident.services[0]?.namespace ?? null,
    targetName: itemName(row),
    targetUid: row.id,
    before: before as Prisma.InputJsonObject | undefined,
    after: { title: storableText(row.title), incident: incidentName(row.incident), ...after } as Prisma.InputJsonObject,
    reason,
    ...keyed,
    outcome: "succeeded",
  });
}
