import { setTimeout as sleep } from "node:timers/promises";
import type { AlertmanagerClient } from "#lib/alertmanager/client.ts";
import type { Pipeline, Statement } from "#lib/database/pipeline.ts";
import { makeUuid } from "#lib/database/uuid.ts";
import { type Context, type Transaction, transact, translateDatabaseErrors } from "../context.ts";
import { DomainError } from "../errors.ts";
import { announceSourceBlind, readTargets, sendAlertChanges } from "../notifications/announce.ts";
import { blindReasons, judgeBlindness, type SourceContact } from "./blind-windows.ts";
import { EpisodeChanges } from "./episode-changes.ts";
import { hintAlerts } from "./live-hint.ts";
import { applyGone, applySeen, endOf } from "./policy.ts";
import {
  holdsWatchdog,
  type MemberAnswer,
  minAbsenceMs,
  type OpenAlert,
  planReconcile,
  type SeenAlert,
} from "./reconcile-plan.ts";
import { keyOf, lockSeries, type SeriesKey, type StoredEpisode } from "./series-store.ts";

/** Webhooks that tell of the same alerts wait for such a transaction. */
const seriesATransaction = 100;
const webhooksFirstMs = 1_000;
const sourcesAtOnce = 4;

/** What reconciling needs of a context, and how to ask the Alertmanager at an address. */
export type ReconcileContext = Pick<Context, "db" | "clock" | "logger"> & {
  pipeline: Pipeline;
  connect: (url: string) => Pick<AlertmanagerClient, "status" | "listAlerts">;
  /** How long webhooks have to tell what a poll found before the poll stores it, in milliseconds; 1,000 by default. */
  webhooksFirstMs?: number;
};

type Source = Omit<SourceContact, "members"> & { id: string; name: string; members: readonly Member[] };
type Member = SourceContact["members"][number] & { url: string; startedAt: Date | null };
type Poll = { url: string; answer: MemberAnswer } | { url: string; error: Error };

/**
 * Asks every Alertmanager of every source what fires, and brings the episodes in line: opens what no webhook told (truncated,
 * silenced, or sent while Switchyard was down), marks what silences and other alerts hide, and ends what two polls did not find.
 * Records for how long a source was not heard. Two controllers at once do no harm. Resolves to the names of
 * the sources that could not be reconciled now.
 */
export async function reconcileAlerts(context: ReconcileContext): Promise<{ failed: string[] }> {
  const failed: string[] = [];
  const sources = await translateDatabaseErrors(() =>
    context.db.alertSource.findMany({ where: { disabledAt: null }, include: { members: true }, orderBy: { name: "asc" } }),
  );
  const left = sources.values();
  const work = async () => {
    for (const source of left) {
      try {
        await reconcileSource(context, source);
      } catch (error) {
        failed.push(source.name);
        context.logger.warn({ err: error, source: source.name }, "the alerts of a source cannot be reconciled now");
      }
    }
  };
  // One whose Alertmanagers do not answer must not make the others wait.
  await Promise.all(Array.from({ length: sourcesAtOnce }, work));
  return { failed };
}

async function reconcileSource(context: ReconcileContext, source: Source): Promise<void> {
  const { db, clock, logger } = context;
  const beganAt = clock();
  const polls = await Promise.all(source.members.map((member) => poll(context, member)));
  for (const result of polls) {
    const known = source.members.find(({ url }) => url === result.url);
    if ("error" in result && !known?.failingSince) {
      logger.warn({ source: source.name, member: result.url, reason: result.error.message }, "an Alertmanager does not answer");
    }
  }
  const hasWatchdog = await recordPolls(context, source.id, polls, beganAt);
  const answers = polls.flatMap((result) => ("answer" in result ? [result.answer] : []));
  if (answers.length === 0) return;
  const open = await readOpen(context, source.id);
  const unreachable = polls.length - answers.length;
  const found = { answers, unreachable, beganAt: beganAt.getTime(), hasWatchdog };
  const plan = planReconcile({ open, ...found });
  await markMissing(context, source.id, plan.missing, beganAt);
  await markFound(context, source.id, plan.found);
  let changed = 0;
  const applySeenOf = (seen: readonly SeenAlert[]) => applySeenAlerts(context, source.id, seen);
  const applyGoneOf = (gone: readonly string[]) => applyGoneAlerts(context, source.id, gone, beganAt.getTime());
  for (const gone of inChunks(plan.gone)) changed += await applyApart(context, gone, applyGoneOf);
  if (plan.seen.length > 0) {
    // Most of what is news to a poll is on its way by webhook: storing it now would do the same work twice, each waiting for the other.
    await sleep(context.webhooksFirstMs ?? webhooksFirstMs);
    const news = new Set(plan.seen.map(({ fingerprint }) => fingerprint));
    const { seen: present } = planReconcile({ open: await readOpen(context, source.id), ...found });
    for (const seen of inChunks(present.filter(({ fingerprint }) => news.has(fingerprint))))
      changed += await applyApart(context, seen, applySeenOf);
  }
  if (changed === 0) return;
  hintAlerts(db);
  logger.info({ source: source.name, episodes: changed }, "episodes were brought in line with Alertmanager");
}

async function poll({ connect }: ReconcileContext, member: Member): Promise<Poll> {
  const { url } = member;
  try {
    const client = connect(url);
    const [{ startedAt }, alerts] = await Promise.all([client.status(), client.listAlerts()]);
    const hasRestarted = member.startedAt !== null && member.startedAt.getTime() !== startedAt.getTime();
    return { url, answer: { startedAt, hasRestarted, alerts } };
  } catch (error) {
    return { url, error: error instanceof Error ? error : new Error(String(error)) };
  }
}

/** Writes how each member answered and whether the source is blind; resolves to whether it has ever had a Watchdog. */
function recordPolls(context: ReconcileContext, sourceId: string, polls: readonly Poll[], beganAt: Date): Promise<boolean> {
  return transact(context, async (transaction) => {
    const before = await lockSource(transaction, sourceId);
    if (!before) return false;
    // A time that nobody watched shows before this poll's answer ends it.
    const missed = judgeBlindness(before, beganAt);
    for (const result of polls) await recordPoll(transaction, before, result, beganAt);
    const hasWatchdog = polls.some((result) => "answer" in result && holdsWatchdog(result.answer));
    if (hasWatchdog && (before.watchdogAt ?? 0) < beganAt) {
      await transaction.alertSource.update({ where: { id: sourceId }, data: { watchdogAt: beganAt } });
    }
    const after = await lockSource(transaction, sourceId);
    const blind = after && judgeBlindness(after, beganAt);
    const open = await transaction.blindWindow.findUnique({ where: { openKey: sourceId } });
    if (blind && !open) {
      const window = { id: makeUuid(), sourceId, reason: blind.reason, beganAt: blind.since };
      await transaction.blindWindow.create({ data: { ...window, openKey: sourceId } });
      await announceSourceBlind(transaction, { ...window, source: before.name, reason: blindReasons[blind.reason] }, beganAt);
    } else if (open && !blind) {
      await transaction.blindWindow.update({ where: { id: open.id }, data: { openKey: null, endedAt: beganAt } });
    } else if (missed && !blind && !open) {
      const { reason, since } = missed;
      await transaction.blindWindow.create({ data: { id: makeUuid(), sourceId, reason, beganAt: since, endedAt: beganAt } });
    }
    return hasWatchdog || before.watchdogAt !== null;
  });
}

async function lockSource(transaction: Transaction, id: string): Promise<Source | null> {
  await transaction.$queryRaw`SELECT 1 FROM alert_sources WHERE id = ${id}::uuid FOR NO KEY UPDATE`;
  return transaction.alertSource.findUnique({ where: { id, disabledAt: null }, include: { members: true } });
}

async function recordPoll(transaction: Transaction, source: Source, result: Poll, at: Date): Promise<void> {
  const where = { sourceId: source.id, url: result.url };
  if ("answer" in result) {
    const { startedAt } = result.answer;
    const data = { lastPolledAt: at, failingSince: null, lastError: null, startedAt };
    await transaction.alertSourceMember.updateMany({ where, data });
  } else {
    const known = source.members.find(({ url }) => url === result.url);
    const data = { failingSince: known?.failingSince ?? at, lastError: result.error.message.slice(0, 500) };
    await transaction.alertSourceMember.updateMany({ where, data });
  }
}

async function readOpen({ db }: ReconcileContext, sourceId: string): Promise<OpenAlert[]> {
  return db.$queryRaw<OpenAlert[]>`
    SELECT e.fingerprint, (extract(epoch FROM e.starts_at) * 1000)::float8 AS "startsAt",
      (extract(epoch FROM e.last_received_at) * 1000)::float8 AS "receivedAt",
      (extract(epoch FROM s.missing_since) * 1000)::float8 AS "missingSince",
      coalesce(e.silenced_by, '{}') AS "silencedBy", e.inhibited
    FROM alert_episodes e JOIN alert_series s ON s.source_id = e.source_id AND s.fingerprint = e.fingerprint
    WHERE e.state = 'firing' AND e.source_id = ${sourceId}::uuid`;
}

/** Locks in the order of the keys, as everything that locks alerts does. */
async function markMissing({ db }: ReconcileContext, sourceId: string, missing: string[], at: Date): Promise<void> {
  if (missing.length === 0) return;
  await db.$executeRaw`
    UPDATE alert_series s SET missing_since = ${at}
    FROM (SELECT source_id, fingerprint FROM alert_series
      WHERE source_id = ${sourceId}::uuid AND fingerprint = ANY(${missing}) AND missing_since IS NULL AND open_episode_id IS NOT NULL
      ORDER BY source_id, fingerprint FOR UPDATE) k
    WHERE s.source_id = k.source_id AND s.fingerprint = k.fingerprint`;
}

async function markFound({ db }: ReconcileContext, sourceId: string, found: string[]): Promise<void> {
  if (found.length === 0) return;
  await db.$executeRaw`
    UPDATE alert_series s SET missing_since = NULL
    FROM (SELECT source_id, fingerprint FROM alert_series
      WHERE source_id = ${sourceId}::uuid AND fingerprint = ANY(${found}) AND missing_since IS NOT NULL
      ORDER BY source_id, fingerprint FOR UPDATE) k
    WHERE s.source_id = k.source_id AND s.fingerprint = k.fingerprint`;
}

/** One alert that cannot be stored must not keep the others out. */
async function applyApart<T>(
  { logger }: ReconcileContext,
  items: readonly T[],
  apply: (items: readonly T[]) => Promise<number>,
): Promise<number> {
  try {
    return await apply(items);
  } catch (error) {
    if (items.length === 1 || error instanceof DomainError) throw error;
    let changed = 0;
    let failed = 0;
    for (const item of items) {
      changed += await apply([item]).catch((cause) => {
        if (cause instanceof DomainError) throw cause;
        failed += 1;
        if (failed === 1) logger.error({ err: cause, item }, "an alert that a poll found cannot be stored");
        return 0;
      });
    }
    return changed;
  }
}

function applySeenAlerts(context: ReconcileContext, sourceId: string, alerts: readonly SeenAlert[]): Promise<number> {
  const wanted = alerts.map(({ fingerprint, startsAt }) => ({ sourceId, fingerprint, since: startsAt }));
  return changeSeries(context, wanted, (changes, episodes) => {
    for (const alert of alerts) {
      const key = { sourceId, fingerprint: alert.fingerprint };
      const stored = episodes.get(keyOf(key)) ?? [];
      const made = applySeen(
        stored.map(({ state }) => state),
        alert,
      );
      changes.add({ key, facts: alert, stored, changes: made, suppression: alert });
      const open = stored.find(({ state }) => endOf(state) === null);
      const isOther = open && (open.inhibited !== alert.inhibited || open.silencedBy.join() !== alert.silencedBy.join());
      const change = made.find(({ before }) => before?.id === open?.state.id);
      const after = change ? change.after : open?.state;
      if (open && isOther && after && endOf(after) === null) changes.suppress(open, alert, after);
    }
  });
}

function applyGoneAlerts(context: ReconcileContext, sourceId: string, gone: readonly string[], beganAt: number): Promise<number> {
  const wanted = gone.map((fingerprint) => ({ sourceId, fingerprint, since: beganAt }));
  return changeSeries(context, wanted, (changes, episodes, missing) => {
    for (const { fingerprint, since } of missing) {
      const key = { sourceId, fingerprint };
      const stored = episodes.get(keyOf(key)) ?? [];
      const last = stored.at(-1);
      // Under the lock: nothing must have been told of it since it was not found.
      if (!last || last.lastReceivedAt >= beganAt || beganAt - since < minAbsenceMs) continue;
      const made = applyGone(
        stored.map(({ state }) => state),
        since,
      );
      changes.add({ key, facts: null, stored, changes: made });
    }
  });
}

const findMissing: Statement = {
  name: "find-missing-alerts",
  text: `
    SELECT s.fingerprint, (extract(epoch FROM s.missing_since) * 1000)::float8 AS since
    FROM json_to_recordset($1::json) AS k("sourceId" uuid, fingerprint text)
    JOIN alert_series s ON s.source_id = k."sourceId" AND s.fingerprint = k.fingerprint
    WHERE s.missing_since IS NOT NULL`,
};
type Missing = { fingerprint: string; since: number };

/**
 * Locks alerts, lets `decide` collect what changes, and writes it. `decide` is given the alerts' episodes by their keys, and which of
 * them polls have missed since when (milliseconds). Resolves to how many episodes changed.
 */
async function changeSeries(
  { pipeline, clock }: ReconcileContext,
  wanted: readonly (SeriesKey & { since: number })[],
  decide: (changes: EpisodeChanges, episodes: ReadonlyMap<string, StoredEpisode[]>, missing: readonly Missing[]) => void,
): Promise<number> {
  const now = clock();
  const changes = new EpisodeChanges("poll", now);
  await pipeline.transact(
    (sql) => Promise.all([lockSeries(sql, wanted), sql<Missing>(findMissing, [JSON.stringify(wanted)]), readTargets(sql)]),
    (sql, [episodes, missing, targets]) => {
      decide(changes, episodes, missing);
      return Promise.all([changes.write(sql), sendAlertChanges(sql, targets, changes.announcements, now)]);
    },
  );
  return changes.count;
}

function inChunks<T>(items: readonly T[]): T[][] {
  const sorted = [...items];
  const chunks: T[][] = [];
  while (sorted.length > 0) chunks.push(sorted.splice(0, seriesATransaction));
  return chunks;
}
