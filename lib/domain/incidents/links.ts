import { authorise, type Context, type Transaction } from "../context.ts";
import { DomainError } from "../errors.ts";
import { parseInput } from "../validation.ts";
import { type LinkTarget, linkRows } from "./link-targets.ts";
import { type IncidentChange, putLinkSchema, removeLinkSchema } from "./schemas.ts";
import { writeIncident } from "./write.ts";

/** Says that an alert, a rollout, an action or another incident belongs to an incident. Operators. */
export async function putLink(context: Context, id: string, input: unknown, key?: unknown): Promise<IncidentChange> {
  authorise(context, "operator", "link to an incident");
  const link = parseInput(putLinkSchema, input);
  return writeIncident(context, { id, verb: "link", input: link, key }, async (transaction, incident, now) => {
    if (link.kind === "incident" && link.targetId === incident.id) {
      const message = "An incident is not linked to itself.";
      throw new DomainError("invalid-input", message, { fields: { targetId: [message] } });
    }
    const [found] = await linkRows(transaction, [link]);
    const title = found?.title ?? "";
    const { name: by } = context.actor;
    const { count } = await transaction.incidentLink.createMany({
      data: [{ ...link, incidentId: incident.id, title, at: now, byName: by }],
      skipDuplicates: true,
    });
    if (count === 0) return "It is linked already.";
    const message = `Linked the ${link.kind} ${title}.`;
    return { message, rows: [{ at: now, kind: "changed", message, by, detail: { link } }], after: { ...link, title } };
  });
}

/** Takes a link away, one between two incidents from either of them. Operators; that of an alert that fires with a reason. */
export async function removeLink(
  context: Context,
  id: string,
  input: unknown,
  { body, key }: { body?: unknown; key?: unknown } = {},
): Promise<IncidentChange> {
  authorise(context, "operator", "link to an incident");
  const link = parseInput(putLinkSchema, input);
  const { reason } = parseInput(removeLinkSchema, body);
  return writeIncident(context, { id, verb: "unlink", input: { link, reason }, key }, async (transaction, incident, now) => {
    const own = { ...link, incidentId: incident.id };
    const fromOther = { kind: "incident", incidentId: link.targetId, targetId: incident.id };
    const where = link.kind === "incident" ? { OR: [own, fromOther] } : own;
    const row = await transaction.incidentLink.findFirst({ where });
    if (!row) throw new DomainError("not-found", "This incident has no such link.");
    if (!reason) await refuseFiring(transaction, link);
    await transaction.incidentLink.deleteMany({ where });
    const message =
      row.incidentId === incident.id
        ? `Took away the link to the ${link.kind} ${row.title}.`
        : "Took away the link from an incident that led here.";
    const { name: by } = context.actor;
    return {
      message,
      rows: [{ at: now, kind: "changed", message: reason ? `${message} ${reason}` : message, by, detail: { link } }],
      before: { ...link, title: row.title },
      reason: reason ?? null,
    };
  });
}

/** What still fires is not taken out of sight without a word. */
async function refuseFiring(transaction: Transaction, { kind, targetId }: LinkTarget): Promise<void> {
  if (kind !== "alert") return;
  const alert = await transaction.alertEpisode.findUnique({ where: { id: targetId }, select: { name: true, state: true } });
  if (alert?.state !== "firing") return;
  const message = `${alert.name} still fires: say why it does not belong to this incident.`;
  throw new DomainError("invalid-input", message, { fields: { reason: [message] } });
}
