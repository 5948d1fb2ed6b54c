import { createHash } from "node:crypto";
import type { Database } from "#lib/database/client.ts";
import { makeUuid } from "#lib/database/uuid.ts";
import { writeAudit } from "../../audit.ts";
import { authorise, type Context, type Transaction, transact, translateDatabaseErrors } from "../../context.ts";
import { DomainError } from "../../errors.ts";
import { parseId } from "../../validation.ts";
import type { PastedImage } from "../schemas.ts";
import { lockIncident } from "../stored.ts";
import { auditedAs } from "../write.ts";

/** What an incident may hold, and what may be pasted in a day by all. */
export const imageLimits = { images: 200, bytes: 100 * 1024 * 1024, bytesADay: 500 * 1024 * 1024 };
type ImageLimits = typeof imageLimits;
const dayMs = 86_400_000;
const unshownKeptDays = 30;

/** Keeps a picture that is pasted into an incident's notes; the same one once. Operators. Refused (precondition-failed) past the limits. */
export async function addImage(
  context: Context,
  id: string,
  body: unknown,
  limits: ImageLimits = imageLimits,
): Promise<PastedImage> {
  authorise(context, "operator", "paste pictures");
  const incidentId = parseId(id, "incident");
  const bytes = body instanceof Uint8Array ? body : new Uint8Array();
  const type = typeOf(bytes);
  if (type === null) throw new DomainError("invalid-input", "This is no PNG, JPEG, GIF or WebP picture.");
  const hash = createHash("sha256").update(bytes).digest("hex");
  return transact(context, async (transaction) => {
    const incident = await lockIncident(transaction, incidentId);
    const key = { incidentId, hash };
    const same = await transaction.incidentImage.findUnique({ where: { incidentId_hash: key }, select: { id: true } });
    if (same) return viewImage(incidentId, same.id);
    const { actor, clock } = context;
    const size = bytes.length;
    await refuseTooMuch(transaction, { incidentId, size, now: clock() }, limits);
    const imageId = makeUuid();
    await transaction.incidentImage.create({
      data: { ...key, id: imageId, type, size, bytes: new Uint8Array(bytes), at: clock(), byName: actor.name },
    });
    await writeAudit(transaction, context, {
      ...auditedAs(incident),
      verb: "paste",
      after: { image: imageId, type, size, hash },
      outcome: "succeeded",
    });
    return viewImage(incidentId, imageId);
  });
}

/** A picture of an incident as it came; throws not-found. */
export async function getImage(
  context: Context,
  id: string,
  imageId: string,
): Promise<{ type: string; bytes: Uint8Array<ArrayBuffer> }> {
  authorise(context, "viewer", "see incidents");
  const where = { id: parseId(imageId, "picture"), incidentId: parseId(id, "incident") };
  const row = await translateDatabaseErrors(() =>
    context.db.incidentImage.findUnique({ where, select: { type: true, bytes: true } }),
  );
  if (!row) throw new DomainError("not-found", "There is no picture with this id.");
  return row;
}

type Pasted = { incidentId: string; size: number; now: Date };

async function refuseTooMuch(transaction: Transaction, { incidentId, size, now }: Pasted, limits: ImageLimits): Promise<void> {
  const since = new Date(now.getTime() - dayMs);
  const own = await transaction.incidentImage.aggregate({ where: { incidentId }, _count: true, _sum: { size: true } });
  const day = await transaction.incidentImage.aggregate({ where: { at: { gt: since } }, _sum: { size: true } });
  const refusal =
    own._count >= limits.images || (own._sum.size ?? 0) + size > limits.bytes
      ? `This incident has ${own._count} pictures already, and there is room for no more`
      : (day._sum.size ?? 0) + size > limits.bytesADay
        ? "So many pictures were pasted within a day that there is room for no more"
        : null;
  if (refusal) throw new DomainError("precondition-failed", `${refusal}; link to it instead.`);
}

/**
 * Deletes pictures that were pasted more than 30 days ago and that no note, update, postmortem or comment shows; those of a hidden row
 * go 30 days after it was hidden. Returns how many went.
 */
export async function pruneImages(db: Database, now: Date): Promise<number> {
  const before = new Date(now.getTime() - unshownKeptDays * dayMs);
  return db.$executeRaw`
    DELETE FROM incident_images WHERE id IN (
      SELECT id FROM (
        SELECT id, incident_id, '%/images/' || id || '%' AS shown FROM incident_images WHERE at < ${before}
      ) image
      WHERE NOT EXISTS (
          SELECT 1 FROM incident_events
          WHERE incident_id = image.incident_id AND (hidden_at IS NULL OR hidden_at >= ${before}) AND message LIKE shown)
        AND NOT EXISTS (SELECT 1 FROM postmortems WHERE incident_id = image.incident_id AND text LIKE shown)
        AND NOT EXISTS (SELECT 1 FROM postmortem_versions WHERE incident_id = image.incident_id AND text LIKE shown)
        AND NOT EXISTS (SELECT 1 FROM postmortem_comments WHERE incident_id = image.incident_id AND text LIKE shown))`;
}

/** What its first bytes say that it is; what a browser could run, as SVG, is no picture. */
function typeOf(bytes: Uint8Array): string | null {
  const begin = Buffer.from(bytes.subarray(0, 12)).toString("latin1");
  if (begin.startsWith("\x89PNG\r\n\x1a\n")) return "image/png";
  if (begin.startsWith("\xff\xd8\xff")) return "image/jpeg";
  if (begin.startsWith("GIF87a") || begin.startsWith("GIF89a")) return "image/gif";
  return begin.startsWith("RIFF") && begin.endsWith("WEBP") ? "image/webp" : null;
}

function viewImage(incidentId: string, imageId: string): PastedImage {
  return { id: imageId, address: `/api/incidents/${incidentId}/images/${imageId}` };
}
