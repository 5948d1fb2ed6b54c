import type { DrillSchedule } from "#lib/database/generated/client.ts";
import { toJson } from "#lib/database/storable.ts";
import { writeAudit } from "../../audit.ts";
import { authorise, type Context, transact, translateDatabaseErrors } from "../../context.ts";
import { DomainError } from "../../errors.ts";
import { switchyard } from "../../incidents/switchyard.ts";
import { parseId, parseInput } from "../../validation.ts";
import { nextTime, refuseSchedule } from "../backups/schedule.ts";
import type { Scenario } from "../schemas.ts";
import { subjectColumns } from "../schemas.ts";
import { queueDrill } from "./commands.ts";
import { abortDrillSchema, type DrillScheduleView, drillScheduleSchema } from "./schemas.ts";
import { settingsOf, subjectOf, viewSchedule, withLastDrill } from "./stored.ts";

/** A drill that falls due while another one is under way waits for its end, at most this long. */
const patienceMs = 3_600_000;

/** Has a drill carried out on a schedule, or changes that: there is one of a scenario and subject. Administrators. Throws invalid-input. */
export async function setDrillSchedule(context: Context, input: unknown): Promise<DrillScheduleView> {
  authorise(context, "admin", "schedule drills");
  const { scenario, subject, settings, cron, timeZone, isEnabled, reason } = parseInput(drillScheduleSchema, input);
  const refusal = refuseSchedule(cron, timeZone);
  if (refusal !== null) throw new DomainError("invalid-input", `cron: ${refusal}`, { fields: { cron: [refusal] } });
  const now = context.clock();
  const columns = subjectColumns(subject);
  const data = {
    settings: toJson(settings),
    cron,
    timeZone,
    isEnabled,
    nextAt: isEnabled ? nextTime(cron, timeZone, now) : null,
    updatedAt: now,
    updatedByName: context.actor.name,
  };
  return transact(context, async (transaction) => {
    const key = { scenario, subject: columns.subject };
    const before = await transaction.drillSchedule.findUnique({ where: { scenario_subject: key } });
    const row = await transaction.drillSchedule.upsert({
      where: { scenario_subject: key },
      create: { ...columns, scenario, ...data, createdAt: now },
      update: data,
      include: withLastDrill,
    });
    await writeAudit(transaction, context, {
      ...auditedAs(row),
      verb: before ? "update" : "create",
      before: before && told(before),
      after: told(row),
      reason,
      outcome: "succeeded",
    });
    return viewSchedule(row);
  });
}

/** Ends a schedule; its drills stay. Administrators. */
export async function deleteDrillSchedule(context: Context, id: string, input: unknown): Promise<DrillScheduleView> {
  authorise(context, "admin", "schedule drills");
  const { reason } = parseInput(abortDrillSchema, input);
  return transact(context, async (transaction) => {
    const where = { id: parseId(id, "schedule") };
    const row = await transaction.drillSchedule.findUnique({ where, include: withLastDrill });
    if (!row) throw new DomainError("not-found", "There is no schedule with this id.");
    await transaction.drillSchedule.delete({ where });
    await writeAudit(transaction, context, {
      ...auditedAs(row),
      verb: "delete",
      before: told(row),
      reason,
      outcome: "succeeded",
    });
    return viewSchedule(row);
  });
}

const told = ({ scenario, cron, timeZone, isEnabled }: DrillSchedule) => ({ scenario, cron, timeZone, isEnabled });

const auditedAs = ({ id, namespace, service, subject }: DrillSchedule) => ({
  targetKind: "drill-schedule",
  targetNamespace: namespace,
  targetName: service ?? subject,
  targetUid: id,
});

/**
 * Asks for the drills that fall due, each once: the controller asks the guard rails when it begins, and writes down what stood against it.
 * What was missed while no controller looked is caught up once. Returns how many were asked for.
 */
export async function queueDueDrills(context: Pick<Context, "db" | "clock" | "logger">): Promise<number> {
  const now = context.clock();
  const due = await translateDatabaseErrors(() =>
    context.db.drillSchedule.findMany({ where: { isEnabled: true, nextAt: { lte: now } }, orderBy: { nextAt: "asc" }, take: 20 }),
  );
  let count = 0;
  for (const row of due) if (await queueDue(context, row, now)) count += 1;
  return count;
}

async function queueDue(context: Pick<Context, "db" | "clock" | "logger">, row: DrillSchedule, now: Date): Promise<boolean> {
  const { id, cron, timeZone, nextAt } = row;
  const busy = await context.db.drill.findFirst({ where: { activeKey: "drill" }, select: { id: true } });
  const isPatient = nextAt !== null && now.getTime() - nextAt.getTime() < patienceMs;
  if (busy && isPatient) return false;
  // Whoever moves the time on asks for it.
  const { count } = await context.db.drillSchedule.updateMany({
    where: { id, nextAt },
    data: { nextAt: nextTime(cron, timeZone, now) },
  });
  if (count === 0 || busy) return false;
  await queueDrill(
    { ...context, actor: switchyard, requestId: `drill-schedule-${id}` },
    {
      scenario: row.scenario as Scenario,
      subject: subjectOf(row),
      settings: settingsOf(row),
      override: null,
      reason: `On its schedule, ${cron} ${timeZone}.`,
      scheduleId: id,
    },
  );
  return true;
}
