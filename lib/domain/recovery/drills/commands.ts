import { storableText, toJson } from "#lib/database/storable.ts";
import { hashRequest } from "../../actions/ledger.ts";
import { writeAudit } from "../../audit.ts";
import { authorise, type Context, isUniqueViolation, transact } from "../../context.ts";
import { DomainError } from "../../errors.ts";
import { type Keyed, notKeyed, once } from "../../idempotency.ts";
import { parseId, parseInput } from "../../validation.ts";
import { objectiveOf } from "../objectives/commands.ts";
import { scenarioInfos } from "../objectives/scenarios.ts";
import { subjectColumns, subjectName } from "../schemas.ts";
import { type Asked, readChoice, readGuardFacts } from "./facts.ts";
import { judgeGuards, refusalOf } from "./guards.ts";
import { consecutive } from "./report.ts";
import { describePrey, firstRun } from "./run.ts";
import { scenarioWorks } from "./scenarios/all.ts";
import type { DrillContext } from "./scenarios/scenario.ts";
import { abortDrillSchema, type DrillPreview, type DrillView, previewDrillSchema, startDrillSchema } from "./schemas.ts";
import { drillName, viewDrill } from "./stored.ts";

/** What a drill would do, and what stands against it now. Nothing is written. */
export async function previewDrill(context: DrillContext, input: unknown): Promise<DrillPreview> {
  authorise(context, "viewer", "see drills");
  return preview(context, parseInput(previewDrillSchema, input));
}

async function preview(context: DrillContext, asked: Asked): Promise<DrillPreview> {
  const { scenario, subject, settings } = asked;
  const work = scenarioWorks[scenario];
  const objective = await objectiveOf(context.db, subject, scenario);
  const choice = await readChoice(context, asked);
  const facts = await readGuardFacts(context, asked, choice, { objective, ownId: null });
  const chosen = work.choose(choice);
  const target = "problem" in chosen ? null : describePrey(chosen.prey);
  const every = facts.witness ? `, each of which is tried every ${Math.round(facts.witness.intervalMs)} ms` : "";
  return {
    scenario,
    title: scenarioInfos[scenario].title,
    target,
    steps: work.steps(settings, target ?? "what is chosen then"),
    guards: judgeGuards(facts),
    objective,
    measures: work.isRehearsal
      ? ["RTO: from the beginning until it is built again. RPO: the age of the backup."]
      : [
          `RTO: on each path of the prober${every}, from the last success before clients are interrupted to the first of ${consecutive} in a row after it; the longest counts.`,
          "RPO: from the newest acknowledged write before which none is missing to the last one, by the prober's ledger, which lies outside of what is struck.",
          `Detection: until ${work.alert} or another alert of the service has arrived and opened an incident.`,
        ],
    limits: work.limits,
  };
}

/**
 * Asks for a drill, which the controller carries out: once for its key. Operators; an override is for administrators. Refused
 * (precondition-failed) while a guard rail stands against it.
 */
export async function startDrill(context: DrillContext, input: unknown, key?: unknown): Promise<DrillView> {
  authorise(context, "operator", "begin a drill");
  const { reason, override, ...asked } = parseInput(startDrillSchema, input);
  if (override !== null) authorise(context, "admin", "override a guard rail of drills");
  return once(context, {
    key,
    hash: hashRequest("start drill", { namespace: "", name: subjectName(asked.subject) }, input),
    run: async (keyed) => {
      const { guards } = await preview(context, asked);
      const refusal = refusalOf(guards, override);
      if (refusal !== null) throw new DomainError("precondition-failed", refusal);
      return queueDrill(context, { ...asked, override, reason, scheduleId: null, keyed });
    },
    recall: async ({ id }) => {
      const row = await context.db.drill.findUnique({ where: { auditEntryId: id } });
      return row && viewDrill(row);
    },
  });
}

export type DrillOrder = Asked & { override: string | null; reason: string; scheduleId: string | null; keyed?: Keyed };

/** Writes down a drill to be carried out, with its audit entry. Throws precondition-failed while another one is not over. */
export async function queueDrill(
  context: Pick<DrillContext, "db" | "actor" | "clock" | "requestId">,
  { scenario, subject, settings, override, reason, scheduleId, keyed = notKeyed }: DrillOrder,
): Promise<DrillView> {
  const now = context.clock();
  const objective = await objectiveOf(context.db, subject, scenario);
  const columns = subjectColumns(subject);
  try {
    return await transact(context, async (transaction) => {
      const entry = await writeAudit(transaction, context, {
        verb: "drill",
        targetKind: "drill",
        targetNamespace: columns.namespace,
        targetName: columns.service ?? columns.subject,
        after: toJson({ scenario, settings, override }),
        reason,
        outcome: "succeeded",
        ...keyed,
      });
      const row = await transaction.drill.create({
        data: {
          ...columns,
          scenario,
          scheduleId,
          auditEntryId: entry.id,
          settings: toJson({ ...settings, override }),
          reason: storableText(reason),
          requestedByName: context.actor.name,
          message: "It waits for the controller.",
          rtoObjectiveMs: BigInt(objective.rtoSeconds * 1000),
          rpoObjectiveMs: BigInt(objective.rpoSeconds * 1000),
          createdAt: now,
          run: toJson(firstRun(now)),
          activeKey: "drill",
          events: { create: { at: now, kind: "asked", message: `${context.actor.name} asked for it: ${reason}` } },
        },
      });
      return viewDrill(row);
    });
  } catch (error) {
    if (!isUniqueViolation(error)) throw error;
    const other = await context.db.drill.findFirst({ where: { activeKey: "drill" } });
    if (!other) throw error;
    throw new DomainError("precondition-failed", `${drillName(other)} is not over yet: there is one drill at a time.`);
  }
}

/** Gives a drill up: what it has struck is brought back, and it is inconclusive. Operators. Refused (precondition-failed) once it is over. */
export async function abortDrill(context: Context, id: string, input: unknown): Promise<DrillView> {
  authorise(context, "operator", "abort a drill");
  const { reason } = parseInput(abortDrillSchema, input);
  const now = context.clock();
  return transact(context, async (transaction) => {
    const where = { id: parseId(id, "drill") };
    const { count } = await transaction.drill.updateMany({
      where: { ...where, state: { in: ["queued", "running"] }, abortReason: null },
      data: { abortReason: storableText(reason), abortedByName: context.actor.name },
    });
    const row = await transaction.drill.findUnique({ where });
    if (!row) throw new DomainError("not-found", "There is no drill with this id.");
    if (count === 0) {
      const why = row.finishedAt ? "is over already" : "is being given up already";
      throw new DomainError("precondition-failed", `${drillName(row)} ${why}.`);
    }
    const message = `${context.actor.name} aborted it: ${reason}`;
    await transaction.drillEvent.create({ data: { drillId: row.id, at: now, kind: "abort-asked", message } });
    await writeAudit(transaction, context, {
      verb: "abort",
      targetKind: "drill",
      targetNamespace: row.namespace,
      targetName: row.service ?? row.subject,
      targetUid: row.id,
      reason,
      outcome: "succeeded",
    });
    return viewDrill(row);
  });
}
