import { hash } from "node:crypto";
import { gunzipSync, gzipSync } from "node:zlib";
import type { Pipeline, Sql } from "#lib/database/pipeline.ts";
import { readTargets, sendAlertChanges } from "../notifications/announce.ts";
import { insertBodies, noteReceived } from "./body-rows.ts";
import { EpisodeChanges } from "./episode-changes.ts";
import { applyNotices, endOf } from "./policy.ts";
import { keyOf, lockSeries, type SeriesKey, type StoredEpisode } from "./series-store.ts";
import { type AlertNotice, readWebhookBody, watchdogName } from "./webhook-body.ts";

/** How long it may take until a page shows that an alert was told again. */
export const refreshAfterMs = 60_000;
/** Without an answer to a poll for so long, webhooks are believed about silences. */
const pollsFailAfterMs = 60_000;

/** What a webhook told of one alert. */
type ToldAlert = AlertNotice & {
  sourceId: string;
  /** The alert's key, and a digest of all that was told of it. */
  key: string;
  digest: string;
};

/** One webhook as it came, read. */
export type Delivery = {
  sourceId: string;
  receivedAt: Date;
  bytes: Uint8Array;
  /** SHA-256 of the bytes, hexadecimal. */
  hash: string;
  alerts: ToldAlert[];
  unreadable: number;
  hasWatchdog: boolean;
};

/** Reads a webhook's body; throws invalid-input when nothing of it can be read. */
export function readDelivery(sourceId: string, bytes: Uint8Array, receivedAt: Date): Delivery {
  const { notices, unreadable } = readWebhookBody(new TextDecoder().decode(bytes));
  const isWatchdog = ({ labels }: AlertNotice) => labels.alertname === watchdogName;
  return {
    sourceId,
    receivedAt,
    bytes,
    hash: hash("sha256", bytes),
    alerts: notices.filter((alert) => !isWatchdog(alert)).map((alert) => toTold(sourceId, alert)),
    unreadable,
    hasWatchdog: notices.some((alert) => isWatchdog(alert) && alert.notice.status === "firing"),
  };
}

function toTold(sourceId: string, alert: AlertNotice): ToldAlert {
  const { fingerprint, notice, annotations, generatorUrl } = alert;
  const digest = hash("sha1", JSON.stringify([notice, annotations, generatorUrl]), "base64");
  return { ...alert, sourceId, key: keyOf({ sourceId, fingerprint }), digest };
}

/**
 * Stores what webhooks told in one transaction: the bodies once each, the alerts' episodes and transitions, and what targets are to be
 * told. Storing the same again changes nothing, so a transaction whose end nobody saw may be repeated. The number of statements does
 * not depend on the number of alerts. Without alerts there are only bodies to keep. Resolves to how many episodes changed.
 */
export async function storeDeliveries(pipeline: Pipeline, deliveries: readonly Delivery[], now: Date): Promise<number> {
  const bySeries = Map.groupBy(
    deliveries.flatMap(({ alerts }) => alerts),
    ({ key }) => key,
  );
  const wanted = [...bySeries.values()].map(toWanted);
  // Made before anything is locked: others wait for these alerts.
  const [bodies, heard] = [JSON.stringify(toBodyRows(deliveries)), JSON.stringify(toHeard(deliveries, now))];
  const keepBodies = (sql: Sql) => Promise.all([sql(insertBodies, [bodies]), sql(noteReceived, [heard])]);
  const changes = new EpisodeChanges("webhook", now);
  if (wanted.length === 0) await keepBodies(pipeline.run);
  else
    await pipeline.transact(
      (sql) => Promise.all([lockSeries(sql, wanted), readTargets(sql)]),
      (sql, [episodes, targets]) => {
        for (const [key, alerts] of bySeries) addChanges(changes, alerts, episodes.get(key) ?? [], now);
        return Promise.all([changes.write(sql), sendAlertChanges(sql, targets, changes.announcements, now), keepBodies(sql)]);
      },
    );
  return changes.count;
}

function addChanges(changes: EpisodeChanges, alerts: readonly ToldAlert[], stored: readonly StoredEpisode[], now: Date): void {
  const facts = alerts.at(-1);
  if (!facts) return;
  const made = applyNotices(
    stored.map(({ state }) => state),
    alerts.map(({ notice }) => notice),
  );
  changes.add({ key: facts, facts, stored, changes: made });
  const last = stored.at(-1);
  if (!last || facts.notice.status !== "firing" || last.state.cover || last.state.goneAt !== null) return;
  const change = made.find(({ before }) => before?.id === last.state.id);
  const after = change ? change.after : last.state;
  if (!after || endOf(after) !== null) return;
  if (made.length === 0 && isNews(last, facts, now)) changes.refresh(last, facts, facts);
  if (isShownToFire(last, now)) changes.suppress(last, { silencedBy: [], inhibited: false }, after);
}

/** In the order of their ids, in which everything locks sources. */
function toHeard(deliveries: readonly Delivery[], now: Date) {
  const bySource = [...Map.groupBy(deliveries, ({ sourceId }) => sourceId)].toSorted(([a], [b]) => (a < b ? -1 : 1));
  return bySource.map(([id, own]) => ({
    id,
    at: now.toISOString(),
    watchdog: own.some(({ hasWatchdog }) => hasWatchdog),
  }));
}

/** Bodies are kept compressed: they repeat themselves, and ten times as much would go through the database's log. */
function toBodyRows(deliveries: readonly Delivery[]) {
  const same = Map.groupBy(deliveries, ({ sourceId, hash }) => `${sourceId}/${hash}`);
  return [...same.values()].flatMap(([first, ...others]) =>
    first
      ? {
          source_id: first.sourceId,
          hash: first.hash,
          body: gzipSync(first.bytes, { level: 1 }).toString("base64"),
          deliveries: 1 + others.length,
          at: first.receivedAt.toISOString(),
        }
      : [],
  );
}

/** A body as it came, of what is stored of it: those of older versions are not compressed. */
export function unpackBody(stored: Uint8Array): Uint8Array {
  const isCompressed = stored[0] === 0x1f && stored[1] === 0x8b;
  return isCompressed ? gunzipSync(stored) : stored;
}

function toWanted(alerts: readonly ToldAlert[]): SeriesKey & { since: number } {
  const [first] = alerts;
  const since = Math.min(...alerts.map(({ notice }) => notice.startsAt));
  return { sourceId: first?.sourceId ?? "", fingerprint: first?.fingerprint ?? "", since };
}

/** Alertmanager tells nothing of what a silence or another alert hides; a webhook that was under way is older than the last poll. */
function isShownToFire({ silencedBy, inhibited, polledAt }: StoredEpisode, now: Date): boolean {
  return (silencedBy.length > 0 || inhibited) && now.getTime() - (polledAt ?? 0) >= pollsFailAfterMs;
}

/** Whether a notice tells a new text of an open episode, or after a while that it still fires. */
function isNews(episode: StoredEpisode, alert: AlertNotice, now: Date): boolean {
  const isOld = now.getTime() - episode.lastReceivedAt >= refreshAfterMs;
  return isOld || !isSameText(alert.annotations, episode.annotations);
}

function isSameText(a: Record<string, string>, b: Record<string, string>): boolean {
  const names = Object.keys(a);
  return names.length === Object.keys(b).length && names.every((name) => a[name] === b[name]);
}
