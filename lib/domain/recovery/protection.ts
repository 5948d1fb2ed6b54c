import type { Database, Prisma } from "#lib/database/client.ts";
import { toJson } from "#lib/database/storable.ts";
import { switchyard } from "../incidents/switchyard.ts";
import { nextTime } from "./backups/schedule.ts";
import type { Contents, Retention } from "./backups/schemas.ts";
import { drillScheduleSchema } from "./drills/schemas.ts";
import { backedScenario, scenarioInfos } from "./objectives/scenarios.ts";
import { type Scenario, type Subject, subjectColumns, subjectName } from "./schemas.ts";

/** What an installation begins with: what is saved of whom, and what is tried. */
export type Protection = {
  plans: {
    subject: Subject;
    contents: Contents;
    cron: string;
    proveCron: string;
    retention: Retention;
    /** What the schedule can hold: the subject is held to that instead of the guides' objective. */
    rpoSeconds: number;
    firstBackupAt: Date;
  }[];
  drills: { scenario: Scenario; subject: Subject; cron: string }[];
};

const timeZone = "UTC";
const begunKey = "recovery.protection";

/**
 * Gives an installation its first plans, objectives and drill schedules, once: what people change or remove afterwards stays so, also
 * over later starts. A plan that is there already stays with the objective that it has.
 */
export async function ensureProtection(db: Database, { plans, drills }: Protection, now: Date): Promise<void> {
  const written = { updatedAt: now, updatedByName: switchyard.name };
  await db.$transaction(async (transaction) => {
    const begun = { key: begunKey, value: { begun: true }, ...written };
    const { count } = await transaction.setting.createMany({ data: [begun], skipDuplicates: true });
    if (count === 0) return;
    for (const plan of plans) await beginPlan(transaction, plan, { now, written });
    const data = drills.map(({ scenario, subject, cron }) => ({
      ...subjectColumns(subject),
      scenario,
      settings: toJson(drillScheduleSchema.shape.settings.parse(undefined)),
      cron,
      timeZone,
      isEnabled: true,
      nextAt: nextTime(cron, timeZone, now),
      createdAt: now,
      ...written,
    }));
    await transaction.drillSchedule.createMany({ data, skipDuplicates: true });
  });
}

type Written = { now: Date; written: { updatedAt: Date; updatedByName: string } };

async function beginPlan(transaction: Prisma.TransactionClient, plan: Protection["plans"][number], { now, written }: Written) {
  const { subject, contents, retention, rpoSeconds, firstBackupAt, cron, proveCron } = plan;
  const data = {
    ...subjectColumns(subject),
    contents: toJson(contents),
    cron,
    timeZone,
    proveCron,
    retention: toJson(retention),
    nextBackupAt: firstBackupAt,
    nextProofAt: nextTime(proveCron, timeZone, now),
    createdAt: now,
    ...written,
  };
  const { count } = await transaction.backupPlan.createMany({ data: [data], skipDuplicates: true });
  if (count === 0) return;
  const scenario = backedScenario(subject.kind === "switchyard");
  const { rtoSeconds } = scenarioInfos[scenario].objective;
  const objective = { subject: subjectName(subject), scenario, rtoSeconds, rpoSeconds, ...written };
  await transaction.recoveryObjective.createMany({ data: [objective], skipDuplicates: true });
}
