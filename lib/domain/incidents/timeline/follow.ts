import type { Prisma } from "#lib/database/generated/client.ts";
import type { Context, Transaction } from "../../context.ts";
import { transact } from "../../context.ts";
import { switchyard } from "../switchyard.ts";
import { describeDisruptions, describeRestarts, listPodsOf } from "./restarts.ts";
import {
  type Ended,
  findActionRows,
  findAlertRows,
  findRolloutRows,
  listEnded,
  mostRows,
  type SourcedRow,
  sourceWindow,
  stopFollowing,
} from "./sources.ts";
import { appendTimeline, type NewTimelineRow } from "./timeline.ts";

type FollowContext = Pick<Context, "db" | "kubernetes" | "clock" | "logger">;

const mostFollowed = 200;
const minuteMs = 60_000;

/**
 * Writes what the database tells of the services of incidents to their timelines, and links the alerts that fire meanwhile. Each thing
 * is written once, however many controllers do this however often, and also when nobody did it for long: an incident is followed until
 * all of its time has been read. Returns how many rows were written.
 */
export async function writeTimelines(context: FollowContext): Promise<number> {
  const { db, clock } = context;
  const now = clock();
  const ended = await listEnded(db, now);
  // One after the other: the loops share few connections.
  const found = [await findAlertRows(db, now), await findActionRows(db, now), await findRolloutRows(db, now)];
  const { written, failed } = await writeRows(context, found.flat(), now);
  if (found.some((rows) => rows.length >= mostRows)) return written;
  const whole = ended.filter(({ id }) => !failed.has(id));
  return written + (await finish(context, whole, now));
}

/** Writes the restarts that the cluster still tells of, the last that is read of an incident. Those that it cannot tell of wait. */
async function finish(context: FollowContext, ended: readonly Ended[], now: Date): Promise<number> {
  if (ended.length === 0) return 0;
  const restarts = await findRestartRows(context, { id: { in: ended.map(({ id }) => id) } }, now);
  const { written, failed } = await writeRows(context, restarts.rows, now);
  await stopFollowing(
    context.db,
    ended.filter(({ id }) => !failed.has(id) && !restarts.unknown.has(id)),
  );
  return written;
}

/** The same for what only the cluster tells: instances that restarted or were taken away. A service that cannot be asked keeps no other one back. */
export async function writeRestarts(context: FollowContext): Promise<number> {
  const now = context.clock();
  const since = new Date(now.getTime() - sourceWindow.afterMinutes * minuteMs);
  const { rows } = await findRestartRows(context, { OR: [{ resolvedAt: null }, { resolvedAt: { gt: since } }] }, now);
  return (await writeRows(context, rows, now)).written;
}

type Restarts = { rows: SourcedRow[]; unknown: ReadonlySet<string> };

/** The restarts that timelines do not have yet, each service asked once; `unknown` are the incidents of those that cannot be asked. */
async function findRestartRows(context: FollowContext, where: Prisma.IncidentWhereInput, now: Date): Promise<Restarts> {
  const incidents = await context.db.incident.findMany({
    where,
    select: { id: true, impactStartedAt: true, resolvedAt: true, services: true },
    orderBy: { openedAt: "desc" },
    take: mostFollowed,
  });
  const concerned = incidents.flatMap(({ services, ...incident }) => services.map((service) => ({ ...incident, service })));
  const rows: SourcedRow[] = [];
  const unknown = new Set<string>();
  for (const of of Map.groupBy(concerned, ({ service }) => `${service.namespace}/${service.service}`).values()) {
    const [first] = of;
    if (!first) continue;
    const ref = { namespace: first.service.namespace, name: first.service.service };
    try {
      const pods = await listPodsOf(context.kubernetes, ref);
      for (const { id: incidentId, impactStartedAt, resolvedAt } of of) {
        const from = new Date(impactStartedAt.getTime() - sourceWindow.beforeMinutes * minuteMs);
        const until = resolvedAt ? new Date(resolvedAt.getTime() + sourceWindow.afterMinutes * minuteMs) : now;
        const told = [...describeRestarts(pods, ref, from, until), ...describeDisruptions(pods, ref, from, until)];
        rows.push(...told.map((row) => ({ ...row, incidentId })));
      }
    } catch (error) {
      for (const { id } of of) unknown.add(id);
      context.logger.warn({ err: error, service: ref.name }, "restarts cannot be read for an incident's timeline");
    }
  }
  return { rows: await withoutKnown(context, rows), unknown };
}

/** What is told again with each look and written already need not lock its incident. */
async function withoutKnown({ db }: FollowContext, rows: readonly SourcedRow[]): Promise<SourcedRow[]> {
  if (rows.length === 0) return [];
  const known = await db.incidentEvent.findMany({
    where: { OR: rows.map(({ incidentId, source = null }) => ({ incidentId, source })) },
    select: { incidentId: true, source: true },
  });
  const keys = new Set(known.map(({ incidentId, source }) => `${incidentId} ${source}`));
  return rows.filter(({ incidentId, source }) => !keys.has(`${incidentId} ${source}`));
}

type Written = { written: number; failed: ReadonlySet<string> };

/** An incident whose rows cannot be written keeps no other one back. */
async function writeRows(context: FollowContext, rows: readonly SourcedRow[], now: Date): Promise<Written> {
  let written = 0;
  const failed = new Set<string>();
  for (const [incidentId, of] of Map.groupBy(rows, (row) => row.incidentId)) {
    try {
      written += await transact(context, (transaction) => writeRowsOf(transaction, incidentId, of, now));
    } catch (error) {
      failed.add(incidentId);
      context.logger.warn({ err: error, incident: incidentId }, "an incident's timeline cannot be written now");
    }
  }
  return { written, failed };
}

async function writeRowsOf(
  transaction: Transaction,
  incidentId: string,
  rows: readonly SourcedRow[],
  now: Date,
): Promise<number> {
  const plain = rows
    .toSorted((a, b) => a.at.getTime() - b.at.getTime())
    .map(({ incidentId: _, linksAlert: __, ...row }): NewTimelineRow => row);
  const count = await appendTimeline(transaction, incidentId, plain, { now });
  // Another controller that was faster has linked them; and what a person has taken away since stays away.
  if (count > 0) await linkAlerts(transaction, incidentId, rows, now);
  return count;
}

async function linkAlerts(transaction: Transaction, incidentId: string, rows: readonly SourcedRow[], now: Date): Promise<void> {
  const ids = [...new Set(rows.flatMap(({ linksAlert }) => linksAlert ?? []))];
  if (ids.length === 0) return;
  const episodes = await transaction.alertEpisode.findMany({ where: { id: { in: ids } } });
  await transaction.incidentLink.createMany({
    data: episodes.map(({ id, name, namespace, service }) => ({
      incidentId,
      kind: "alert",
      targetId: id,
      title: service ? `${name} on ${namespace}/${service}` : name,
      at: now,
      byName: switchyard.name,
    })),
    skipDuplicates: true,
  });
}
