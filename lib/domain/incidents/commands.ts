import type { Prisma } from "#lib/database/generated/client.ts";
import { authorise, type Context, type Transaction } from "../context.ts";
import { formatDuration } from "../duration.ts";
import { DomainError } from "../errors.ts";
import type { IncidentNews } from "../notifications/announce.ts";
import { parseInput } from "../validation.ts";
import type { Clock } from "./clock.ts";
import { refuseTimes } from "./clock-input.ts";
import { listLaterEvidence } from "./evidence-end.ts";
import { escalatesAfter, readEscalation } from "./opening/escalation-settings.ts";
import { joinWork } from "./people.ts";
import { reopenPostmortem } from "./postmortem/reopen.ts";
import { advance, allowedCommands, isUnattended, latest } from "./progress.ts";
import { listResolveBlockers } from "./recovery/resolve-gate.ts";
import { recoveredAtOf } from "./recovery/stored.ts";
import { type IncidentChange, type IncidentCommand, incidentCommandSchema, incidentCommands, type Severity } from "./schemas.ts";
import { clockColumns, type StoredIncident, standingOf } from "./stored.ts";
import type { NewTimelineRow } from "./timeline/timeline.ts";
import { type PlannedChange, writeIncident } from "./write.ts";

/** A command as it comes: nothing of it has been checked. */
export type CommandRequest = { id: string; command: string; body: unknown; key?: unknown };

type Order = { command: IncidentCommand; at: Date | null; note: string | null; overrideReason: string | null };

/**
 * Acknowledges, assesses, mitigates, resolves, reopens or documents an incident. Operators. Refused (precondition-failed) where its
 * step does not allow it, and a resolve while evidence speaks against it, or for a time before what the data know to have gone on,
 * unless that is overridden with a reason.
 */
export async function commandIncident(context: Context, { id, command, body, key }: CommandRequest): Promise<IncidentChange> {
  const known = incidentCommands.find((one) => one === command);
  if (!known) throw new DomainError("not-found", `There is no command ${command} for an incident.`);
  authorise(context, "operator", `${known} an incident`);
  const { at = null, note = null, override } = parseInput(incidentCommandSchema, body ?? {});
  const order: Order = { command: known, at, note, overrideReason: override?.reason ?? null };
  if (at && !timed.has(known)) {
    const message = "This sets no time of the clock: leave it out.";
    throw new DomainError("invalid-input", message, { fields: { at: [message] } });
  }
  if (override && known !== "resolve") {
    const message = "Only a resolve has something to override.";
    throw new DomainError("invalid-input", message, { fields: { override: [message] } });
  }
  return writeIncident(context, { id, verb: known, input: body ?? {}, key }, (transaction, incident, now) =>
    plan(context, { transaction, incident, now, order }),
  );
}

/** Those that set a time of the clock. */
const timed: ReadonlySet<IncidentCommand> = new Set(["acknowledge", "mitigate", "resolve"]);

type Work = { transaction: Transaction; incident: StoredIncident; now: Date; order: Order };

async function plan(context: Context, { transaction, incident, now, order }: Work): Promise<PlannedChange> {
  const { command, at, note } = order;
  const standing = standingOf(incident);
  const refusal = allowedCommands(standing)[command];
  if (refusal !== null) throw new DomainError("precondition-failed", `Nothing was done. ${refusal}`);
  const overrideReason = command === "resolve" ? await passGate(transaction, { incident, now, order }) : null;
  const recoveredAt = command === "resolve" && overrideReason === null ? await findRecovery(transaction, incident) : null;
  const { step, clock } = advance(standing, command, { at, isPerson: context.actor.kind === "user", recoveredAt }, now);
  refuseTimes(clock, latest(now, standing.clock), {});
  const by = context.actor.name;
  const isMeasured = command === "resolve" && standing.clock.mitigatedAt === null && clock.mitigatedAt !== null;
  const said = [
    describe(command, incident, by),
    isMeasured && "Nobody had said when it was mitigated: the recovery that was measured counts.",
    overrideReason && `Overridden: ${overrideReason}`,
    note,
  ];
  const row: NewTimelineRow = {
    at: at ?? now,
    kind: "step",
    message: said.filter(Boolean).join(" "),
    by,
    detail: { command, from: incident.step, to: step, ...(overrideReason && { overrideReason }) },
  };
  const joined = command === "reopen" || command === "document" ? [] : await joinWork(transaction, context, incident, now);
  const reopened = command === "reopen" ? await reopenPostmortem(transaction, context, incident.id, now) : [];
  return {
    message: describe(command, incident, by),
    data: {
      step,
      ...clockColumns(clock),
      escalatesAt: await escalationAfter(transaction, incident, clock, now),
      ...columnsOf(command, { clock, now, overrideReason }),
    },
    rows: [row, ...joined, ...reopened],
    before: { step: incident.step, ...standing.clock },
    after: { step, ...clock },
    reason: overrideReason ?? note?.slice(0, 500) ?? null,
    news: newsOf(command, { incident, at: at ?? now, overrideReason, by }),
  };
}

/** When the last of its services was measured to be good again; null where that is not known. */
async function findRecovery(transaction: Transaction, { id, services }: StoredIncident): Promise<Date | null> {
  const rows = await transaction.incidentRecovery.findMany({ where: { incidentId: id } });
  return recoveredAtOf(
    rows,
    services.map(({ namespace, service }) => ({ namespace, name: service })),
  );
}

/** Throws precondition-failed while evidence speaks against it; the reason of an override that was needed, else null. */
async function passGate(transaction: Transaction, { incident, now, order }: Omit<Work, "transaction">): Promise<string | null> {
  const blockers = (await listResolveBlockers(transaction, incident.id, now)).map(({ message }) => message);
  const later = order.at ? await listLaterEvidence(transaction, incident, order.at) : [];
  if (blockers.length + later.length === 0) return null;
  if (order.overrideReason !== null) return order.overrideReason;
  const why = [...blockers, ...later].join(" ");
  throw new DomainError(
    "precondition-failed",
    `It is not resolved by the evidence. ${why} Give a reason to resolve it all the same.`,
  );
}

/** An open incident that nobody has acknowledged is told of again; one that was reopened from now on. */
async function escalationAfter(
  transaction: Transaction,
  { severity, escalatesAt }: StoredIncident,
  clock: Clock,
  now: Date,
): Promise<Date | null> {
  if (!isUnattended(clock)) return null;
  return escalatesAt ?? escalatesAfter(await readEscalation(transaction), severity as Severity, now);
}

type Moment = { clock: Clock; now: Date; overrideReason: string | null };

function columnsOf(command: IncidentCommand, { clock, now, overrideReason }: Moment): Prisma.IncidentUncheckedUpdateInput {
  switch (command) {
    case "resolve":
      return { overrideReason };
    case "reopen":
      return { overrideReason: null, documentedAt: null };
    case "document":
      return { documentedAt: new Date(Math.max(now.getTime(), Date.parse(clock.resolvedAt ?? ""))) };
    default:
      return {};
  }
}

function describe(command: IncidentCommand, { resolvedAt }: StoredIncident, by: string): string {
  switch (command) {
    case "acknowledge":
      return `Acknowledged by ${by}.`;
    case "assess":
      return `Assessed by ${by}.`;
    case "mitigate":
      return `Mitigated, says ${by}.`;
    case "resolve":
      return `Resolved by ${by}.`;
    case "reopen":
      return resolvedAt ? `Reopened by ${by}.` : `The mitigation does not hold, says ${by}.`;
    case "document":
      return `Documented and closed by ${by}.`;
  }
}

type Told = { incident: StoredIncident; at: Date; overrideReason: string | null; by: string };

/** What people want to know who do not look: that it is over, and that it is not. */
function newsOf(command: IncidentCommand, { incident, at, overrideReason, by }: Told): IncidentNews[] {
  if (command === "reopen" && incident.resolvedAt) return [{ event: "incident-opened", by, isAgain: true }];
  if (command !== "resolve") return [];
  const lasted = formatDuration(at.getTime() - incident.impactStartedAt.getTime());
  return [{ event: "incident-resolved", lasted, overrideReason }];
}
