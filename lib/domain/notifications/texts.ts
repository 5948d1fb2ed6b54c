import type { Rollout } from "#lib/database/generated/client.ts";
import { formatDuration } from "../duration.ts";
import type { AlertChange } from "./announce.ts";
import type { NotificationEvent } from "./events.ts";

export const maxTitleLength = 200;
export const maxTextLength = 600;

/** The event of an alert that fired or was resolved. */
export function describeAlertChange(change: AlertChange): NotificationEvent {
  const { episodeId, kind, name, severity, namespace, service, summary, startsAt, endsAt, round = 1 } = change;
  const where = service ? ` on ${namespace}/${service}` : namespace ? ` in ${namespace}` : "";
  const isOver = kind === "resolved";
  const lasted = endsAt ? ` after ${formatDuration(endsAt.getTime() - startsAt.getTime())}` : "";
  const urgency = severity === "none" ? "Firing" : capitalise(severity);
  const title = isOver ? `Resolved${lasted}` : round > 1 ? `Still ${urgency.toLowerCase()}` : urgency;
  return {
    event: isOver ? "alert-resolved" : "alert-fired",
    key: `alert/${episodeId}/${kind}${round > 1 ? `/${round}` : ""}`,
    subject: name,
    title: shorten(`${title}: ${name}${where}`, maxTitleLength),
    text: shorten(summary ?? "", maxTextLength),
    severity,
    namespace,
    service,
    path: `/alerts/${episodeId}`,
    at: isOver ? (endsAt ?? startsAt) : startsAt,
  };
}

const rolloutEnds: Partial<Record<Rollout["state"], { event: NotificationEvent["event"]; words: string }>> = {
  complete: { event: "rollout-finished", words: "is complete" },
  failed: { event: "rollout-failed", words: "failed" },
  aborted: { event: "rollout-aborted", words: "was aborted" },
};

type Ended = Pick<Rollout, "id" | "namespace" | "service" | "change" | "fromVersion" | "toVersion" | "toReplicas">;

/** The event of a rollout that ended; null for one that goes on or was superseded. */
export function describeRolloutEnd(
  rollout: Ended,
  end: { state: Rollout["state"]; message: string },
  at: Date,
): NotificationEvent | null {
  const { id, namespace, service } = rollout;
  const told = rolloutEnds[end.state];
  if (!told) return null;
  return {
    event: told.event,
    // One that was retried after an abort, or resumed after a failure, may end so again.
    key: `rollout/${id}/${end.state}${end.state === "complete" ? "" : `/${at.toISOString()}`}`,
    subject: `${namespace}/${service}`,
    title: shorten(`${describeChange(rollout)} of ${namespace}/${service} ${told.words}`, maxTitleLength),
    text: shorten(end.message, maxTextLength),
    severity: null,
    namespace,
    service,
    path: `/rollouts/${id}`,
    at,
  };
}

/** The event of a source that has gone blind. */
export function describeSourceBlind(window: { id: string; source: string; reason: string; beganAt: Date }): NotificationEvent {
  return {
    event: "source-blind",
    key: `blind-window/${window.id}`,
    subject: window.source,
    title: shorten(`Alerts of ${window.source} may be missed`, maxTitleLength),
    text: shorten(`${window.reason} Until this ends, a quiet page does not mean that all is well.`, maxTextLength),
    severity: null,
    namespace: null,
    service: null,
    path: "/settings?section=alert-sources",
    at: window.beganAt,
  };
}

/** The event of a silence that ends soon. */
export function describeSilenceExpiry(
  silence: { id: string; source: string; matchers: string; createdBy: string; comment: string; endsAt: Date },
  now: Date,
): NotificationEvent {
  const { id, source, matchers, createdBy, comment, endsAt } = silence;
  return {
    event: "silence-expiring",
    key: `silence/${source}/${id}/${endsAt.toISOString()}`,
    subject: matchers,
    title: shorten(`Silence ends in ${formatDuration(endsAt.getTime() - now.getTime())}: ${matchers}`, maxTitleLength),
    text: shorten(`Made by ${createdBy}: ${comment}`, maxTextLength),
    severity: null,
    namespace: null,
    service: null,
    path: "/alerts/silences",
    at: now,
  };
}

/** The event of a feed that has been lost for a while: what pages show of it is old. */
export function describeFeedLost(feed: { id: string; name: string; error: string; since: Date }): NotificationEvent {
  const { id, name, error, since } = feed;
  return {
    event: "feed-lost",
    key: `feed/${id}/${since.toISOString()}`,
    subject: name,
    title: shorten(`${name} does not answer`, maxTitleLength),
    text: shorten(`${error} What Switchyard shows of it is from before ${since.toISOString().slice(11, 16)} UTC.`, maxTextLength),
    severity: null,
    namespace: null,
    service: null,
    path: "/settings?section=connections",
    at: since,
  };
}

function describeChange({ change, fromVersion, toVersion, toReplicas }: Ended): string {
  const versions = fromVersion && toVersion && fromVersion !== toVersion ? ` from ${fromVersion} to ${toVersion}` : "";
  switch (change) {
    case "scale":
      return `Scale to ${toReplicas}`;
    case "restart":
      return "Restart";
    case "rollback":
      return `Rollback${versions}`;
    default:
      return `Rollout${versions}`;
  }
}

/** A text on one line of at most `max` characters; what is cut off is marked. */
export function shorten(given: string, max: number): string {
  const text = given.replace(/\s+/g, " ").trim();
  return text.length <= max ? text : `${text.slice(0, max - 1).trimEnd()}…`;
}

function capitalise(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1);
}
