import type { BackupPlan } from "#lib/database/generated/client.ts";
import type { RecoveryContext } from "../context.ts";
import { backedScenario, scenarioInfos } from "../objectives/scenarios.ts";
import { longestGapSeconds, nextTime } from "./schedule.ts";
import { countedBackups } from "./states.ts";
import { subjectOf } from "./subjects.ts";

/** What the alert rules have to know of a subject's backups. */
export type BackupFigures = {
  /** "" for Switchyard itself. */
  namespace: string;
  service: string;
  /** As of when the newest verified one is, Unix time; null: there is none. */
  lastVerifiedSeconds: number | null;
  /** How old that may be; null: nobody has asked for backups. */
  objectiveSeconds: number | null;
  /** Whether the last one that ended, not counting cancelled ones, failed or lacks a part, or the newest proof found a fault. */
  isFailing: boolean;
};

/**
 * The figures of every subject that has a plan, an objective of its own or a backup. An objective that somebody set counts as it is; else
 * the guides' where a schedule can hold it, else what the schedule promises: an alert that no schedule could silence would help nobody.
 */
export async function readBackupFigures({ db, clock }: Pick<RecoveryContext, "db" | "clock">): Promise<BackupFigures[]> {
  const now = clock();
  const [plans, verified, ended, objectives] = await Promise.all([
    db.backupPlan.findMany(),
    db.backup.findMany({
      where: countedBackups,
      distinct: ["subject"],
      orderBy: [{ subject: "asc" }, { takenAt: "desc" }],
    }),
    db.backup.findMany({
      // What was to save the present before a restore is the restore's to tell of.
      where: { state: { in: ["completed", "partial", "failed"] }, cancelledByName: null, purpose: { not: "before_restore" } },
      distinct: ["subject"],
      orderBy: [{ subject: "asc" }, { createdAt: "desc" }],
    }),
    db.recoveryObjective.findMany({ where: { scenario: { in: [backedScenario(false), backedScenario(true)] } } }),
  ]);
  const subjects = new Map(
    [...plans, ...ended, ...objectives.map(({ subject }) => ({ subject, ...columnsOf(subject) }))].map(
      ({ subject, namespace, service }) => [subject, { subject, namespace, service }],
    ),
  );
  return [...subjects.values()].map(({ subject, namespace, service }) => {
    const plan = plans.find((one) => one.subject === subject);
    const scenario = backedScenario(subjectOf({ namespace, service }).kind === "switchyard");
    const own = objectives.find((one) => one.subject === subject && one.scenario === scenario);
    const last = ended.find((one) => one.subject === subject);
    const takenAt = verified.find((one) => one.subject === subject)?.takenAt ?? null;
    const promised = plan ? promisedSeconds(plan, takenAt !== null, now) : null;
    const guides = scenarioInfos[scenario].objective.rpoSeconds;
    return {
      namespace: namespace ?? "",
      service: service ?? subject,
      lastVerifiedSeconds: takenAt && takenAt.getTime() / 1000,
      objectiveSeconds: own?.rpoSeconds ?? (promised === null ? null : Math.max(guides, promised)),
      isFailing: last !== undefined && (last.state !== "completed" || last.proof === "failed"),
    };
  });
}

/** How old the newest one may get by the schedule, and a tenth for making it. Nothing before the first one was due. */
function promisedSeconds({ cron, timeZone, updatedAt }: BackupPlan, hasOne: boolean, now: Date): number | null {
  const firstDue = nextTime(cron, timeZone, updatedAt);
  if (cron === null || (!hasOne && (firstDue === null || firstDue > now))) return null;
  const gap = longestGapSeconds(cron, timeZone, now);
  return gap === null ? null : Math.round(gap * 1.1);
}

function columnsOf(subject: string): { namespace: string | null; service: string | null } {
  const [namespace = null, service = null] = subject.split("/");
  return service === null ? { namespace: null, service: null } : { namespace, service };
}
