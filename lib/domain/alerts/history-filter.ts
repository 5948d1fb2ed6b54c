import { Prisma } from "#lib/database/generated/client.ts";
import { decodeCursor } from "../pagination.ts";
import { matchersCondition, parseMatchers } from "./matchers.ts";
import type { HistoryFilter } from "./schemas.ts";

type LabelFilter = Pick<HistoryFilter, "labels" | "search">;
type CommonFilter = Pick<HistoryFilter, "source" | "severity" | "name" | "service" | "namespace">;

/**
 * What depends on an alert's labels alone is decided once for each alert (`alert_series s`) instead of for each of its episodes:
 * a regular expression over a year's 100,000 episodes takes longer than a person waits. null when nothing is asked.
 */
export function seriesCondition({ labels, search }: LabelFilter): Prisma.Sql | null {
  const all = labels ? matchersCondition(parseMatchers(labels), Prisma.sql`s.labels`) : [];
  for (const word of search?.toLowerCase().split(/\s+/).filter(Boolean) ?? []) {
    all.push(Prisma.sql`s.search_text LIKE ${`%${word.replace(/[\\%_]/g, "\\$&")}%`}`);
  }
  return all.length > 0 ? Prisma.join(all, " AND ") : null;
}

/** That an episode `e` is of an alert that meets a condition on labels: decided once for all alerts, before the first episode. */
export function inSeries(series: Prisma.Sql): Prisma.Sql {
  // IS TRUE keeps it a hashed sub-plan: a join would lose the order by time, and with it the early end of a page.
  return Prisma.sql`((e.source_id, e.fingerprint) IN (
    SELECT s.source_id, s.fingerprint FROM alert_series s WHERE ${series})) IS TRUE`;
}

/** Conditions on the columns of `alert_episodes e` that the live list and the history share. */
export function commonConditions({ source, severity, name, service, namespace }: CommonFilter): Prisma.Sql[] {
  const all: Prisma.Sql[] = [];
  const oneOf = (column: Prisma.Sql, values: string[] | undefined) => {
    if (values?.length) all.push(Prisma.sql`${column} = ANY(${values}::text[])`);
  };
  if (source?.length)
    all.push(Prisma.sql`e.source_id = ANY(ARRAY(SELECT id FROM alert_sources WHERE name = ANY(${source}::text[])))`);
  oneOf(Prisma.sql`e.severity`, severity);
  oneOf(Prisma.sql`e.name`, name);
  oneOf(Prisma.sql`e.service`, service);
  if (namespace) all.push(Prisma.sql`e.namespace = ${namespace}`);
  return all;
}

/** All conditions of the history on `alert_episodes e` but for the page. */
export function episodeConditions(filter: HistoryFilter): Prisma.Sql[] {
  const { state, acknowledged, fingerprint, from, to } = filter;
  const all = commonConditions(filter);
  if (state) all.push(Prisma.sql`e.state = ${state}::"AlertState"`);
  if (acknowledged) {
    all.push(acknowledged === "yes" ? Prisma.sql`e.acknowledged_at IS NOT NULL` : Prisma.sql`e.acknowledged_at IS NULL`);
  }
  if (fingerprint) all.push(Prisma.sql`e.fingerprint = ${fingerprint}`);
  if (to) all.push(Prisma.sql`e.starts_at < ${to}`);
  if (from) all.push(Prisma.sql`(e.ends_at >= ${from} OR e.ends_at IS NULL)`);
  return all;
}

/** Where a page begins. The first comparison alone lets PostgreSQL begin the index scan at the cursor. */
export function afterCursor(cursor: string): Prisma.Sql {
  const { at, id } = decodeCursor(cursor);
  return Prisma.sql`e.starts_at <= ${at} AND (e.starts_at < ${at} OR e.id < ${id}::uuid)`;
}

/** Conditions as a WHERE clause's content. */
export function allOf(conditions: readonly Prisma.Sql[]): Prisma.Sql {
  return conditions.length > 0 ? Prisma.join([...conditions], " AND ") : Prisma.sql`true`;
}
