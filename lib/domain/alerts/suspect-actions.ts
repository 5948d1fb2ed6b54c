import type { Database } from "#lib/database/client.ts";
import { Prisma } from "#lib/database/generated/client.ts";
import type { ConsoleContext, Context, Transaction } from "../context.ts";
import type { FleetStore } from "../fleet/live.ts";
import { doneTo } from "../ledger/queries.ts";
import type { Episode } from "./rows.ts";
import type { Suspect } from "./schemas.ts";
import { rankSuspects, type SuspectAction, suspectMinutes } from "./suspects.ts";

/** What queries of alerts need: the live fleet tells what a service needs. */
export type FleetContext = Context & Pick<ConsoleContext, "fleet">;

const maxActionsOfAlert = 50;

/** The service that an alert names and what this needs, as namespace/name; empty when it names none. */
export function suspectedServices(fleet: FleetStore, { namespace, service }: Pick<Episode, "namespace" | "service">): string[] {
  if (!namespace || !service) return [];
  const id = `${namespace}/${service}`;
  return [id, ...(fleet.findService(id)?.service.about.dependsOn ?? [])];
}

type ActionRow = Omit<SuspectAction, "at"> & { episodeId: string; at: Date };

type Suspected = Pick<Episode, "id" | "startsAt" | "namespace" | "service">;

/** The suspects of each episode by its id, the closest first: one query for all. */
export function findSuspects(db: Database, fleet: FleetStore, episodes: readonly Suspected[]): Promise<Map<string, Suspect[]>> {
  return rankActions(
    db,
    episodes.map(({ id, startsAt, ...episode }) => ({ id, startsAt, services: suspectedServices(fleet, episode) })),
  );
}

/** What is suspected by whom: its own service first, then those that this needs, as namespace/name. */
export type Asked = { id: string; startsAt: Date; services: readonly string[] };

/** The suspects of everything that is asked for by its id, a UUID, the closest first: one query for all. */
export async function rankActions(db: Database | Transaction, asked: readonly Asked[]): Promise<Map<string, Suspect[]>> {
  const wanted = asked.flatMap(({ services, ...one }) => services.map((service) => ({ ...one, service })));
  if (wanted.length === 0) return new Map();
  const rows = await db.$queryRaw<ActionRow[]>`
    SELECT given.episode_id AS "episodeId", given.service, action.*
    FROM unnest(${wanted.map(({ id }) => id)}::uuid[], ${wanted.map(({ startsAt }) => startsAt)}::timestamptz[],
      ${wanted.map(({ service }) => service)}::text[]) AS given (episode_id, starts_at, service)
    CROSS JOIN LATERAL (
      SELECT entry.id AS "auditId", entry.at, entry.verb, entry.actor_kind::text AS "actorKind", entry.actor_name AS actor,
        entry.reason, rollout.id AS "rolloutId"
      FROM (${doneTo(Prisma.sql`split_part(given.service, '/', 1)`, Prisma.sql`split_part(given.service, '/', 2)`)}) entry
        LEFT JOIN rollouts rollout ON rollout.audit_entry_id = entry.id
      WHERE entry.outcome = 'succeeded'
        AND entry.at BETWEEN given.starts_at - ${`${suspectMinutes} minutes`}::interval AND given.starts_at
      ORDER BY entry.at DESC LIMIT ${maxActionsOfAlert}
    ) action`;
  const byId = Map.groupBy(rows, ({ episodeId }) => episodeId);
  return new Map(
    asked.map(({ id, startsAt, services: [service = "", ...dependsOn] }) => {
      const actions = (byId.get(id) ?? []).map(({ episodeId: _, at, ...row }) => ({ ...row, at: at.toISOString() }));
      return [id, rankSuspects({ startsAt, service, dependsOn }, actions)];
    }),
  );
}
