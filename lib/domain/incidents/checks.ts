import { authorise, type Context } from "../context.ts";
import { DomainError } from "../errors.ts";
import { parseInput } from "../validation.ts";
import { checkSchema, type IncidentChange } from "./schemas.ts";
import { stepInfos, steps } from "./steps.ts";
import { writeIncident } from "./write.ts";

const items = new Map(steps.flatMap((step) => stepInfos[step].checks.map(({ id, title }) => [id, title] as const)));

/** Ticks a line of a step's checklist, or takes the tick away. Operators. */
export async function checkItem(context: Context, id: string, input: unknown, key?: unknown): Promise<IncidentChange> {
  authorise(context, "operator", "tick the checklist");
  const { item, isDone } = parseInput(checkSchema, input);
  const title = items.get(item);
  if (title === undefined) {
    const message = `No step has the line ${item}.`;
    throw new DomainError("invalid-input", message, { fields: { item: [message] } });
  }
  return writeIncident(context, { id, verb: "check", input: { item, isDone }, key }, async (transaction, incident, now) => {
    const { name: by } = context.actor;
    const key = { incidentId: incident.id, item };
    const { count } = isDone
      ? await transaction.incidentCheck.createMany({ data: [{ ...key, doneAt: now, byName: by }], skipDuplicates: true })
      : await transaction.incidentCheck.deleteMany({ where: key });
    if (count === 0) return isDone ? "It is ticked already." : "It is not ticked.";
    const message = `${isDone ? "Checked" : "Not so any more"}: ${title}.`;
    return { message, rows: [{ at: now, kind: "step", message, by, detail: { item, isDone } }], after: { item, isDone } };
  });
}
