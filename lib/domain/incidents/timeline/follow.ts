import type { Context, Transaction } from "../../context.ts";
import { transact } from "../../context.ts";
import { findRestarts } from "./restarts.ts";
import { findActionRows, findAlertRows, findRolloutRows, type SourcedRow, sourceWindow } from "./sources.ts";
import { appendTimeline, type NewTimelineRow } from "./timeline.ts";

type FollowContext = Pick<Context, "db" | "kubernetes" | "clock" | "logger">;

const by = "Switchyard";
const mostFollowed = 200;
const minuteMs = 60_000;

/**
 * Writes what the database tells of the services of open incidents to their timelines, and links the alerts that fire meanwhile. Each
 * thing is written once, however many controllers do this however often. Returns how many rows were written.
 */
export async function writeTimelines(context: FollowContext): Promise<number> {
  const { db, clock } = context;
  const now = clock();
  // One after the other: the loops share few connections.
  const found = [...(await findAlertRows(db, now)), ...(await findActionRows(db, now)), ...(await findRolloutRows(db, now))];
  return writeRows(context, found, now);
}

/** The same for what only the cluster tells: restarts of instances. A service that cannot be asked keeps no other one back. */
export async function writeRestarts(context: FollowContext): Promise<number> {
  const { db, clock, logger } = context;
  const now = clock();
  const incidents = await db.incident.findMany({
    where: { OR: [{ resolvedAt: null }, { resolvedAt: { gt: new Date(now.getTime() - sourceWindow.afterMinutes * minuteMs) } }] },
    select: { id: true, impactStartedAt: true, resolvedAt: true, services: true },
    orderBy: { openedAt: "desc" },
    take: mostFollowed,
  });
  const rows: SourcedRow[] = [];
  for (const { id, impactStartedAt, resolvedAt, services } of incidents) {
    const from = new Date(impactStartedAt.getTime() - sourceWindow.beforeMinutes * minuteMs);
    const until = resolvedAt ? new Date(resolvedAt.getTime() + sourceWindow.afterMinutes * minuteMs) : now;
    for (const { namespace, service: name } of services) {
      try {
        const restarts = await findRestarts(context, { namespace, name }, from, until);
        rows.push(...restarts.map((row) => ({ ...row, incidentId: id })));
      } catch (error) {
        logger.warn({ err: error, service: name }, "restarts cannot be read for an incident's timeline");
      }
    }
  }
  return writeRows(context, await withoutKnown(context, rows), now);
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

async function writeRows(context: FollowContext, rows: readonly SourcedRow[], now: Date): Promise<number> {
  let written = 0;
  for (const [incidentId, of] of Map.groupBy(rows, (row) => row.incidentId)) {
    written += await transact(context, async (transaction) => {
      const plain = of
        .toSorted((a, b) => a.at.getTime() - b.at.getTime())
        .map(({ incidentId: _, linksAlert: __, ...row }): NewTimelineRow => row);
      const count = await appendTimeline(transaction, incidentId, plain, { now });
      // Another controller that was faster has linked them; and what a person has taken away since stays away.
      if (count > 0) await linkAlerts(transaction, incidentId, of, now);
      return count;
    });
  }
  return written;
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
      byName: by,
    })),
    skipDuplicates: true,
  });
}
