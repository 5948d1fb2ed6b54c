import type { Backup } from "#lib/database/generated/client.ts";
import { authorise, type ConsoleContext, translateDatabaseErrors } from "../../context.ts";
import { judgeExposure } from "../objectives/exposure.ts";
import { backedScenario, scenarioInfos, scenariosOf } from "../objectives/scenarios.ts";
import { subjectColumns } from "../schemas.ts";
import type { Coverage } from "./schemas.ts";
import { countedBackups } from "./states.ts";
import { viewBackup } from "./stored.ts";
import { subjectOf } from "./subjects.ts";

type Covered = { subject: string; namespace: string | null; service: string | null; kind: string | null };

/** What each service, and Switchyard itself, would lose now. Those without anything to lose are told of, too. */
export async function listCoverage(context: ConsoleContext): Promise<Coverage[]> {
  authorise(context, "viewer", "see backups");
  const { db } = context;
  const now = context.clock();
  const [plans, newest, verified, objectives] = await translateDatabaseErrors(() =>
    Promise.all([
      db.backupPlan.findMany(),
      db.backup.findMany({ distinct: ["subject"], orderBy: [{ subject: "asc" }, { createdAt: "desc" }] }),
      db.backup.findMany({
        where: countedBackups,
        distinct: ["subject"],
        orderBy: [{ subject: "asc" }, { takenAt: "desc" }],
      }),
      db.recoveryObjective.findMany(),
    ]),
  );
  const planOf = new Map(plans.map((plan) => [plan.subject, plan]));
  const newestOf = new Map(newest.map((backup) => [backup.subject, backup]));
  const verifiedOf = new Map(verified.map((backup) => [backup.subject, backup]));
  return listSubjects(context, [...plans, ...newest]).map((covered) => {
    const { subject, kind } = covered;
    const plan = planOf.get(subject) ?? null;
    const last = newestOf.get(subject) ?? null;
    const good = verifiedOf.get(subject) ?? null;
    const scenario = backedScenario(subjectOf(covered).kind === "switchyard");
    const own = objectives.find((one) => one.subject === subject && one.scenario === scenario);
    const rpoSeconds = own?.rpoSeconds ?? scenarioInfos[scenario].objective.rpoSeconds;
    const isOwn = subjectOf(covered).kind === "switchyard";
    const hasContents = plan !== null || last !== null || scenariosOf(isOwn ? null : (kind ?? "")).includes(scenario);
    return {
      ...covered,
      plan: {
        isSet: plan !== null,
        cron: plan?.cron ?? null,
        timeZone: plan?.timeZone ?? "UTC",
        nextBackupAt: plan?.nextBackupAt?.toISOString() ?? null,
      },
      newest: last && viewBackup(last),
      newestVerified: good && viewBackup(good),
      ...judgeExposure({ takenAt: good?.takenAt ?? null, rpoSeconds, hasContents, now }),
      rpoSeconds,
    };
  });
}

/** Switchyard, the services that are there, and those that are gone but have backups or a plan. */
function listSubjects({ fleet }: ConsoleContext, rows: readonly Pick<Backup, "subject" | "namespace" | "service">[]): Covered[] {
  const all = new Map<string, Covered>();
  const own = subjectColumns({ kind: "switchyard" });
  all.set(own.subject, { ...own, kind: null });
  for (const { id, namespace, name, kind } of fleet.listServices()) {
    all.set(id, { subject: id, namespace, service: name, kind });
  }
  for (const { subject, namespace, service } of rows) {
    if (!all.has(subject)) all.set(subject, { subject, namespace, service, kind: null });
  }
  return [...all.values()].sort((a, b) => a.subject.localeCompare(b.subject));
}
