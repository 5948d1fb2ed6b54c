import type { AlertmanagerSilence } from "#lib/alertmanager/schemas.ts";
import { Prisma } from "#lib/database/generated/client.ts";
import { matchersCondition } from "../../alerts/matchers.ts";
import { readMembers, readSilences } from "../../alerts/silences-members.ts";
import { type Context, transact } from "../../context.ts";
import { formatUtc } from "../../times.ts";
import { appendTimeline } from "../timeline/timeline.ts";

type SilenceContext = Pick<Context, "db" | "clock" | "logger">;
type Link = { incidentId: string; targetId: string; source: string; silence: string | null };

/**
 * Keeps with each alert of an open incident the active silence that would hide it if it fired again: an alert that is over and silenced
 * could come back unseen. Of a source with an Alertmanager that does not answer what was known stays. Returns how many changed.
 */
export async function markSilences({ db, clock, logger }: SilenceContext): Promise<number> {
  const links = await db.$queryRaw<Link[]>`
    SELECT link.incident_id AS "incidentId", link.target_id AS "targetId", source.name AS source, link.silence
    FROM incident_links link JOIN incidents ON incidents.id = link.incident_id AND resolved_at IS NULL
      JOIN alert_episodes episode ON episode.id = link.target_id JOIN alert_sources source ON source.id = episode.source_id
    WHERE link.kind = 'alert' AND source.disabled_at IS NULL`;
  if (links.length === 0) return 0;
  const sources = new Set(links.map(({ source }) => source));
  const { silences, members } = await readSilences((await readMembers(db)).filter(({ source }) => sources.has(source)));
  const unheard = new Set(members.filter(({ problem }) => problem !== null).map(({ source }) => source));
  const ids = [...new Set(links.map(({ targetId }) => targetId))];
  const hidden = new Map<string, string>();
  for (const { source, silence } of silences.filter((one) => one.silence.status.state === "active")) {
    try {
      const rows = await db.$queryRaw<{ id: string }[]>`
        SELECT episode.id FROM alert_episodes episode JOIN alert_sources source ON source.id = episode.source_id
        WHERE episode.id = ANY(${ids}::uuid[]) AND source.name = ${source}
          AND ${Prisma.join(matchersCondition(silence.matchers, Prisma.sql`episode.labels`), " AND ")}`;
      for (const { id } of rows) hidden.set(id, describe(silence));
    } catch (error) {
      logger.warn({ err: error, silence: silence.id }, "which alerts a silence hides cannot be told");
    }
  }
  const changed = links.filter(
    ({ targetId, source, silence }) => !unheard.has(source) && (hidden.get(targetId) ?? null) !== silence,
  );
  for (const { incidentId, targetId } of changed) {
    const id = { incidentId, kind: "alert", targetId };
    await transact({ db }, async (transaction) => {
      await appendTimeline(transaction, incidentId, [], { now: clock(), data: {} });
      await transaction.incidentLink.updateMany({ where: id, data: { silence: hidden.get(targetId) ?? null } });
    });
  }
  return changed.length;
}

function describe({ createdBy, endsAt, comment }: AlertmanagerSilence): string {
  return `a silence by ${createdBy || "somebody"} until ${formatUtc(endsAt, "minute")}${comment ? ` (“${comment.slice(0, 100)}”)` : ""}`;
}
