import type { Database } from "#lib/database/client.ts";
import type { Prisma } from "#lib/database/generated/client.ts";
import { blindReasons } from "./blind-windows.ts";
import type { AlertRow, SourceState } from "./schemas.ts";
import { flappingMinutes, isFlapping, standingOf } from "./standing.ts";

/** The names of sources, and which of them are heard. */
export type Sources = ReadonlyMap<string, SourceState>;
export type Episode = Prisma.AlertEpisodeGetPayload<object>;

const reasons: Readonly<Record<string, string>> = blindReasons;

/** What a blind window's reason means, as a sentence. */
export const describeBlindness = (reason: string) => reasons[reason] ?? reason;

/** All sources by id. */
export async function readSources(db: Database): Promise<Sources> {
  const rows = await db.alertSource.findMany({
    orderBy: { name: "asc" },
    include: { members: { orderBy: { url: "asc" } }, blindWindows: { where: { endedAt: null }, orderBy: { beganAt: "asc" } } },
  });
  return new Map(
    rows.map((row) => {
      const [blind] = row.blindWindows;
      const state: SourceState = {
        name: row.name,
        disabled: row.disabledAt !== null,
        lastReceivedAt: row.lastReceivedAt?.toISOString() ?? null,
        watchdogAt: row.watchdogAt?.toISOString() ?? null,
        blindSince: blind?.beganAt.toISOString() ?? null,
        blindReason: blind ? describeBlindness(blind.reason) : null,
        members: row.members.map(({ url, lastPolledAt, failingSince, lastError }) => ({
          url,
          lastPolledAt: lastPolledAt?.toISOString() ?? null,
          failingSince: failingSince?.toISOString() ?? null,
          lastError,
        })),
      };
      return [row.id, state];
    }),
  );
}

/** Episodes as rows, in the order given. */
export async function viewEpisodes(db: Database, episodes: readonly Episode[], sources: Sources, now: Date): Promise<AlertRow[]> {
  const starts = await readStartsAround(db, episodes);
  return episodes.map((episode) => viewEpisode(episode, sources, starts.get(episode.id) ?? [], now));
}

function viewEpisode(episode: Episode, sources: Sources, starts: readonly Date[], now: Date): AlertRow {
  const { id, fingerprint, name, severity, namespace, service, instance, state, startsAt, endsAt, inhibited, closedBy } = episode;
  const source = sources.get(episode.sourceId);
  return {
    id,
    source: source?.name ?? "",
    fingerprint,
    name,
    severity,
    namespace,
    service,
    instance,
    state,
    standing: standingOf({ ...episode, blindSince: source?.blindSince ? new Date(source.blindSince) : null }),
    startsAt: startsAt.toISOString(),
    endsAt: endsAt?.toISOString() ?? null,
    durationSeconds: Math.max(0, ((endsAt ?? now).getTime() - startsAt.getTime()) / 1000),
    labels: textsOf(episode.labels),
    annotations: textsOf(episode.annotations),
    generatorUrl: episode.generatorUrl,
    silencedBy: episode.silencedBy,
    inhibited,
    acknowledgedAt: episode.acknowledgedAt?.toISOString() ?? null,
    acknowledgedBy: episode.acknowledgedByName,
    isFlapping: isFlapping(startsAt, starts),
    closedBy,
  };
}

/** A JSON object whose values are texts; what is none is left out. */
export function textsOf(json: Prisma.JsonValue): Record<string, string> {
  if (typeof json !== "object" || json === null || Array.isArray(json)) return {};
  return Object.fromEntries(Object.entries(json).filter((entry): entry is [string, string] => typeof entry[1] === "string"));
}

/** When the episodes of the same alert around each episode began, its own included. */
async function readStartsAround(db: Database, episodes: readonly Episode[]): Promise<Map<string, Date[]>> {
  if (episodes.length === 0) return new Map();
  const around = `${flappingMinutes} minutes`;
  const rows = await db.$queryRaw<{ id: string; starts: Date[] }[]>`
    SELECT given.id, array_agg(other.starts_at) AS starts
    FROM unnest(${episodes.map(({ id }) => id)}::uuid[], ${episodes.map(({ sourceId }) => sourceId)}::uuid[],
      ${episodes.map(({ fingerprint }) => fingerprint)}::text[], ${episodes.map(({ startsAt }) => startsAt)}::timestamptz[])
      AS given (id, source_id, fingerprint, starts_at)
    JOIN alert_episodes other ON other.source_id = given.source_id AND other.fingerprint = given.fingerprint
      AND other.starts_at BETWEEN given.starts_at - ${around}::interval AND given.starts_at + ${around}::interval
    GROUP BY given.id`;
  return new Map(rows.map(({ id, starts }) => [id, starts]));
}
