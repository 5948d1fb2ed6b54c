import type { Database } from "#lib/database/client.ts";
import { Prisma } from "#lib/database/generated/client.ts";
import { authorise, type Context, type Transaction, translateDatabaseErrors } from "../context.ts";
import { toPage } from "../pagination.ts";
import { parseInput } from "../validation.ts";
import { afterCursor, allOf, episodeConditions, inSeries, seriesCondition } from "./history-filter.ts";
import { withPersonsPatterns } from "./pattern-limit.ts";
import { type Episode, readSources, viewEpisodes } from "./rows.ts";
import { type HistoryFilter, type HistoryInput, type HistoryPage, historySchema } from "./schemas.ts";

/** How many of the newest episodes are asked for their labels one by one before all alerts are looked through. */
const newestEpisodes = 1_000;
/** So few alerts have their episodes looked up; more have them found on the way through all. */
const fewAlerts = 200;

/** The history of alerts, newest first, a page at a time. Throws invalid-input for a filter that cannot be read. */
export async function listHistory(context: Context, input: HistoryInput | unknown): Promise<HistoryPage> {
  authorise(context, "viewer", "see alerts");
  const filter = parseInput(historySchema, input);
  const { db, clock } = context;
  const [page, sources] = await translateDatabaseErrors(() => Promise.all([readPage(db, filter), readSources(db)]));
  return { items: await viewEpisodes(db, page.episodes, sources, clock()), nextCursor: page.nextCursor };
}

/** One page of episodes: the keys first, which indexes alone often answer, then their rows. */
export async function readPage(db: Database, filter: HistoryFilter): Promise<{ episodes: Episode[]; nextCursor: string | null }> {
  const keys = await readPageKeys(db, filter);
  const { items: ids, nextCursor } = toPage(
    keys,
    filter.limit,
    ({ id, starts_at }) => ({ at: starts_at, id }),
    ({ id }) => id,
  );
  const episodes = await db.alertEpisode.findMany({
    where: { id: { in: ids } },
    orderBy: [{ startsAt: "desc" }, { id: "desc" }],
  });
  return { episodes, nextCursor };
}

type PageKey = { id: string; starts_at: Date };
type Alert = { source_id: string; fingerprint: string };

function ofAlerts(alerts: readonly Alert[]): Prisma.Sql {
  return Prisma.sql`(e.source_id, e.fingerprint) IN (SELECT * FROM unnest(
    ${alerts.map(({ source_id }) => source_id)}::uuid[], ${alerts.map(({ fingerprint }) => fingerprint)}::text[]))`;
}

function readPageKeys(db: Database, filter: HistoryFilter): Promise<PageKey[]> {
  const conditions = episodeConditions(filter);
  if (filter.cursor) conditions.push(afterCursor(filter.cursor));
  const series = seriesCondition(filter);
  if (!series) return readKeys(db, conditions, filter.limit);
  return withPersonsPatterns(db, async (transaction) => {
    const found = await readKeysOfNewest(transaction, conditions, series, filter.limit);
    if (found) return found;
    const alerts = await transaction.$queryRaw<Alert[]>`
      SELECT s.source_id, s.fingerprint FROM alert_series s WHERE ${series} LIMIT ${fewAlerts + 1}`;
    if (alerts.length === 0) return [];
    const among = alerts.length > fewAlerts ? inSeries(series) : ofAlerts(alerts);
    return readKeys(transaction, [...conditions, among], filter.limit);
  });
}

function readKeys(client: Database | Transaction, conditions: Prisma.Sql[], limit: number): Promise<PageKey[]> {
  return client.$queryRaw<PageKey[]>`
    SELECT e.id, e.starts_at FROM alert_episodes e WHERE ${allOf(conditions)}
    ORDER BY e.starts_at DESC, e.id DESC LIMIT ${limit + 1}`;
}

/**
 * A page from the newest episodes alone, each of which looks its own labels up: what is found often ends soon, what other
 * conditions narrow down has few to look up. null when the page may go on among older ones.
 */
async function readKeysOfNewest(
  transaction: Transaction,
  conditions: Prisma.Sql[],
  series: Prisma.Sql,
  limit: number,
): Promise<PageKey[] | null> {
  const newest = Prisma.sql`
    SELECT e.id, e.starts_at, e.source_id, e.fingerprint FROM alert_episodes e WHERE ${allOf(conditions)}
    ORDER BY e.starts_at DESC, e.id DESC`;
  // A scalar sub-select is never turned into a join, which would look all alerts through first.
  const found = await transaction.$queryRaw<PageKey[]>`
    SELECT n.id, n.starts_at FROM (${newest} LIMIT ${newestEpisodes}) n
    WHERE (SELECT true FROM alert_series s WHERE s.source_id = n.source_id AND s.fingerprint = n.fingerprint AND ${series})
    ORDER BY n.starts_at DESC, n.id DESC LIMIT ${limit + 1}`;
  if (found.length > limit) return found;
  const older = await transaction.$queryRaw<unknown[]>`${newest} OFFSET ${newestEpisodes} LIMIT 1`;
  return older.length === 0 ? found : null;
}
