import type { Database, Prisma } from "#lib/database/client.ts";
import type { Backup } from "#lib/database/generated/client.ts";
import { authorise, type Context, translateDatabaseErrors } from "../../context.ts";
import { DomainError } from "../../errors.ts";
import { decodeCursor, toPage } from "../../pagination.ts";
import type { Page } from "../../rollouts/schemas.ts";
import { parseId, parseInput } from "../../validation.ts";
import { type Manifest, manifestSchema } from "../archive/manifest.ts";
import { viewPart } from "./part-views.ts";
import { defaultRetention, readContents } from "./plans.ts";
import { readProgress } from "./progress.ts";
import { judgeRetention } from "./retention.ts";
import { type BackupDetail, type BackupView, listBackupsSchema, type Retention } from "./schemas.ts";
import { goodBackups, isGood } from "./states.ts";
import { viewBackup, viewProof } from "./stored.ts";

const mostProofs = 50;

/** Backups, newest first, a page at a time. */
export async function listBackups(context: Context, input: unknown): Promise<Page<BackupView>> {
  authorise(context, "viewer", "see backups");
  const { subject, state, proof, cursor, limit } = parseInput(listBackupsSchema, input);
  const conditions: Prisma.BackupWhereInput[] = [{ subject, state, proof }];
  if (cursor) {
    const { at, id } = decodeCursor(cursor);
    conditions.push({ createdAt: { lte: at } }, { OR: [{ createdAt: { lt: at } }, { id: { lt: id } }] });
  }
  const rows = await translateDatabaseErrors(() =>
    context.db.backup.findMany({
      where: { AND: conditions },
      orderBy: [{ createdAt: "desc" }, { id: "desc" }],
      take: limit + 1,
    }),
  );
  return toPage(rows, limit, ({ createdAt: at, id }) => ({ at, id }), viewBackup);
}

/** One backup with what is in it and what was shown of it; throws not-found. */
export async function getBackup(context: Context, id: string): Promise<BackupDetail> {
  authorise(context, "viewer", "see backups");
  const row = await translateDatabaseErrors(() =>
    context.db.backup.findUnique({
      where: { id: parseId(id, "backup") },
      include: { proofs: { orderBy: [{ createdAt: "desc" }, { id: "desc" }], take: mostProofs } },
    }),
  );
  if (!row) throw new DomainError("not-found", "There is no backup with this id.");
  const manifest = manifestSchema.safeParse(row.manifest).data ?? null;
  const saved = manifest?.parts.filter(({ error }) => error === null) ?? [];
  const parts = saved.map(viewPart);
  return {
    backup: viewBackup(row),
    storageKey: row.storageKey,
    sha256: row.sha256,
    contents: readContents(row),
    progress: readProgress(row.progress).parts,
    parts: parts.map(({ version: _, ...part }) => part),
    files: saved.flatMap(({ name: part, files }) => files.map(({ name, ...file }) => ({ name: `${part}/${name}`, ...file }))),
    versions: [...(manifest?.versions ?? []), ...versionsOf(parts)],
    proofs: row.proofs.map(viewProof),
    keptFor: await keptFor(context.db, row),
  };
}

function versionsOf(parts: readonly ReturnType<typeof viewPart>[]): Manifest["versions"] {
  return parts.flatMap(({ version }) => (version === null ? [] : [version]));
}

/** Why retention keeps it, in words. */
async function keptFor(db: Database, backup: Backup): Promise<string[]> {
  if (!isGood(backup)) return [];
  return (await judgeSubject(db, backup.subject)).get(backup.id) ?? [];
}

/** Why each good backup of a subject stays, by id. */
export async function judgeSubject(db: Pick<Database, "backup" | "backupPlan">, subject: string): Promise<Map<string, string[]>> {
  const [plan, rows] = await Promise.all([
    db.backupPlan.findUnique({ where: { subject } }),
    db.backup.findMany({
      where: { subject, ...goodBackups, takenAt: { not: null } },
      select: { id: true, takenAt: true, pinnedAt: true, purpose: true },
    }),
  ]);
  const taken = rows.flatMap(({ id, takenAt, pinnedAt, purpose }) =>
    takenAt ? [{ id, takenAt, isPinned: pinnedAt !== null, isSafetyCopy: purpose === "before_restore" }] : [],
  );
  return judgeRetention(taken, (plan?.retention as Retention | undefined) ?? defaultRetention, plan?.timeZone ?? "UTC");
}
