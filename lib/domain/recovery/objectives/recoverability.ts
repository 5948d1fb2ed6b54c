import type { Drill } from "#lib/database/generated/client.ts";
import { authorise, type ConsoleContext, translateDatabaseErrors } from "../../context.ts";
import { parseInput } from "../../validation.ts";
import { countedBackups } from "../backups/states.ts";
import { viewBackup } from "../backups/stored.ts";
import { type Scenario, subjectName, subjectSchema } from "../schemas.ts";
import { readObjectives } from "./commands.ts";
import { judgeExposure } from "./exposure.ts";
import { backedScenario, scenarioInfos, scenariosOf } from "./scenarios.ts";
import type { Recoverability, ScenarioStanding } from "./schemas.ts";

/**
 * What a service (or "switchyard") would lose now, and how long each scenario kept it away when it was last tried. Throws
 * invalid-input for what names no subject.
 */
export async function getRecoverability(context: ConsoleContext, input: unknown): Promise<Recoverability> {
  authorise(context, "viewer", "see how recoverable a service is");
  const subject = parseInput(subjectSchema, input);
  const name = subjectName(subject);
  const now = context.clock();
  const scenarios = scenariosOf(subject.kind === "switchyard" ? null : (context.fleet.findKind(name) ?? ""));
  const { db } = context;
  const [own, newest, running, plan, drills] = await translateDatabaseErrors(() =>
    Promise.all([
      readObjectives(db, subject),
      db.backup.findFirst({ where: { subject: name, ...countedBackups }, orderBy: { takenAt: "desc" } }),
      db.backup.findUnique({ where: { activeKey: name } }),
      db.backupPlan.findUnique({ where: { subject: name }, select: { nextBackupAt: true } }),
      db.drill.findMany({
        where: { subject: name, state: "completed", verdict: { not: null }, scenario: { in: scenarios } },
        orderBy: { createdAt: "desc" },
        distinct: ["scenario"],
      }),
    ]),
  );
  const backed = backedScenario(subject.kind === "switchyard");
  const { rpoSeconds } = own.get(backed) ?? scenarioInfos[backed].objective;
  const hasContents = plan !== null || newest !== null || scenarios.includes(backed);
  return {
    subject: name,
    ...judgeExposure({ takenAt: newest?.takenAt ?? null, rpoSeconds, hasContents, now }),
    rpoSeconds,
    newestVerified: newest && viewBackup(newest),
    running: running && viewBackup(running),
    nextBackupAt: plan?.nextBackupAt?.toISOString() ?? null,
    scenarios: scenarios.map((scenario) => standing(scenario, own, drills)),
  };
}

function standing(
  scenario: Scenario,
  own: Awaited<ReturnType<typeof readObjectives>>,
  drills: readonly Drill[],
): ScenarioStanding {
  const { title, objective } = scenarioInfos[scenario];
  const newest = drills.find((drill) => drill.scenario === scenario);
  return {
    scenario,
    title,
    objective: own.get(scenario) ?? objective,
    isOwn: own.has(scenario),
    measured: newest ? measuredBy(newest) : null,
  };
}

function measuredBy(drill: Drill): ScenarioStanding["measured"] {
  const { id, number, createdAt, rtoMs, rpoMs, lostWrites, errorMs, verdict } = drill;
  if (verdict === null) return null;
  return {
    drillId: id,
    drillNumber: number,
    at: createdAt.toISOString(),
    rtoMs: rtoMs === null ? null : Number(rtoMs),
    rpoMs: rpoMs === null ? null : Number(rpoMs),
    lostWrites,
    errorMs,
    verdict,
  };
}
