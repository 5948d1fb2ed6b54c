import { randomUUID } from "node:crypto";
import { toJson } from "#lib/database/storable.ts";
import type { PrometheusClient } from "#lib/prometheus/client.ts";
import { writeAudit } from "../../audit.ts";
import { type Context, type Transaction, transact } from "../../context.ts";
import { formatUtc } from "../../times.ts";
import { systemActor } from "../../users/commands.ts";
import { lockIncident } from "../stored.ts";
import { appendTimeline } from "../timeline/timeline.ts";
import { auditedAs } from "../write.ts";
import { isBad } from "./indicators.ts";
import type { Point, StoredRecovery, WatchedIndicator } from "./recovery.ts";
import { readPoints } from "./series-reader.ts";
import { counted } from "./standing.ts";
import { formatIndicator } from "./verdict.ts";
import type { WatchedIncident } from "./watch.ts";

/** What nobody has said is measured; what a person said stands. */
const measurable: readonly string[] = ["alert", "unknown"];
const chunkSeconds = 1_800;
/** An impact that began earlier than this before it was noticed is a person's to date. */
const mostSeconds = 24 * 3600;

type FirstBad = { at: number; service: WatchedIncident["services"][number]; indicator: WatchedIndicator };

/**
 * Sets the start of an incident's impact to the first bad point that reaches its alert's start, or its detection, without a gap: once,
 * with a row of the timeline and of the audit, and only while no person has said when it began.
 */
export async function measureImpact(
  context: Pick<Context, "db" | "clock" | "logger">,
  prometheus: PrometheusClient,
  incident: WatchedIncident,
  stepSeconds: number,
): Promise<void> {
  if (!measurable.includes(incident.impactStartSource)) return;
  const noticedAt = incident.impactStartSource === "alert" ? incident.impactStartedAt : incident.detectedAt;
  const rows = await readRows(context, incident);
  const due = rows.filter(
    ({ state }) =>
      state.soughtFrom !== noticedAt.toISOString() &&
      counted(state).every(({ lookedAt }) => Date.parse(lookedAt) >= noticedAt.getTime()),
  );
  // Each service is measured to that time, so that the first of all is taken.
  if (due.length === 0 || due.length < rows.length || rows.length < incident.services.length) return;
  const found: FirstBad[] = [];
  for (const { service, state } of due) {
    for (const indicator of counted(state)) {
      const first = await findFirstBad(prometheus, indicator, noticedAt.getTime(), stepSeconds);
      if (first === null) continue;
      const changes = await listChanges(context, service, { from: first, to: noticedAt.getTime() });
      const at = startAfterChanges(first, changes, { windowMs: state.windowSeconds * 1000, stepMs: stepSeconds * 1000 });
      found.push({ at: Math.min(at, noticedAt.getTime()), service, indicator });
    }
  }
  const [first] = found.toSorted((a, b) => a.at - b.at);
  await transact(context, async (transaction) => {
    await markSought(transaction, incident.id, noticedAt);
    if (first) await setImpact(context, transaction, incident, { ...first, noticedAt });
  });
}

type Row = { service: WatchedIncident["services"][number]; state: StoredRecovery };

async function readRows({ db }: Pick<Context, "db">, { id, services, impactStartedAt }: WatchedIncident): Promise<Row[]> {
  const rows = await db.incidentRecovery.findMany({ where: { incidentId: id } });
  return services.flatMap((service) => {
    const row = rows.find((one) => one.namespace === service.namespace && one.service === service.name);
    const state = row ? (row.state as unknown as StoredRecovery) : null;
    return state?.impactStartedAt === impactStartedAt.toISOString() ? [{ service, state }] : [];
  });
}

/** The time in milliseconds of the first of the bad points that reach `until` without a gap; null where there are none. */
export async function findFirstBad(
  prometheus: PrometheusClient,
  indicator: WatchedIndicator,
  until: number,
  stepSeconds: number,
): Promise<number | null> {
  const last = Math.floor(until / 1000 / stepSeconds) * stepSeconds;
  let first: number | null = null;
  for (let to = last; to > last - mostSeconds; to -= chunkSeconds) {
    const points = await readPoints(prometheus, indicator.expr, { from: to - chunkSeconds + stepSeconds, to, stepSeconds });
    const { at, isWhole } = badBackwards(indicator, points);
    first = at ?? first;
    if (!isWhole) return first;
  }
  return first;
}

/** What changes what runs, or how much of it. */
const changing = ["image", "rollout", "rollback", "template", "config", "restart", "scale"];

/** The times in milliseconds of the changes of a service. */
async function listChanges(
  { db }: Pick<Context, "db">,
  { namespace, name }: WatchedIncident["services"][number],
  { from, to }: { from: number; to: number },
): Promise<number[]> {
  const rows = await db.auditEntry.findMany({
    where: {
      targetNamespace: namespace,
      targetName: name,
      targetKind: "service",
      verb: { in: changing },
      outcome: "succeeded",
      at: { gte: new Date(from), lte: new Date(to) },
    },
    orderBy: { at: "asc" },
    select: { at: true },
  });
  return rows.map(({ at }) => at.getTime());
}

/**
 * A start that does not reach back over a change of the service, unless the harm had been there for a whole window before it: a few bad
 * points of the noise just before would acquit the change that did the harm.
 */
export function startAfterChanges(
  first: number,
  changes: readonly number[],
  { windowMs, stepMs }: { windowMs: number; stepMs: number },
): number {
  return changes.reduce((start, at) => (at > start && at - start < windowMs ? Math.ceil(at / stepMs) * stepMs : start), first);
}

/** From the end backwards: the first of the bad points without a gap, and whether all are bad. */
function badBackwards(indicator: WatchedIndicator, points: readonly Point[]): { at: number | null; isWhole: boolean } {
  const end = points.findLastIndex(({ value }) => isBad(indicator, value) !== true);
  return { at: points[end + 1]?.at ?? null, isWhole: end === -1 };
}

async function markSought(transaction: Transaction, incidentId: string, noticedAt: Date): Promise<void> {
  await transaction.$executeRaw`
    UPDATE incident_recoveries SET state = jsonb_set(state, '{soughtFrom}', to_jsonb(${noticedAt.toISOString()}::text))
    WHERE incident_id = ${incidentId}::uuid`;
}

type Found = FirstBad & { noticedAt: Date };

async function setImpact(
  { clock }: Pick<Context, "clock">,
  transaction: Transaction,
  { id, impactStartedAt: known, impactStartSource }: WatchedIncident,
  { at, service, indicator, noticedAt }: Found,
): Promise<void> {
  const incident = await lockIncident(transaction, id);
  // A person may have said when it began in the meantime.
  if (incident.impactStartSource !== impactStartSource || incident.impactStartedAt.getTime() !== known.getTime()) return;
  const now = clock();
  const impactStartedAt = new Date(Math.min(at, incident.detectedAt.getTime()));
  const { namespace, name } = service;
  const noticed = impactStartSource === "alert" ? "the alert's start" : "it was noticed";
  const what = `${name}, ${indicator.title}: ${indicator.bad} the limit of ${formatIndicator(indicator, indicator.limit)}`;
  const message = `The impact began at ${formatUtc(impactStartedAt, "time")}, measured. ${what} without a gap until ${noticed} at ${formatUtc(noticedAt, "time")}.`;
  const before = { impactStartedAt: known.toISOString(), impactStartSource };
  const after = { impactStartedAt: impactStartedAt.toISOString(), impactStartSource: "measured" };
  await appendTimeline(
    transaction,
    id,
    [
      {
        at: impactStartedAt,
        kind: "changed",
        message,
        by: "Switchyard",
        source: "impact-start/measured",
        service: { namespace, name },
        detail: { before, after },
      },
    ],
    { now, data: { impactStartedAt, impactStartSource: "measured" } },
  );
  await writeAudit(
    transaction,
    { actor: { ...systemActor, name: "Switchyard" }, clock, requestId: randomUUID() },
    {
      ...auditedAs(incident),
      verb: "change",
      before: toJson(before),
      after: toJson(after),
      reason: message,
      outcome: "succeeded",
    },
  );
}
