import type { Database } from "#lib/database/client.ts";
import { writeAudit } from "../../audit.ts";
import { authorise, type Context, type Transaction, transact, translateDatabaseErrors } from "../../context.ts";
import { parseInput } from "../../validation.ts";
import { type EscalationSettings, escalationSchema, type Severity, severityInfos } from "../schemas.ts";

const settingKey = "incidents.escalation";

/** The guides' figures. */
export const defaultEscalation: EscalationSettings = {
  minutes: {
    P1: severityInfos.P1.escalateAfterMinutes,
    P2: severityInfos.P2.escalateAfterMinutes,
    P3: severityInfos.P3.escalateAfterMinutes,
    P4: severityInfos.P4.escalateAfterMinutes,
  },
};

/** After how long without an acknowledgement people are told again, by severity. */
export async function getEscalation(context: Context): Promise<EscalationSettings> {
  authorise(context, "viewer", "see when incidents escalate");
  return translateDatabaseErrors(() => readEscalation(context.db));
}

/** Changes after how long people are told again; incidents that are open keep the time that they have. Administrators; audited. */
export async function setEscalation(context: Context, input: unknown): Promise<EscalationSettings> {
  authorise(context, "admin", "change when incidents escalate");
  const value = parseInput(escalationSchema, input);
  const { actor, clock } = context;
  await transact(context, async (transaction) => {
    const before = await readEscalation(transaction);
    const row = { value, updatedAt: clock(), updatedByName: actor.name };
    await transaction.setting.upsert({ where: { key: settingKey }, create: { key: settingKey, ...row }, update: row });
    await writeAudit(transaction, context, {
      verb: "update",
      targetKind: "setting",
      targetName: settingKey,
      before,
      after: value,
      outcome: "succeeded",
    });
  });
  return value;
}

/** The setting as it is, or its default. */
export async function readEscalation(db: Pick<Database | Transaction, "setting">): Promise<EscalationSettings> {
  const row = await db.setting.findUnique({ where: { key: settingKey } });
  return row ? escalationSchema.parse(row.value) : defaultEscalation;
}

/** When people are told again if nobody acknowledges it from `from` on; null: never. */
export function escalatesAfter({ minutes }: EscalationSettings, severity: Severity, from: Date): Date | null {
  const after = minutes[severity];
  return after === null ? null : new Date(from.getTime() + after * 60_000);
}
