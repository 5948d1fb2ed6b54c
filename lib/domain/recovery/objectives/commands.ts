import type { Database } from "#lib/database/client.ts";
import { writeAudit } from "../../audit.ts";
import { authorise, type Context, type Transaction, transact } from "../../context.ts";
import { DomainError } from "../../errors.ts";
import { parseInput } from "../../validation.ts";
import { type Objective, type Scenario, type Subject, subjectColumns, subjectName, subjectSchema } from "../schemas.ts";
import { scenarioInfos } from "./scenarios.ts";
import { clearObjectiveSchema, setObjectiveSchema } from "./schemas.ts";

type Reader = Pick<Database | Transaction, "recoveryObjective">;

/** What a scenario may cost a subject: what somebody has set, else what the guides say. */
export async function objectiveOf(db: Reader, subject: Subject, scenario: Scenario): Promise<Objective> {
  return (await readObjectives(db, subject)).get(scenario) ?? scenarioInfos[scenario].objective;
}

/** What somebody has set for a subject, by scenario. */
export async function readObjectives(db: Reader, subject: Subject): Promise<Map<Scenario, Objective>> {
  const rows = await db.recoveryObjective.findMany({ where: { subject: subjectName(subject) } });
  return new Map(rows.map(({ scenario, rtoSeconds, rpoSeconds }) => [scenario as Scenario, { rtoSeconds, rpoSeconds }]));
}

/** Holds a subject to other objectives than the guides'. Administrators. Throws invalid-input. */
export async function setRecoveryObjective(context: Context, named: unknown, input: unknown): Promise<Objective> {
  authorise(context, "admin", "set recovery objectives");
  const subject = parseInput(subjectSchema, named);
  const { scenario, rtoSeconds, rpoSeconds, reason } = parseInput(setObjectiveSchema, input);
  const after = { rtoSeconds, rpoSeconds };
  await transact(context, async (transaction) => {
    const before = await objectiveOf(transaction, subject, scenario);
    const row = { ...after, updatedAt: context.clock(), updatedByName: context.actor.name };
    const key = { subject: subjectName(subject), scenario };
    await transaction.recoveryObjective.upsert({
      where: { subject_scenario: key },
      create: { ...key, ...row },
      update: row,
    });
    await writeAudit(transaction, context, { ...auditedAs(subject), verb: "set", before, after: { scenario, ...after }, reason });
  });
  return after;
}

/** The guides' objective counts again. Administrators. Throws not-found where nobody has set another one. */
export async function clearRecoveryObjective(context: Context, named: unknown, input: unknown): Promise<Objective> {
  authorise(context, "admin", "set recovery objectives");
  const subject = parseInput(subjectSchema, named);
  const { scenario, reason } = parseInput(clearObjectiveSchema, input);
  const { objective: after } = scenarioInfos[scenario];
  await transact(context, async (transaction) => {
    const before = await objectiveOf(transaction, subject, scenario);
    const { count } = await transaction.recoveryObjective.deleteMany({ where: { subject: subjectName(subject), scenario } });
    if (count === 0) throw new DomainError("not-found", "Nobody has set another objective than the guides'.");
    await writeAudit(transaction, context, {
      ...auditedAs(subject),
      verb: "clear",
      before,
      after: { scenario, ...after },
      reason,
    });
  });
  return after;
}

function auditedAs(subject: Subject) {
  const { namespace, service } = subjectColumns(subject);
  return {
    targetKind: "recovery-objectives",
    targetNamespace: namespace,
    targetName: service ?? subjectName(subject),
    outcome: "succeeded",
  } as const;
}
