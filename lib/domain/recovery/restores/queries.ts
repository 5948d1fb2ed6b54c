import type { Prisma } from "#lib/database/client.ts";
import { authorise, type Context, translateDatabaseErrors } from "../../context.ts";
import { DomainError } from "../../errors.ts";
import { decodeCursor, toPage } from "../../pagination.ts";
import type { Page } from "../../rollouts/schemas.ts";
import { parseId, parseInput } from "../../validation.ts";
import { listRestoresSchema, type RestoreView } from "./schemas.ts";
import { restoreParts, type StoredRestore, viewRestore } from "./stored.ts";

export { previewRestore } from "./preview.ts";

/** Restores, the newest first, a page at a time. */
export async function listRestores(context: Context, input: unknown): Promise<Page<RestoreView>> {
  authorise(context, "viewer", "see restores");
  const { subject, state, mode, backupId, cursor, limit } = parseInput(listRestoresSchema, input);
  const where: Prisma.RestoreWhereInput = { subject, state, mode, backupId };
  if (cursor) {
    const { at, id } = decodeCursor(cursor);
    where.AND = [{ createdAt: { lte: at } }, { OR: [{ createdAt: { lt: at } }, { id: { lt: id } }] }];
  }
  return translateDatabaseErrors(async () => {
    const rows = await context.db.restore.findMany({
      where,
      orderBy: [{ createdAt: "desc" }, { id: "desc" }],
      take: limit + 1,
      include: restoreParts,
    });
    const views = await viewAll(context, rows);
    return toPage(
      rows,
      limit,
      ({ createdAt, id }) => ({ at: createdAt, id }),
      (row) => views.get(row.id) ?? viewRestore(row, null),
    );
  });
}

/** One restore; throws not-found. */
export async function getRestore(context: Context, id: string): Promise<RestoreView> {
  authorise(context, "viewer", "see restores");
  return translateDatabaseErrors(async () => {
    const row = await context.db.restore.findUnique({ where: { id: parseId(id, "restore") }, include: restoreParts });
    if (!row) throw new DomainError("not-found", "There is no restore with this id.");
    const views = await viewAll(context, [row]);
    return views.get(row.id) ?? viewRestore(row, null);
  });
}

/** Views by id, each with the backup of the present that was made before it. */
export async function viewAll({ db }: Pick<Context, "db">, rows: readonly StoredRestore[]): Promise<Map<string, RestoreView>> {
  const ids = rows.map(({ safetyBackupId }) => safetyBackupId).filter((id) => id !== null);
  const found =
    ids.length > 0 ? await db.backup.findMany({ where: { id: { in: ids } }, select: { id: true, number: true } }) : [];
  const byId = new Map(found.map((backup) => [backup.id, backup]));
  return new Map(rows.map((row) => [row.id, viewRestore(row, byId.get(row.safetyBackupId ?? "") ?? null)]));
}
