import { type AuditEntry, Prisma } from "#lib/database/generated/client.ts";
import { type AuditView, listAuditSchema } from "./audit-schemas.ts";
import { authorise, type Context, type Transaction, translateDatabaseErrors } from "./context.ts";
import { DomainError } from "./errors.ts";
import { decodeCursor, toPage } from "./pagination.ts";
import type { Page } from "./rollouts/schemas.ts";
import { parseId, parseInput } from "./validation.ts";

/** What was done to what. `before` and `after` hold plain JSON values without secrets. */
export type AuditRecord = {
  verb: string;
  targetKind: string;
  targetNamespace?: string | null;
  targetName: string;
  targetUid?: string | null;
  before?: Prisma.InputJsonValue | null;
  after?: Prisma.InputJsonValue | null;
  reason?: string | null;
  outcome: AuditEntry["outcome"];
  error?: { code: string; message: string } | null;
  idempotencyKey?: string | null;
  requestHash?: string | null;
};

/** Who did it: one of Switchyard's actors, or someone who changed the cluster without it. */
export type AuditedActor = { kind: AuditEntry["actorKind"]; id: string | null; name: string };

/** Writes one row of the audit, in the transaction of what it tells of. */
export function writeAudit(
  transaction: Transaction,
  context: Pick<Context, "clock" | "requestId"> & { actor: AuditedActor },
  record: AuditRecord,
): Promise<AuditEntry> {
  const { actor, clock, requestId } = context;
  const { before, after, error, ...rest } = record;
  const at = clock();
  return transaction.auditEntry.create({
    data: {
      ...rest,
      at,
      actorKind: actor.kind,
      actorId: actor.id,
      actorName: actor.name,
      requestId,
      before: before ?? Prisma.DbNull,
      after: after ?? Prisma.DbNull,
      errorCode: error?.code,
      errorMessage: error?.message,
      settledAt: record.outcome === "pending" ? null : at,
    },
  });
}

export type Settlement = {
  outcome: "succeeded" | "failed" | "refused";
  after?: Prisma.InputJsonValue | null;
  error?: { code: string; message: string } | null;
};

/** Settles a pending row; false when another process has settled it before. */
export async function settleAudit(transaction: Transaction, id: string, settlement: Settlement, at: Date): Promise<boolean> {
  const { outcome, after, error } = settlement;
  const { count } = await transaction.auditEntry.updateMany({
    where: { id, outcome: "pending" },
    data: {
      outcome,
      settledAt: at,
      errorCode: error?.code,
      errorMessage: error?.message,
      ...(after === undefined ? {} : { after: after ?? Prisma.DbNull }),
    },
  });
  return count === 1;
}

const withRollout = { rollout: { select: { id: true } } } as const;
type AuditRow = Prisma.AuditEntryGetPayload<{ include: typeof withRollout }>;

/** The audit, newest first, a page at a time. */
export async function listAudit(context: Context, input: unknown): Promise<Page<AuditView>> {
  authorise(context, "viewer", "read the audit");
  const filter = parseInput(listAuditSchema, input);
  const rows = await translateDatabaseErrors(() =>
    context.db.auditEntry.findMany({
      where: toWhere(filter),
      orderBy: [{ at: "desc" }, { id: "desc" }],
      take: filter.limit + 1,
      include: withRollout,
    }),
  );
  return toPage(rows, filter.limit, (row) => row, viewAudit);
}

/** One row of the audit; throws not-found. */
export async function getAudit(context: Context, id: string): Promise<AuditView> {
  authorise(context, "viewer", "read the audit");
  const row = await translateDatabaseErrors(() =>
    context.db.auditEntry.findUnique({ where: { id: parseId(id, "audit entry") }, include: withRollout }),
  );
  if (!row) throw new DomainError("not-found", "There is no audit entry with this id.");
  return viewAudit(row);
}

function toWhere(filter: ReturnType<typeof listAuditSchema.parse>): Prisma.AuditEntryWhereInput {
  const { actor, verb, outcome, namespace, target, search, from, to, cursor } = filter;
  const all: Prisma.AuditEntryWhereInput[] = [];
  if (cursor) {
    const { at, id } = decodeCursor(cursor);
    // The first condition alone lets PostgreSQL begin the index scan at the cursor.
    all.push({ at: { lte: at } }, { OR: [{ at: { lt: at } }, { id: { lt: id } }] });
  }
  if (search) {
    const contains = { contains: search, mode: "insensitive" } as const;
    all.push({ OR: [{ targetName: contains }, { reason: contains }, { verb: contains }, { actorName: contains }] });
  }
  return {
    actorName: actor,
    verb,
    outcome,
    targetNamespace: namespace,
    targetName: target,
    at: { gte: from, lte: to },
    AND: all,
  };
}

function viewAudit(row: AuditRow): AuditView {
  return {
    id: row.id,
    at: row.at.toISOString(),
    actorKind: row.actorKind,
    actor: row.actorName,
    verb: row.verb,
    targetKind: row.targetKind,
    targetNamespace: row.targetNamespace,
    target: row.targetName,
    before: row.before,
    after: row.after,
    reason: row.reason,
    outcome: row.outcome,
    error: row.errorCode ? { code: row.errorCode, message: row.errorMessage ?? "" } : null,
    requestId: row.requestId,
    rolloutId: row.rollout?.id ?? null,
    settledAt: row.settledAt?.toISOString() ?? null,
  };
}
