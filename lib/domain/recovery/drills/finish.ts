import type { Drill } from "#lib/database/generated/client.ts";
import { toJson } from "#lib/database/storable.ts";
import type { Context } from "../../context.ts";
import { transact } from "../../context.ts";
import { describeAbout } from "../../fleet/about.ts";
import { createItem } from "../../incidents/action-items/commands.ts";
import { reopenUnproven } from "../../incidents/action-items/watch.ts";
import { scenarioInfos } from "../objectives/scenarios.ts";
import type { Scenario } from "../schemas.ts";
import { endDrillIncident, openDrillIncident } from "./incident.ts";
import type { Measured } from "./report.ts";
import type { DrillRun } from "./run.ts";
import { scenarioWorks } from "./scenarios/all.ts";
import type { Standing } from "./standing.ts";
import { storeDrill } from "./store.ts";
import { drillKey, drillName } from "./stored.ts";
import { judgeDrill } from "./verdict.ts";

const daysToMend = 14;

type Ending = { run: DrillRun; measured: Measured; gaps: string[]; subject: Standing | null };

/** Judges a drill and ends it: its report is kept, its incident resolved, and a miss has an action item. */
export async function finishDrill(context: Context, row: Drill, { run, measured, gaps, subject }: Ending): Promise<void> {
  const { rtoMs, rpoMs, lostWrites, errorMs, recoveredAt, report } = measured;
  const work = scenarioWorks[row.scenario as Scenario];
  const { verdict, message } = judgeDrill({
    rtoObjectiveMs: Number(row.rtoObjectiveMs),
    rpoObjectiveMs: Number(row.rpoObjectiveMs),
    rtoMs,
    rpoMs,
    lostWrites,
    errorMs,
    isFaultConfirmed: run.strike?.confirmedAt != null,
    isAborted: run.abort?.reason ?? null,
    gaps,
    leftOver: run.leftOver,
    isUndetected: work.alert !== null && run.alert === null,
    failedChecks: report.checks.filter(({ passed }) => !passed).map(({ name, found }) => `${name}: ${found}`),
    isRehearsal: work.isRehearsal,
  });
  const now = context.clock();
  const ended = { name: drillKey(row), message };
  let { incidentId } = row;
  if (verdict === "missed") {
    incidentId ??= await transact(context, (transaction) =>
      openDrillIncident(transaction, context, row, {
        episodes: [],
        impactStartedAt: row.faultAt ?? now,
        detectedAt: now,
        why: "No alert had opened one.",
      }),
    );
    await reopenUnproven(context, { kind: "drill", ...ended, at: now });
  }
  const actionItemId = verdict === "missed" && incidentId ? await mend(context, row, { incidentId, message, subject }) : null;
  if (incidentId) await endDrillIncident(context, row, incidentId, message);
  const isOver = run.abort ? "aborted" : run.leftOver ? "failed" : "completed";
  await storeDrill(context, row, {
    run,
    data: {
      state: isOver,
      verdict,
      message,
      rtoMs: rtoMs === null ? null : BigInt(Math.round(rtoMs)),
      rpoMs: rpoMs === null ? null : BigInt(Math.round(rpoMs)),
      lostWrites,
      errorMs,
      recoveredAt: recoveredAt === null ? null : new Date(recoveredAt),
      finishedAt: now,
      activeKey: null,
      report: toJson(report),
      incidentId,
      actionItemId,
    },
    events: [
      { kind: "ended", message: `${verdict === "met" ? "Met" : verdict === "missed" ? "Missed" : "Inconclusive"}. ${message}` },
    ],
  });
}

type Mending = { incidentId: string; message: string; subject: Standing | null };

/** The action item of a miss: it is proven by the same drill. */
async function mend(context: Context, row: Drill, { incidentId, message, subject }: Mending): Promise<string> {
  const due = new Date(context.clock().getTime() + daysToMend * 86_400_000).toISOString().slice(0, 10);
  const owner = (subject && describeAbout(subject.workload).owner) ?? row.requestedByName;
  const { title } = scenarioInfos[row.scenario as Scenario];
  const item = await createItem(
    context,
    {
      incidentId,
      title: `${title} of ${row.subject} missed its objective in ${drillName(row)}: ${message}`.slice(0, 300),
      type: "mitigate",
      owner: owner.slice(0, 100),
      dueOn: due,
      proof: { kind: "drill", drill: drillKey(row) },
    },
    `drill-${row.id}-item`,
  );
  return item.id;
}
