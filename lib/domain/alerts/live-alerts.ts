import type { Database } from "#lib/database/client.ts";
import { Prisma } from "#lib/database/generated/client.ts";
import { authorise, type Transaction, translateDatabaseErrors } from "../context.ts";
import { parseInput } from "../validation.ts";
import { allOf, commonConditions, seriesCondition } from "./history-filter.ts";
import { withPersonsPatterns } from "./pattern-limit.ts";
import { readSources, type Sources, viewEpisodes } from "./rows.ts";
import { type AlertRow, type LiveAlerts, type LiveAlertsInput, liveAlertsSchema, type Standing } from "./schemas.ts";
import { severityRank, standingOf } from "./standing.ts";
import { type FleetContext, findSuspects } from "./suspect-actions.ts";

const maxItems = 1_000;
const maxRead = 20_000;

/** Every alert that is open, or whose end is not proven: what wants somebody first, then the worst, then the newest. */
export async function listLiveAlerts(context: FleetContext, input: LiveAlertsInput | unknown): Promise<LiveAlerts> {
  authorise(context, "viewer", "see alerts");
  const { standing, ...filter } = parseInput(liveAlertsSchema, input);
  const { db, fleet, clock } = context;
  const now = clock();
  return translateDatabaseErrors(async () => {
    const series = seriesCondition(filter);
    const sources = await readSources(db);
    const conditions = [openOrUnproven(sources), ...commonConditions(filter)];
    const read = series
      ? withPersonsPatterns(db, (transaction) => readOpen(transaction, [...conditions, seriesExists(series)]))
      : readOpen(db, conditions);
    const judged = (await read).map((row) => ({
      ...row,
      standing: standingOf({ ...row, blindSince: blindSince(sources, row.sourceId) }),
    }));
    const wanted = judged.filter((row) => !standing?.length || standing.includes(row.standing)).toSorted(moreUrgent);
    const shown = wanted.slice(0, maxItems).map(({ id }) => id);
    const found = await db.alertEpisode.findMany({ where: { id: { in: shown } } });
    const byId = new Map(found.map((episode) => [episode.id, episode]));
    const episodes = shown.map((id) => byId.get(id)).filter((episode) => episode !== undefined);
    const [rows, suspects] = await Promise.all([viewEpisodes(db, episodes, sources, now), findSuspects(db, fleet, episodes)]);
    return {
      at: now.toISOString(),
      items: rows.map((row) => ({ ...row, suspect: suspects.get(row.id)?.[0] ?? null })),
      total: wanted.length,
      counts: countStandings(judged),
      firingBySeverity: countSeverities(judged.filter((row) => row.standing === "firing")),
      sources: [...sources.values()],
    };
  });
}

type OpenRow = {
  id: string;
  sourceId: string;
  severity: string;
  state: "firing" | "resolved";
  startsAt: Date;
  endsAt: Date | null;
  silencedBy: string[];
  inhibited: boolean;
  acknowledgedAt: Date | null;
};

function readOpen(client: Database | Transaction, conditions: readonly Prisma.Sql[]): Promise<OpenRow[]> {
  return client.$queryRaw<OpenRow[]>`
    SELECT e.id, e.source_id AS "sourceId", e.severity, e.state::text AS state, e.starts_at AS "startsAt",
      e.ends_at AS "endsAt",      e.silenced_by AS "silencedBy", e.inhibited, e.acknowledged_at AS "acknowledgedAt"
    FROM alert_episodes e WHERE ${allOf(conditions)} ORDER BY e.starts_at DESC LIMIT ${maxRead}`;
}

/** Open alerts are few: each looks its own labels up. */
function seriesExists(series: Prisma.Sql): Prisma.Sql {
  return Prisma.sql`EXISTS (SELECT FROM alert_series s
    WHERE s.source_id = e.source_id AND s.fingerprint = e.fingerprint AND ${series})`;
}

const urgency: Record<Standing, number> = { firing: 0, unknown: 1, acknowledged: 2, inhibited: 3, silenced: 4, resolved: 5 };
type Judged = OpenRow & { standing: Standing };

function moreUrgent(a: Judged, b: Judged): number {
  return (
    urgency[a.standing] - urgency[b.standing] ||
    severityRank(a.severity) - severityRank(b.severity) ||
    b.startsAt.getTime() - a.startsAt.getTime() ||
    (a.id < b.id ? -1 : 1)
  );
}

function blindSince(sources: Sources, sourceId: string): Date | null {
  const since = sources.get(sourceId)?.blindSince;
  return since ? new Date(since) : null;
}

/** What is open, and of a source that is not heard also what ended since: its end is no proof. */
function openOrUnproven(sources: Sources): Prisma.Sql {
  const blind = [...sources].flatMap(([id]) => {
    const since = blindSince(sources, id);
    return since ? [Prisma.sql`(e.state = 'resolved' AND e.source_id = ${id}::uuid AND e.ends_at >= ${since})`] : [];
  });
  return Prisma.sql`(${Prisma.join([Prisma.sql`e.state = 'firing'`, ...blind], " OR ")})`;
}

function countStandings(rows: readonly Judged[]): LiveAlerts["counts"] {
  const counts = { firing: 0, acknowledged: 0, silenced: 0, inhibited: 0, unknown: 0 };
  for (const { standing } of rows) if (standing !== "resolved") counts[standing] += 1;
  return counts;
}

function countSeverities(rows: readonly Pick<AlertRow, "severity">[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { severity } of rows) counts[severity] = (counts[severity] ?? 0) + 1;
  return counts;
}
