import { randomUUID } from "node:crypto";
import type { BackupPlan } from "#lib/database/generated/client.ts";
import { toJson } from "#lib/database/storable.ts";
import { type Transaction, transact } from "../../context.ts";
import { switchyard } from "../../incidents/switchyard.ts";
import type { RecoveryContext } from "../context.ts";
import { subjectColumns } from "../schemas.ts";
import { defaultRetention, readContents } from "./plans.ts";
import { queueBackup } from "./queue.ts";
import { queueProof } from "./queue-proof.ts";
import { nextTime } from "./schedule.ts";
import { countedBackups, openStates } from "./states.ts";
import { subjectOf } from "./subjects.ts";

type Scheduler = Pick<RecoveryContext, "db" | "clock" | "logger">;

/**
 * Orders what has fallen due of all plans. What was missed while no controller ran is made up for once, however often it fell due. A
 * plan's next time changes in the transaction of what is ordered, from the time that was read: two controllers order it once.
 */
export async function queueDue(context: Scheduler): Promise<void> {
  const now = context.clock();
  const plans = await context.db.backupPlan.findMany({
    where: { OR: [{ nextBackupAt: { lte: now } }, { nextProofAt: { lte: now } }] },
  });
  for (const plan of plans) {
    try {
      if (plan.nextBackupAt && plan.nextBackupAt <= now) await backUp(context, plan, now);
      if (plan.nextProofAt && plan.nextProofAt <= now) await prove(context, plan, now);
    } catch (error) {
      context.logger.error({ err: error, subject: plan.subject }, "what a plan wants cannot be ordered now");
    }
  }
}

async function backUp(context: Scheduler, plan: BackupPlan, now: Date): Promise<void> {
  const { id, subject, cron, timeZone, nextBackupAt } = plan;
  await transact(context, async (transaction) => {
    const data = { nextBackupAt: nextTime(cron, timeZone, now) };
    const { count } = await transaction.backupPlan.updateMany({ where: { id, nextBackupAt }, data });
    // The one before may take longer than the time between two: they do not pile up.
    if (count === 0 || (await isOpen(transaction, subject))) return;
    const contents = readContents(plan);
    const order = { subject: subjectOf(plan), contents, purpose: "scheduled" as const, reason: `Schedule ${cron}` };
    await queueBackup(transaction, { clock: () => now, requestId: randomUUID() }, { ...order, by: switchyard });
  });
}

async function isOpen(transaction: Transaction, subject: string): Promise<boolean> {
  const where = { subject, purpose: "scheduled" as const, state: { in: [...openStates] } };
  return (await transaction.backup.count({ where })) > 0;
}

async function prove(
  context: Scheduler,
  { id, subject, proveCron, timeZone, nextProofAt }: BackupPlan,
  now: Date,
): Promise<void> {
  await transact(context, async (transaction) => {
    const data = { nextProofAt: nextTime(proveCron, timeZone, now) };
    const { count } = await transaction.backupPlan.updateMany({ where: { id, nextProofAt }, data });
    if (count === 0) return;
    const newest = await transaction.backup.findFirst({ where: { subject, ...countedBackups }, orderBy: { takenAt: "desc" } });
    if (newest) await queueProof(transaction, context, { backupId: newest.id, level: "restored", byName: switchyard.name });
  });
}

const ownCron = "0 3 * * *";
const ownProveCron = "0 4 * * 0";

/** Switchyard backs itself up every night, and tries the newest one every Sunday, until somebody decides otherwise. */
export async function ensureOwnPlan({ db, clock }: Scheduler): Promise<void> {
  const now = clock();
  const timeZone = "UTC";
  const data = {
    ...subjectColumns({ kind: "switchyard" }),
    contents: toJson({ postgres: { address: null, tables: null }, redis: null, objects: false, logHours: null }),
    cron: ownCron,
    timeZone,
    proveCron: ownProveCron,
    retention: toJson(defaultRetention),
    nextBackupAt: nextTime(ownCron, timeZone, now),
    nextProofAt: nextTime(ownProveCron, timeZone, now),
    createdAt: now,
    updatedAt: now,
    updatedByName: switchyard.name,
  };
  await db.backupPlan.createMany({ data: [data], skipDuplicates: true });
}
