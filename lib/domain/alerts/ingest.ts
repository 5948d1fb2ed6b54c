import { createHash } from "node:crypto";
import type { Database } from "#lib/database/client.ts";
import { type Transaction, transact } from "../context.ts";
import { announceAlertChanges } from "../notifications/announce.ts";
import { EpisodeChanges } from "./episode-changes.ts";
import { applyNotices } from "./policy.ts";
import { keyOf, lockSeries, readEpisodes, type SeriesKey, type StoredEpisode } from "./series-store.ts";
import { type AlertNotice, readWebhookBody, watchdogName } from "./webhook-body.ts";

const refreshAfterMs = 60_000;

/** One webhook as it came, read. */
export type Delivery = {
  sourceId: string;
  receivedAt: Date;
  body: string;
  /** SHA-256 of the body's bytes, hexadecimal. */
  hash: string;
  notices: AlertNotice[];
  unreadable: number;
  hasWatchdog: boolean;
};

/** What a transaction stored. `known` counts deliveries whose body had come before. */
export type Stored = { known: number; changed: number };

/** Reads a webhook's body; throws invalid-input when nothing of it can be read. */
export function readDelivery(sourceId: string, bytes: Uint8Array, receivedAt: Date): Delivery {
  const body = new TextDecoder().decode(bytes).replaceAll("\0", "\uFFFD");
  const { notices, unreadable } = readWebhookBody(body);
  const isWatchdog = ({ labels }: AlertNotice) => labels.alertname === watchdogName;
  return {
    sourceId,
    receivedAt,
    body,
    hash: createHash("sha256").update(bytes).digest("hex"),
    notices: notices.filter((alert) => !isWatchdog(alert)),
    unreadable,
    hasWatchdog: notices.some((alert) => isWatchdog(alert) && alert.notice.status === "firing"),
  };
}

/**
 * Stores what webhooks told in one transaction: the bodies once each, the alerts' episodes and transitions, and what targets are to
 * be told. Storing the same again changes nothing, so a transaction whose end nobody saw may be repeated. The number of statements
 * does not depend on the number of alerts.
 */
export function storeDeliveries(db: Database, deliveries: readonly Delivery[], now: Date): Promise<Stored> {
  return transact({ db }, async (transaction) => {
    const fresh = await keepBodies(transaction, deliveries);
    const bySeries = Map.groupBy(
      fresh.flatMap(({ sourceId, notices }) => notices.map((alert) => ({ ...alert, sourceId }))),
      keyOf,
    );
    const changes = new EpisodeChanges("webhook", now);
    if (bySeries.size > 0) {
      const wanted = [...bySeries.values()].map(toWanted);
      await lockSeries(transaction, wanted);
      const episodes = await readEpisodes(transaction, wanted);
      const refreshed: Refresh[] = [];
      for (const [key, alerts] of bySeries) {
        const facts = alerts.at(-1);
        if (!facts) continue;
        const stored = episodes.get(key) ?? [];
        const made = applyNotices(
          stored.map(({ state }) => state),
          alerts.map(({ notice }) => notice),
        );
        changes.add({ key: facts, facts, stored, changes: made });
        const refresh = made.length === 0 ? toRefresh(stored.at(-1), facts, now) : null;
        if (refresh) refreshed.push(refresh);
      }
      await changes.write(transaction);
      await refreshEpisodes(transaction, refreshed, now);
      await announceAlertChanges(transaction, changes.announcements, now);
    }
    await noteReceived(transaction, deliveries, now);
    return { known: deliveries.length - fresh.length, changed: changes.count };
  });
}

/** Keeps each body once and counts its deliveries; returns one delivery of each body that had not come before. */
async function keepBodies(transaction: Transaction, deliveries: readonly Delivery[]): Promise<Delivery[]> {
  const byBody = Map.groupBy(deliveries, ({ sourceId, hash }) => `${sourceId}/${hash}`);
  const rows = [...byBody.values()].flatMap((same) => {
    const [first] = same;
    return first
      ? [{ source_id: first.sourceId, hash: first.hash, body: first.body, deliveries: same.length, at: first.receivedAt }]
      : [];
  });
  // An update leaves a transaction id in xmax; an insert leaves none.
  const kept = await transaction.$queryRaw<{ source_id: string; hash: string; is_new: boolean }[]>`
    INSERT INTO alert_bodies AS b (source_id, hash, body, deliveries, first_received_at, last_received_at)
    SELECT source_id, decode(hash, 'hex'), body, deliveries, at, at
    FROM json_to_recordset(${JSON.stringify(rows)}::json) AS r(
      source_id uuid, hash text, body text, deliveries int, at timestamptz)
    ORDER BY source_id, hash
    ON CONFLICT (source_id, hash) DO UPDATE
    SET deliveries = b.deliveries + excluded.deliveries,
      last_received_at = greatest(b.last_received_at, excluded.last_received_at)
    RETURNING source_id::text, encode(hash, 'hex') AS hash, xmax = 0 AS is_new`;
  return kept.flatMap(({ source_id, hash, is_new }) => (is_new ? (byBody.get(`${source_id}/${hash}`)?.slice(0, 1) ?? []) : []));
}

function toWanted(alerts: readonly (AlertNotice & { sourceId: string })[]): SeriesKey & { since: number } {
  const [first] = alerts;
  const since = Math.min(...alerts.map(({ notice }) => notice.startsAt));
  return { sourceId: first?.sourceId ?? "", fingerprint: first?.fingerprint ?? "", since };
}

type Refresh = { id: string; annotations: Record<string, string>; generator_url: string | null };

/** What to write of an open episode of which nothing new was told but its text, or that it still fires after a while. */
function toRefresh(episode: StoredEpisode | undefined, alert: AlertNotice, now: Date): Refresh | null {
  if (!episode || alert.notice.status !== "firing" || episode.state.cover || episode.state.goneAt !== null) return null;
  const { annotations, generatorUrl } = alert;
  const isOld = now.getTime() - episode.lastReceivedAt >= refreshAfterMs;
  if (!isOld && isSameText(annotations, episode.annotations)) return null;
  return { id: episode.state.id, annotations, generator_url: generatorUrl };
}

async function refreshEpisodes(transaction: Transaction, rows: readonly Refresh[], now: Date): Promise<void> {
  if (rows.length === 0) return;
  await transaction.$executeRaw`
    UPDATE alert_episodes e
    SET annotations = r.annotations, generator_url = r.generator_url, last_received_at = ${now}
    FROM json_to_recordset(${JSON.stringify(rows)}::json) AS r(id uuid, annotations jsonb, generator_url text)
    WHERE e.id = r.id`;
}

/** At most once a second: otherwise every transaction would wait for the one before at this row. */
async function noteReceived(transaction: Transaction, deliveries: readonly Delivery[], now: Date): Promise<void> {
  const bySource = Map.groupBy(deliveries, ({ sourceId }) => sourceId);
  for (const sourceId of [...bySource.keys()].toSorted()) {
    const hasWatchdog = bySource.get(sourceId)?.some((delivery) => delivery.hasWatchdog) ?? false;
    await transaction.$executeRaw`
      UPDATE alert_sources
      SET last_received_at = ${now},
        watchdog_at = CASE WHEN ${hasWatchdog} THEN greatest(watchdog_at, ${now}) ELSE watchdog_at END
      WHERE id = ${sourceId}::uuid AND (last_received_at IS NULL OR last_received_at < ${now}::timestamptz - interval '1 second'
        OR (${hasWatchdog} AND (watchdog_at IS NULL OR watchdog_at < ${now}::timestamptz - interval '1 second')))`;
  }
}

function isSameText(a: Record<string, string>, b: Record<string, string>): boolean {
  const names = Object.keys(a);
  return names.length === Object.keys(b).length && names.every((name) => a[name] === b[name]);
}
