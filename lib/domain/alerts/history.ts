import type { Database } from "#lib/database/client.ts";
import { Prisma } from "#lib/database/generated/client.ts";
import { authorise, type Context, type Transaction, translateDatabaseErrors } from "../context.ts";
import { toPage } from "../pagination.ts";
import { parseInput } from "../validation.ts";
import { afterCursor, allOf, episodeConditions, seriesCondition } from "./history-filter.ts";
import { explainBadPatterns } from "./matchers.ts";
import { type Episode, readSources, viewEpisodes } from "./rows.ts";
import { type HistoryFilter, type HistoryInput, type HistoryPage, historySchema } from "./schemas.ts";

const statementTimeoutMs = 5_000;
const fewFingerprints = 200;

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

function readPageKeys(db: Database, filter: HistoryFilter): Promise<PageKey[]> {
  return readHistory(db, filter, (client, conditions) => {
    const where = allOf(filter.cursor ? [...conditions, afterCursor(filter.cursor)] : conditions);
    return client.$queryRaw<PageKey[]>`
      SELECT e.id, e.starts_at FROM alert_episodes e WHERE ${where}
      ORDER BY e.starts_at DESC, e.id DESC LIMIT ${filter.limit + 1}`;
  });
}

/**
 * Runs a read of the history with the filter's conditions on `alert_episodes e`. What depends on labels alone is decided first,
 * once for each alert; the result of a person's regular expression is waited for at most 5 s.
 */
export async function readHistory<T>(
  db: Database,
  filter: HistoryFilter,
  read: (client: Database | Transaction, conditions: Prisma.Sql[]) => Promise<T>,
): Promise<T> {
  const conditions = episodeConditions(filter);
  const series = seriesCondition(filter);
  if (!series) return read(db, conditions);
  return explainBadPatterns(() =>
    db.$transaction(async (transaction) => {
      await transaction.$executeRawUnsafe(`SET LOCAL statement_timeout = ${statementTimeoutMs}`);
      return read(transaction, [...conditions, await fingerprintCondition(transaction, series)]);
    }),
  );
}

/** A fingerprint is made of the labels alone, so it stands for them whatever the source. */
async function fingerprintCondition(transaction: Transaction, series: Prisma.Sql): Promise<Prisma.Sql> {
  const found = await transaction.$queryRaw<{ fingerprint: string }[]>`
    SELECT DISTINCT s.fingerprint FROM alert_series s WHERE ${series} LIMIT ${fewFingerprints + 1}`;
  if (found.length <= fewFingerprints) {
    return Prisma.sql`(e.source_id = ANY(ARRAY(SELECT id FROM alert_sources))
      AND e.fingerprint = ANY(${found.map(({ fingerprint }) => fingerprint)}::text[]))`;
  }
  // IS TRUE keeps it a hashed sub-plan: a join would lose the order by time, and with it the early end of a page.
  return Prisma.sql`(e.fingerprint IN (SELECT s.fingerprint FROM alert_series s WHERE ${series})) IS TRUE`;
}
