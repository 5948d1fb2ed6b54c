import type { Drill, DrillSchedule, Prisma } from "#lib/database/generated/client.ts";
import { scenarioInfos } from "../objectives/scenarios.ts";
import type { Scenario, Subject } from "../schemas.ts";
import { type DrillRun, describePrey } from "./run.ts";
import { type DrillScheduleView, type DrillSettings, type DrillView, drillSettingsSchema } from "./schemas.ts";

/** "DR-7": how a drill is named in sentences. */
export const drillName = ({ number }: { number: number }): string => `DR-${number}`;

/** "instance fleet/relay": by what action items know a drill, whenever it is carried out. */
export const drillKey = ({ scenario, subject }: Pick<Drill, "scenario" | "subject">): string => `${scenario} ${subject}`;

/** A drill's settings as it was asked for; what an older version left out has its default. */
export const settingsOf = ({ settings }: Pick<Drill, "settings">): DrillSettings => drillSettingsSchema.parse(settings);

/** An administrator's word for the guard rails that ask for one. */
export function overrideOf({ settings }: Pick<Drill, "settings">): string | null {
  const given = settings as { override?: unknown };
  return typeof given.override === "string" ? given.override : null;
}

export const subjectOf = ({ namespace, service }: Pick<Drill, "namespace" | "service">): Subject =>
  namespace !== null && service !== null ? { kind: "service", ref: { namespace, name: service } } : { kind: "switchyard" };

export function viewDrill(row: Omit<Drill, "report">): DrillView {
  const scenario = row.scenario as Scenario;
  return {
    id: row.id,
    number: row.number,
    scenario,
    title: scenarioInfos[scenario].title,
    subject: row.subject,
    namespace: row.namespace,
    service: row.service,
    state: row.state,
    verdict: row.verdict,
    message: row.message,
    reason: row.reason,
    requestedBy: row.requestedByName,
    target: targetOf(row),
    abortedBy: row.abortedByName,
    abortReason: row.abortReason,
    scheduleId: row.scheduleId,
    rtoObjectiveMs: Number(row.rtoObjectiveMs),
    rpoObjectiveMs: Number(row.rpoObjectiveMs),
    rtoMs: numberOf(row.rtoMs),
    rpoMs: numberOf(row.rpoMs),
    lostWrites: row.lostWrites,
    errorMs: row.errorMs,
    createdAt: row.createdAt.toISOString(),
    startedAt: timeOf(row.startedAt),
    faultAt: timeOf(row.faultAt),
    detectedAt: timeOf(row.detectedAt),
    recoveredAt: timeOf(row.recoveredAt),
    finishedAt: timeOf(row.finishedAt),
    incidentId: row.incidentId,
    actionItemId: row.actionItemId,
  };
}

/** What was chosen to be struck, or what was asked for. */
function targetOf(row: Pick<Drill, "run" | "settings">): string | null {
  const { prey } = row.run as unknown as DrillRun;
  return prey ? describePrey(prey) : settingsOf(row).target;
}

export const withLastDrill = {
  drills: { orderBy: { createdAt: "desc" }, take: 1 },
} as const satisfies Prisma.DrillScheduleInclude;

export function viewSchedule(row: DrillSchedule & { drills: Drill[] }): DrillScheduleView {
  const scenario = row.scenario as Scenario;
  const [last] = row.drills.map(viewDrill);
  return {
    id: row.id,
    scenario,
    title: scenarioInfos[scenario].title,
    subject: row.subject,
    settings: settingsOf(row),
    cron: row.cron,
    timeZone: row.timeZone,
    isEnabled: row.isEnabled,
    nextAt: timeOf(row.nextAt),
    last: last ? { id: last.id, number: last.number, state: last.state, verdict: last.verdict, createdAt: last.createdAt } : null,
    updatedAt: row.updatedAt.toISOString(),
    updatedBy: row.updatedByName,
  };
}

const numberOf = (value: bigint | null) => (value === null ? null : Number(value));
const timeOf = (value: Date | null) => value?.toISOString() ?? null;
