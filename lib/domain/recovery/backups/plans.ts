import type { Prisma } from "#lib/database/client.ts";
import type { BackupPlan } from "#lib/database/generated/client.ts";
import { toJson } from "#lib/database/storable.ts";
import { KubernetesError } from "#lib/kubernetes/errors.ts";
import { parseStorageUrl } from "#lib/storage/settings.ts";
import { writeAudit } from "../../audit.ts";
import { authorise, type Context, transact, translateDatabaseErrors } from "../../context.ts";
import { DomainError } from "../../errors.ts";
import { parseInput } from "../../validation.ts";
import { type Subject, subjectColumns, subjectName, subjectSchema } from "../schemas.ts";
import { discoverContents } from "../sources/discover.ts";
import { judgeRetention } from "./retention.ts";
import { nextTime, refuseSchedule } from "./schedule.ts";
import {
  type Contents,
  contentsSchema,
  type PlanAnswer,
  type PlanView,
  planSchema,
  type Retention,
  type RetentionPreview,
  retentionPreviewSchema,
} from "./schemas.ts";
import { goodBackups } from "./states.ts";

/** What is kept where nobody has said otherwise: a week of days, a month of weeks, half a year of months. */
export const defaultRetention: Retention = { keepLast: 7, keepDaily: 7, keepWeekly: 4, keepMonthly: 6 };

/** The plan of a subject: what somebody has set, else what is found by itself and made on demand only. */
export async function planOf(context: Pick<Context, "db" | "kubernetes">, subject: Subject): Promise<PlanView> {
  const row = await translateDatabaseErrors(() => context.db.backupPlan.findUnique({ where: { subject: subjectName(subject) } }));
  if (row) return viewPlan(row);
  return {
    ...subjectColumns(subject),
    isSet: false,
    contents: await discoverContents(context, subject),
    cron: null,
    timeZone: "UTC",
    proveCron: null,
    retention: defaultRetention,
    nextBackupAt: null,
    nextProofAt: null,
    updatedAt: null,
    updatedBy: null,
  };
}

/** One plan, named as input names a subject, with what would be found now. Throws invalid-input, not-found. */
export async function getPlan(context: Context, name: unknown): Promise<PlanAnswer> {
  authorise(context, "viewer", "see backup plans");
  const subject = parseInput(subjectSchema, name);
  const plan = await planOf(context, subject);
  return { ...plan, found: plan.isSet ? await findNow(context, subject) : plan.contents };
}

/** What is found by itself now; null when the cluster cannot say. */
async function findNow(context: Context, subject: Subject): Promise<Contents | null> {
  try {
    return await discoverContents(context, subject);
  } catch (error) {
    if (error instanceof KubernetesError) return null;
    throw error;
  }
}

/** Every plan that somebody has set, by subject. */
export async function listPlans(context: Context): Promise<PlanView[]> {
  authorise(context, "viewer", "see backup plans");
  const rows = await translateDatabaseErrors(() => context.db.backupPlan.findMany({ orderBy: { subject: "asc" } }));
  return rows.map(viewPlan);
}

/** Sets what is backed up of a subject, when, and for how long it is kept. Administrators. Throws invalid-input. */
export async function savePlan(
  context: Context,
  { subject: name, body }: { subject: unknown; body: unknown },
): Promise<PlanView> {
  authorise(context, "admin", "set a backup plan");
  const subject = parseInput(subjectSchema, name);
  const { reason, ...plan } = parseInput(planSchema, body);
  refuseBad("cron", plan.cron, plan.timeZone);
  refuseBad("proveCron", plan.proveCron, plan.timeZone);
  refuseNoPlace(plan.contents);
  const now = context.clock();
  const data = {
    ...subjectColumns(subject),
    ...plan,
    contents: toJson(plan.contents),
    retention: toJson(plan.retention),
    nextBackupAt: nextTime(plan.cron, plan.timeZone, now),
    nextProofAt: nextTime(plan.proveCron, plan.timeZone, now),
    updatedAt: now,
    updatedByName: context.actor.name,
  };
  return transact(context, async (transaction) => {
    const key = { subject: data.subject };
    const before = await transaction.backupPlan.findUnique({ where: key });
    const row = await transaction.backupPlan.upsert({ where: key, create: { ...data, createdAt: now }, update: data });
    await writeAudit(transaction, context, {
      verb: "set",
      targetKind: "backup-plan",
      targetNamespace: data.namespace,
      targetName: data.service ?? data.subject,
      before: before && toJson(asSet(before)),
      after: toJson(asSet(row)),
      reason,
      outcome: "succeeded",
    });
    return viewPlan(row);
  });
}

/** What would stay and what would go of a subject's backups under a retention that nobody has saved yet. */
export async function previewRetention(context: Context, input: unknown): Promise<RetentionPreview> {
  authorise(context, "viewer", "see backup plans");
  const { subject, timeZone, ...retention } = parseInput(retentionPreviewSchema, input);
  const rows = await translateDatabaseErrors(() =>
    context.db.backup.findMany({
      where: { subject: subjectName(subject), ...goodBackups, takenAt: { not: null } } satisfies Prisma.BackupWhereInput,
      orderBy: { takenAt: "desc" },
      select: { id: true, number: true, takenAt: true, pinnedAt: true, purpose: true },
    }),
  );
  const taken = rows.map(({ takenAt, ...row }) => ({
    ...row,
    takenAt: takenAt as Date,
    isPinned: row.pinnedAt !== null,
    isSafetyCopy: row.purpose === "before_restore",
  }));
  const reasons = judgeRetention(taken, retention, timeZone);
  const all = taken.map(({ id, number, takenAt }) => ({
    id,
    number,
    takenAt: takenAt.toISOString(),
    keptFor: reasons.get(id) ?? [],
  }));
  return { keep: all.filter(({ keptFor }) => keptFor.length > 0), remove: all.filter(({ keptFor }) => keptFor.length === 0) };
}

/** A plan as pages and scripts see it. */
export function viewPlan(row: BackupPlan): PlanView {
  return {
    subject: row.subject,
    namespace: row.namespace,
    service: row.service,
    isSet: true,
    ...asSet(row),
    nextBackupAt: row.nextBackupAt?.toISOString() ?? null,
    nextProofAt: row.nextProofAt?.toISOString() ?? null,
    updatedAt: row.updatedAt.toISOString(),
    updatedBy: row.updatedByName,
  };
}

/** What people set, without when it falls due. */
function asSet(row: BackupPlan) {
  const { cron, timeZone, proveCron } = row;
  return { contents: readContents(row), cron, timeZone, proveCron, retention: row.retention as Retention };
}

/** The contents column of a plan or a backup. */
export function readContents({ contents }: { contents: Prisma.JsonValue }): Contents {
  return contentsSchema.parse(contents);
}

/** The schema, which browsers read, knows less of places than the storage does. */
function refuseNoPlace({ postgres }: Contents): void {
  if (postgres?.walArchive === undefined) return;
  try {
    parseStorageUrl(postgres.walArchive);
  } catch (error) {
    const { message } = error as Error;
    throw new DomainError("invalid-input", message, { fields: { "contents.postgres.walArchive": [message] } });
  }
}

function refuseBad(field: "cron" | "proveCron", cron: string | null, timeZone: string): void {
  const problem = cron === null ? null : refuseSchedule(cron, timeZone);
  if (problem !== null) throw new DomainError("invalid-input", problem, { fields: { [field]: [problem] } });
}
