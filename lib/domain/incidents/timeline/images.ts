import { createHash } from "node:crypto";
import { makeUuid } from "#lib/database/uuid.ts";
import { writeAudit } from "../../audit.ts";
import { authorise, type Context, transact, translateDatabaseErrors } from "../../context.ts";
import { DomainError } from "../../errors.ts";
import { parseId } from "../../validation.ts";
import type { PastedImage } from "../schemas.ts";
import { lockIncident } from "../stored.ts";
import { auditedAs } from "../write.ts";

const mostImages = 200;

/** Keeps a picture that is pasted into an incident's notes; the same one once. Operators. */
export async function addImage(context: Context, id: string, body: unknown): Promise<PastedImage> {
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
    if ((await transaction.incidentImage.count({ where: { incidentId } })) >= mostImages) {
      throw new DomainError("precondition-failed", `This incident has ${mostImages} pictures already; link to others instead.`);
    }
    const imageId = makeUuid();
    const { actor, clock } = context;
    const size = bytes.length;
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
