import { createHash } from "node:crypto";
import type { Pipeline } from "#lib/database/pipeline.ts";
import { readTargets, sendAlertChanges } from "../notifications/announce.ts";
import { insertBodies, noteDeliveries, noteReceived } from "./body-rows.ts";
import { EpisodeChanges } from "./episode-changes.ts";
import { applyNotices, endOf } from "./policy.ts";
import { keyOf, lockSeries, type SeriesKey, type StoredEpisode } from "./series-store.ts";
import { type AlertNotice, readWebhookBody, watchdogName } from "./webhook-body.ts";

/** How long it may take until a page shows that an alert was told again. */
export const refreshAfterMs = 60_000;
/** Without an answer to a poll for so long, webhooks are believed about silences. */
const pollsFailAfterMs = 60_000;

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
 * Stores what webhooks told in one transaction: the bodies once each, the alerts' episodes and transitions, and what targets are to be
 * told. Storing the same again changes nothing, so a transaction whose end nobody saw may be repeated. The number of statements does
 * not depend on the number of alerts. Resolves to how many episodes changed.
 */
export async function storeDeliveries(pipeline: Pipeline, deliveries: readonly Delivery[], now: Date): Promise<number> {
  const bodies = [...Map.groupBy(deliveries, bodyKey).values()];
  const bySeries = Map.groupBy(
    bodies.flatMap(([first]) => first?.notices.map((alert) => ({ ...alert, sourceId: first.sourceId })) ?? []),
    keyOf,
  );
  const wanted = [...bySeries.values()].map(toWanted);
  const changes = new EpisodeChanges("webhook", now);
  await pipeline.transact(
    (sql) => Promise.all([lockSeries(sql, wanted), readTargets(sql)]),
    (sql, [episodes, targets]) => {
      for (const [key, alerts] of bySeries) addChanges(changes, alerts, episodes.get(key) ?? [], now);
      return Promise.all([
        sql(insertBodies, [JSON.stringify(bodies.map(toBodyRow))]),
        changes.write(sql),
        sendAlertChanges(sql, targets, changes.announcements, now),
        sql(noteReceived, [JSON.stringify(toHeard(deliveries, now))]),
      ]);
    },
  );
  return changes.count;
}

/** Counts deliveries whose bodies were stored a moment ago; resolves to those that were not. */
export async function countRepeats(pipeline: Pipeline, deliveries: readonly Delivery[], now: Date): Promise<Delivery[]> {
  const rows = [...Map.groupBy(deliveries, bodyKey).values()].map(toBodyRow).map(({ body, ...row }) => row);
  const [known] = await Promise.all([
    pipeline.run<{ key: string }>(noteDeliveries, [JSON.stringify(rows)]),
    pipeline.run(noteReceived, [JSON.stringify(toHeard(deliveries, now))]),
  ]);
  const keys = new Set(known.map(({ key }) => key));
  return deliveries.filter((delivery) => !keys.has(bodyKey(delivery)));
}

function addChanges(
  changes: EpisodeChanges,
  alerts: readonly (AlertNotice & { sourceId: string })[],
  stored: readonly StoredEpisode[],
  now: Date,
): void {
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

/** What a body is known by: its source and its hash. */
export function bodyKey({ sourceId, hash }: Delivery): string {
  return `${sourceId}/${hash}`;
}

function toHeard(deliveries: readonly Delivery[], now: Date) {
  return [...Map.groupBy(deliveries, ({ sourceId }) => sourceId)].map(([id, own]) => ({
    id,
    at: now.toISOString(),
    watchdog: own.some(({ hasWatchdog }) => hasWatchdog),
  }));
}

function toBodyRow(same: readonly Delivery[]) {
  const [first] = same;
  return {
    source_id: first?.sourceId,
    hash: first?.hash,
    body: first?.body,
    deliveries: same.length,
    at: first?.receivedAt.toISOString(),
  };
}

function toWanted(alerts: readonly (AlertNotice & { sourceId: string })[]): SeriesKey & { since: number } {
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
