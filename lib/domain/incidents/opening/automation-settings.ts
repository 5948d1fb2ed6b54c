import { z } from "zod";
import type { Database } from "#lib/database/client.ts";
import { writeAudit } from "../../audit.ts";
import { authorise, type Context, type Transaction, transact, translateDatabaseErrors } from "../../context.ts";
import { parseInput } from "../../validation.ts";
import { severities } from "../schemas.ts";

const settingKey = "incidents.automation";

const ruleSchema = z.object({ isOn: z.boolean(), severity: z.enum(severities) });

/** GET and PUT /api/incidents/settings/automation: what opens incidents by itself, and when one may be resolved. */
export const automationSchema = z.object({
  opening: z.object({
    /** Alerts whose severity is critical or page. */
    criticalAlerts: ruleSchema,
    /** Alerts of these names, whatever their severity. */
    namedAlerts: ruleSchema.extend({ names: z.array(z.string().trim().min(1).max(200)).max(100, "Name at most 100 alerts.") }),
    /** Rollouts that Switchyard aborted or that failed; not those that a person gave up. */
    rollouts: ruleSchema,
  }),
  /** For how long the alerts of an incident must have been over before it may be resolved. */
  clearSeconds: z.int("Give whole seconds.").min(0, "Give 0 or more.").max(86_400, "Give at most a day."),
});
export type Automation = z.infer<typeof automationSchema>;

export const defaultAutomation: Automation = {
  opening: {
    criticalAlerts: { isOn: true, severity: "P1" },
    namedAlerts: { isOn: true, severity: "P2", names: [] },
    rollouts: { isOn: true, severity: "P3" },
  },
  clearSeconds: 300,
};

/** The demo's alerts look at seconds, not at minutes. */
export const demoAutomation: Automation = {
  opening: { ...defaultAutomation.opening, namedAlerts: { isOn: true, severity: "P2", names: ["RelayHighLatency"] } },
  clearSeconds: 10,
};

/** What Switchyard does with incidents by itself. */
export async function getAutomation(context: Context): Promise<Automation> {
  authorise(context, "viewer", "see what opens incidents");
  return translateDatabaseErrors(() => readAutomation(context.db));
}

/** Changes what Switchyard does with incidents by itself. Administrators; audited. */
export async function setAutomation(context: Context, input: unknown): Promise<Automation> {
  authorise(context, "admin", "change what opens incidents");
  const value = parseInput(automationSchema, input);
  const { actor, clock } = context;
  await transact(context, async (transaction) => {
    const before = await readAutomation(transaction);
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

/** Writes what an installation begins with, such as the demo's short times; what somebody has set stays. */
export async function ensureAutomation(db: Database, value: Automation, now: Date): Promise<void> {
  const row = { key: settingKey, value, updatedAt: now, updatedByName: "Switchyard" };
  await db.setting.createMany({ data: [row], skipDuplicates: true });
}

/** The setting as it is, or its default. */
export async function readAutomation(db: Pick<Database | Transaction, "setting">): Promise<Automation> {
  const row = await db.setting.findUnique({ where: { key: settingKey } });
  return row ? automationSchema.parse(row.value) : defaultAutomation;
}
