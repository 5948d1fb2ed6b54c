import type { NotificationTarget, Rollout } from "#lib/database/generated/client.ts";
import type { Sql } from "#lib/database/pipeline.ts";
import { storableJson } from "#lib/database/storable.ts";
import { makeUuid } from "#lib/database/uuid.ts";
import type { Transaction } from "../context.ts";
import { type EventPayload, matches, type NotificationEvent, rankOf, readFilter } from "./events.ts";
import { describeIncident, type IncidentNews, type ToldIncident } from "./incident-texts.ts";
import { describeAlertChange, describeRolloutEnd, describeSilenceExpiry, describeSourceBlind } from "./texts.ts";

export type { IncidentNews } from "./incident-texts.ts";

type Target = Pick<NotificationTarget, "id" | "filter">;

const findTargets = {
  name: "find-notification-targets",
  text: "SELECT id::text, filter FROM notification_targets WHERE disabled_at IS NULL ORDER BY id",
};

// One statement with one parameter, however many rows: a storm is stored as fast as it comes.
const insertOutbox = {
  name: "insert-notifications",
  text: `
    INSERT INTO notifications (id, target_id, event_key, event, severity, rank, title, payload, created_at)
    SELECT id, "targetId", "eventKey", event, severity, rank, title, payload, $2::timestamptz
    FROM jsonb_to_recordset($1::jsonb)
      AS row(id uuid, "targetId" uuid, "eventKey" text, event text, severity text, rank int, title text, payload jsonb)
    ON CONFLICT (target_id, event_key) DO NOTHING`,
};

/** An alert that began to fire or ended. */
export type AlertChange = {
  episodeId: string;
  kind: "fired" | "resolved";
  name: string;
  severity: string;
  namespace: string | null;
  service: string | null;
  /** The annotation `summary`, or null. */
  summary: string | null;
  startsAt: Date;
  /** null while it fires. */
  endsAt: Date | null;
  /** 2 when an end that was told is taken back, and so on; its end has the same. 1 when left out. */
  round?: number;
};

/** Puts the end of a rollout into the outbox: rollout-finished when it is complete, rollout-failed or rollout-aborted, else nothing. */
export async function announceRolloutEnd(
  transaction: Transaction,
  rollout: Pick<Rollout, "id" | "namespace" | "service" | "change" | "fromVersion" | "toVersion" | "toReplicas">,
  end: { state: Rollout["state"]; message: string },
  now: Date,
): Promise<number> {
  const event = describeRolloutEnd(rollout, end, now);
  return event ? announceEvents(transaction, [event], now) : 0;
}

/** Puts the beginning of a blind window into the outbox: alerts of the source may come and go unseen. */
export function announceSourceBlind(
  transaction: Transaction,
  window: { id: string; source: string; reason: string; beganAt: Date },
  now: Date = new Date(),
): Promise<number> {
  return announceEvents(transaction, [describeSourceBlind(window)], now);
}

/** Puts a silence that ends soon into the outbox. An extended silence is told of again before its new end. */
export function announceSilenceExpiry(
  transaction: Transaction,
  silence: { id: string; source: string; matchers: string; createdBy: string; comment: string; endsAt: Date },
  now: Date,
): Promise<number> {
  return announceEvents(transaction, [describeSilenceExpiry(silence, now)], now);
}

/** Puts what happened to an incident into the outbox: opened, its severity changed, escalated, resolved, its postmortem published. */
export function announceIncident(
  transaction: Transaction,
  incident: ToldIncident,
  news: IncidentNews,
  now: Date,
): Promise<number> {
  return announceEvents(transaction, [describeIncident(incident, news, now)], now);
}

/** Puts one event into the outbox of every target that wants it, in the transaction of what it tells of. */
export function announceEvent(transaction: Transaction, event: NotificationEvent, now: Date = new Date()): Promise<number> {
  return announceEvents(transaction, [event], now);
}

/** Puts events into the outbox of every target that wants them; returns how many rows were new. */
export async function announceEvents(
  transaction: Transaction,
  events: readonly NotificationEvent[],
  now: Date = new Date(),
): Promise<number> {
  if (events.length === 0) return 0;
  const targets = await transaction.notificationTarget.findMany({
    where: { disabledAt: null },
    select: { id: true, filter: true },
    orderBy: { id: "asc" },
  });
  const rows = outboxRows(targets, events, now);
  if (rows.length === 0) return 0;
  return transaction.$executeRawUnsafe(insertOutbox.text, storableJson(rows), now.toISOString());
}

/** The targets, for `sendAlertChanges` later in the same transaction. */
export function readTargets(sql: Sql): Promise<Target[]> {
  return sql<Target>(findTargets, []);
}

/**
 * Puts alerts that fired or were resolved into the outbox of every target that wants them, in the transaction that stores them.
 * Announcing the same change again does nothing. Costs one insert when any of the targets that were read wants to know.
 */
export async function sendAlertChanges(
  sql: Sql,
  targets: readonly Target[],
  changes: readonly AlertChange[],
  now: Date,
): Promise<void> {
  const rows = targets.length > 0 ? outboxRows(targets, changes.map(describeAlertChange), now) : [];
  if (rows.length > 0) await sql(insertOutbox, [storableJson(rows), now.toISOString()]);
}

function outboxRows(targets: readonly Target[], events: readonly NotificationEvent[], now: Date) {
  return targets.flatMap((target) => wantedBy(target, events).map((event) => toRow(target.id, event, now)));
}

function wantedBy(target: Target, events: readonly NotificationEvent[]): NotificationEvent[] {
  const filter = readFilter(target.filter);
  // In one order for all transactions, so that two that announce the same events cannot wait for each other.
  return events.filter((event) => matches(filter, event)).toSorted((a, b) => (a.key < b.key ? -1 : 1));
}

/** One row of the outbox. */
export function toRow(targetId: string, event: NotificationEvent, now: Date) {
  const { key, event: kind, severity, subject, title, text, namespace, service, path, at } = event;
  const payload: EventPayload = { subject, text, namespace, service, path, at: at.toISOString() };
  return { id: makeUuid(), targetId, eventKey: key, event: kind, severity, rank: rankOf(event), title, payload, createdAt: now };
}
