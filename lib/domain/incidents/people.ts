import { authorise, type Context, type Transaction } from "../context.ts";
import { DomainError } from "../errors.ts";
import { parseInput } from "../validation.ts";
import { type IncidentChange, personSchema } from "./schemas.ts";
import { commanderOf, type StoredIncident } from "./stored.ts";
import type { NewTimelineRow } from "./timeline/timeline.ts";
import { writeIncident } from "./write.ts";

type Person = { name: string; role: "commander" | "responder" };

/** Gives somebody a part in an incident. Who commanded before becomes a responder. Operators. */
export async function putPerson(context: Context, id: string, input: unknown, key?: unknown): Promise<IncidentChange> {
  authorise(context, "operator", "say who works on an incident");
  const person = parseInput(personSchema, input);
  return writeIncident(context, { id, verb: "assign", input: person, key }, async (transaction, incident, now) => {
    const before = incident.people.find(({ name }) => name === person.name);
    if (before?.leftAt === null && before.role === person.role) return `${person.name} is its ${person.role} already.`;
    const rows = await setPerson(transaction, { context, incident, now }, person);
    return { message: rows.map((row) => row.message).join(" "), rows, before: before && { role: before.role }, after: person };
  });
}

/** Says that somebody has left an incident. Operators. */
export async function removePerson(context: Context, id: string, name: string, key?: unknown): Promise<IncidentChange> {
  authorise(context, "operator", "say who works on an incident");
  return writeIncident(context, { id, verb: "unassign", input: { name }, key }, async (transaction, incident, now) => {
    const person = incident.people.find((one) => one.name === name);
    if (!person) throw new DomainError("not-found", `Nobody called ${name} works on this incident.`);
    if (person.leftAt) return `${name} has left already.`;
    await transaction.incidentPerson.update({ where: { incidentId_name: { incidentId: id, name } }, data: { leftAt: now } });
    const message = `${name} has left${person.role === "commander" ? ": nobody commands now" : ""}.`;
    return { message, rows: [rowOf(message, context, now)], before: { name, role: person.role } };
  });
}

/** Counts a person who does something about an incident among its people: the first one commands. Tokens are no people. */
export async function joinWork(
  transaction: Transaction,
  context: Context,
  incident: StoredIncident,
  now: Date,
): Promise<NewTimelineRow[]> {
  const { kind, name } = context.actor;
  if (kind !== "user" || incident.people.some((one) => one.name === name && one.leftAt === null)) return [];
  return setPerson(
    transaction,
    { context, incident, now },
    { name, role: commanderOf(incident) === null ? "commander" : "responder" },
  );
}

type Situation = { context: Context; incident: StoredIncident; now: Date };

async function setPerson(
  transaction: Transaction,
  { context, incident, now }: Situation,
  { name, role }: Person,
): Promise<NewTimelineRow[]> {
  const key = { incidentId: incident.id, name };
  const commander = commanderOf(incident);
  const isHandedOver = role === "commander" && commander !== null && commander !== name;
  if (isHandedOver) {
    await transaction.incidentPerson.update({
      where: { incidentId_name: { incidentId: incident.id, name: commander } },
      data: { role: "responder" },
    });
  }
  const there = incident.people.find((one) => one.name === name && one.leftAt === null);
  const joinedAt = there?.joinedAt ?? now;
  await transaction.incidentPerson.upsert({
    where: { incidentId_name: key },
    create: { ...key, role, joinedAt },
    update: { role, joinedAt, leftAt: null },
  });
  const message =
    role === "responder"
      ? `${name} ${there ? "no longer commands" : "responds"}.`
      : `${name} commands${isHandedOver ? `, after ${commander}` : ""}.`;
  return [rowOf(message, context, now)];
}

function rowOf(message: string, { actor }: Context, at: Date): NewTimelineRow {
  return { at, kind: "person", message, by: actor.name };
}
