import type { Database } from "#lib/database/client.ts";
import type { Prisma } from "#lib/database/generated/client.ts";
import { authorise, type Context, type Transaction, translateDatabaseErrors } from "../context.ts";
import { parseInput } from "../validation.ts";
import { type DensityCount, densityStep, makeDensity } from "./density.ts";
import { allOf, episodeConditions, inSeries, seriesCondition } from "./history-filter.ts";
import { withPersonsPatterns } from "./pattern-limit.ts";
import { describeBlindness } from "./rows.ts";
import {
  type BlindWindowView,
  type FlappingAlert,
  type HistoryFilter,
  type HistoryInput,
  type HistorySummary,
  historySchema,
  type TopTalker,
} from "./schemas.ts";
import { flappingEpisodes, flappingMinutes } from "./standing.ts";

const topTalkers = 10;
const flappingDays = 31;
const dayMs = 86_400_000;

type Range = { from: Date; to: Date };

/** What the whole range of a filter holds: how many, when, which most, which to and fro, and when nobody could know. */
export async function summariseHistory(context: Context, input: HistoryInput | unknown): Promise<HistorySummary> {
  authorise(context, "viewer", "see alerts");
  const filter = parseInput(historySchema, input);
  const { db } = context;
  return translateDatabaseErrors(async () => {
    const range = await findRange(db, filter, context.clock());
    const flappingFrom = new Date(Math.max(range.from.getTime(), range.to.getTime() - flappingDays * dayMs));
    const [counts, talkers, flapping, blindWindows] = await Promise.all([
      countByTime(db, filter, range),
      findTopTalkers(db, filter, range),
      findFlapping(db, { ...filter, from: flappingFrom, to: range.to }),
      readBlindWindows(db, filter, range),
    ]);
    return {
      total: talkers.total,
      density: makeDensity(range, counts, blindWindows),
      topTalkers: talkers.items,
      flapping,
      flappingFrom: flappingFrom.toISOString(),
      blindWindows,
    };
  });
}

/** Without a beginning the range begins with the first alert there is. */
async function findRange(db: Database, { from, to }: HistoryFilter, now: Date): Promise<Range> {
  const end = to ?? now;
  if (from) return { from: from < end ? from : end, to: end };
  const first = await db.alertEpisode.findFirst({ orderBy: { startsAt: "asc" }, select: { startsAt: true } });
  return { from: first && first.startsAt < end ? first.startsAt : new Date(end.getTime() - dayMs), to: end };
}

/** Runs a read of all episodes that the filter finds. */
function readHistory<T>(
  db: Database,
  filter: HistoryFilter,
  read: (client: Database | Transaction, where: Prisma.Sql) => Promise<T>,
): Promise<T> {
  const conditions = episodeConditions(filter);
  const series = seriesCondition(filter);
  if (!series) return read(db, allOf(conditions));
  return withPersonsPatterns(db, (transaction) => read(transaction, allOf([...conditions, inSeries(series)])));
}

/** Alerts that were firing already when the range began count at its beginning. */
function countByTime(db: Database, filter: HistoryFilter, range: Range): Promise<DensityCount[]> {
  const step = `${densityStep(range)} seconds`;
  return readHistory(
    db,
    filter,
    (client, where) =>
      client.$queryRaw<DensityCount[]>`
      SELECT date_bin(${step}::interval, greatest(e.starts_at, ${range.from}::timestamptz), 'epoch'::timestamptz) AS at,
        e.severity, count(*)::int AS count
      FROM alert_episodes e WHERE ${where} GROUP BY 1, 2`,
  );
}

type TalkerRow = Omit<TopTalker, "lastStartsAt"> & { lastStartsAt: Date; total: number };

async function findTopTalkers(db: Database, filter: HistoryFilter, { from, to }: Range) {
  const rows = await readHistory(
    db,
    filter,
    (client, where) =>
      client.$queryRaw<TalkerRow[]>`
      SELECT e.name, e.severity, e.namespace, e.service, count(*)::int AS episodes,
        extract(epoch FROM sum(least(coalesce(e.ends_at, ${to}), ${to}) - greatest(e.starts_at, ${from})))::float8 AS "firingSeconds",
        max(e.starts_at) AS "lastStartsAt", (sum(count(*)) OVER ())::int AS total
      FROM alert_episodes e WHERE ${where} GROUP BY 1, 2, 3, 4
      ORDER BY 5 DESC, 6 DESC LIMIT ${topTalkers}`,
  );
  return {
    total: rows[0]?.total ?? 0,
    items: rows.map(({ total: _, lastStartsAt, ...row }) => ({ ...row, lastStartsAt: lastStartsAt.toISOString() })),
  };
}

type FlappingRow = Omit<FlappingAlert, "lastStartsAt"> & { lastStartsAt: Date };

async function findFlapping(db: Database, filter: HistoryFilter & Range): Promise<FlappingAlert[]> {
  // What began earlier can be near no start within the range, however long it lasted.
  const since = new Date(filter.from.getTime() - flappingMinutes * 60_000);
  const rows = await readHistory(
    db,
    filter,
    (client, where) =>
      client.$queryRaw<FlappingRow[]>`
      WITH starts AS (
        SELECT e.source_id, e.fingerprint, e.starts_at,
          lead(e.starts_at, ${flappingEpisodes - 1}::int) OVER (PARTITION BY e.source_id, e.fingerprint ORDER BY e.starts_at)
            <= e.starts_at + ${`${flappingMinutes} minutes`}::interval AS begins_flapping
        FROM alert_episodes e WHERE ${where} AND e.starts_at >= ${since}
      ), flapping AS (
        SELECT source_id, fingerprint, count(*)::int AS episodes, max(starts_at) AS last_starts_at
        FROM starts GROUP BY 1, 2 HAVING bool_or(begins_flapping) ORDER BY 4 DESC LIMIT ${topTalkers}
      )
      SELECT e.id, source.name AS source, e.fingerprint, e.name, e.severity, e.namespace, e.service, e.instance, f.episodes,
        f.last_starts_at AS "lastStartsAt"
      FROM flapping f JOIN alert_sources source ON source.id = f.source_id
      JOIN alert_episodes e ON e.source_id = f.source_id AND e.fingerprint = f.fingerprint AND e.starts_at = f.last_starts_at
      ORDER BY f.last_starts_at DESC`,
  );
  return rows.map(({ lastStartsAt, ...row }) => ({ ...row, lastStartsAt: lastStartsAt.toISOString() }));
}

async function readBlindWindows(db: Database, { source }: HistoryFilter, { from, to }: Range): Promise<BlindWindowView[]> {
  const rows = await db.blindWindow.findMany({
    where: {
      beganAt: { lt: to },
      OR: [{ endedAt: null }, { endedAt: { gt: from } }],
      source: source?.length ? { name: { in: source } } : undefined,
    },
    orderBy: { beganAt: "desc" },
    take: 1_000,
    include: { source: { select: { name: true } } },
  });
  return rows.map(({ source: { name }, reason, beganAt, endedAt }) => ({
    source: name,
    reason: describeBlindness(reason),
    beganAt: beganAt.toISOString(),
    endedAt: endedAt?.toISOString() ?? null,
  }));
}
