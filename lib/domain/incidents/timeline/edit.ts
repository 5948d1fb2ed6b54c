import type { IncidentEvent } from "#lib/database/generated/client.ts";
import { storableText } from "#lib/database/storable.ts";
import { authorise, type Context } from "../../context.ts";
import { DomainError } from "../../errors.ts";
import { parseId, parseInput } from "../../validation.ts";
import { refuseFuture } from "../clock-input.ts";
import { changeEventSchema, type IncidentChange } from "../schemas.ts";
import { writeIncident } from "../write.ts";

const kindsOfPeople: ReadonlySet<string> = new Set(["note", "update"]);

/**
 * Corrects a row of the timeline: its time, whether it is shown, and the text where a person wrote it. Operators, with a reason; what
 * it was before is kept in the audit.
 */
export async function changeTimelineRow(
  context: Context,
  id: string,
  eventId: string,
  input: unknown,
  key?: unknown,
): Promise<IncidentChange> {
  authorise(context, "operator", "change a timeline");
  const { reason, ...wanted } = parseInput(changeEventSchema, input);
  const rowId = parseId(eventId, "row");
  return writeIncident(context, { id, verb: "change-timeline", input, key }, async (transaction, incident, now) => {
    const row = await transaction.incidentEvent.findUnique({ where: { id: rowId, incidentId: incident.id } });
    if (!row) throw new DomainError("not-found", "This incident's timeline has no row with this id.");
    const change = differencesOf(row, wanted, now);
    if (Object.keys(change).length === 0) return "Nothing differs from what it was.";
    const { name: by } = context.actor;
    const { isHidden, ...columns } = change;
    await transaction.incidentEvent.update({
      where: { id: rowId },
      data: {
        ...columns,
        ...(isHidden !== undefined && { hiddenAt: isHidden ? now : null, hiddenByName: isHidden ? by : null }),
        editedAt: now,
        editedByName: by,
        version: incident.version + 1,
      },
    });
    const { at, message, hiddenAt } = row;
    return {
      message: "The timeline is corrected.",
      rows: [],
      before: { row: rowId, at: at.toISOString(), message, isHidden: hiddenAt !== null },
      after: { row: rowId, ...change },
      reason,
    };
  });
}

type Wanted = { text?: string; at?: Date; isHidden?: boolean };

function differencesOf(row: IncidentEvent, { text, at, isHidden }: Wanted, now: Date) {
  if (text !== undefined && text !== row.message && (row.source !== null || !kindsOfPeople.has(row.kind))) {
    const message = "What Switchyard wrote keeps its message; add a note, or hide the row with a reason.";
    throw new DomainError("invalid-input", message, { fields: { text: [message] } });
  }
  if (at) refuseFuture("at", at, now);
  return {
    ...(text !== undefined && text !== row.message && { message: storableText(text) }),
    ...(at !== undefined && at.getTime() !== row.at.getTime() && { at }),
    ...(isHidden !== undefined && isHidden !== (row.hiddenAt !== null) && { isHidden }),
  };
}
