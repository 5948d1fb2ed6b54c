import { authorise, type Context, translateDatabaseErrors } from "../../context.ts";
import { DomainError } from "../../errors.ts";
import { parseId } from "../../validation.ts";
import type { VersionMark, VersionView } from "./schemas.ts";

/** The versions that a postmortem had, the newest first. */
export async function listVersions(context: Context, id: string): Promise<{ items: VersionView[] }> {
  authorise(context, "viewer", "see postmortems");
  const rows = await translateDatabaseErrors(() =>
    context.db.postmortemVersion.findMany({
      where: { incidentId: parseId(id, "incident") },
      orderBy: { version: "desc" },
      omit: { text: true },
      take: 500,
    }),
  );
  return {
    items: rows.map(({ version, at, beganAt, byName, mark }) => ({
      version,
      at: at.toISOString(),
      beganAt: beganAt.toISOString(),
      by: byName,
      mark: mark as VersionMark | null,
    })),
  };
}

/** The text of one version. Throws not-found. */
export async function getVersion(
  context: Context,
  ref: { id: string; version: string },
): Promise<{ version: number; text: string }> {
  authorise(context, "viewer", "see postmortems");
  const version = /^\d{1,9}$/.test(ref.version) ? Number(ref.version) : 0;
  const where = { incidentId_version: { incidentId: parseId(ref.id, "incident"), version } };
  const row = await translateDatabaseErrors(() => context.db.postmortemVersion.findUnique({ where, select: { text: true } }));
  if (!row) throw new DomainError("not-found", "There is no such version; it may have become part of a later one.");
  return { version, text: row.text };
}
