import { z } from "zod";

/** What Switchyard tells targets of. `test` is sent by hand only and passes every filter. */
export const eventKinds = [
  "alert-fired",
  "alert-resolved",
  "silence-expiring",
  "rollout-failed",
  "rollout-aborted",
  "rollout-finished",
  "feed-lost",
  "source-blind",
  "incident-opened",
  "incident-severity-changed",
  "incident-escalated",
  "incident-resolved",
  "status-update",
  "external-update",
  "postmortem-published",
  "action-item-due",
  "test",
] as const;
export type EventKind = (typeof eventKinds)[number];

/** The kinds that a target can ask for. */
export const chosenEventKinds = eventKinds.filter((kind) => kind !== "test");

const serviceIdSchema = z.string().regex(/^[a-z0-9.-]+\/[a-z0-9.-]+$/, "Write a service as namespace/name.");

/** Which events a target wants. No severities = all of them, of alerts and of incidents (P1 to P4) alike; no services = all of them. */
export const filterSchema = z.object({
  events: z.array(z.enum(chosenEventKinds)).min(1, "Choose at least one event.").max(20),
  severities: z.array(z.string().trim().min(1).max(60)).max(20).default([]),
  services: z.array(serviceIdSchema).max(200).default([]),
});
export type NotificationFilter = z.infer<typeof filterSchema>;

const storedFilterSchema = z.object({
  events: z.array(z.string()),
  severities: z.array(z.string()).catch([]),
  services: z.array(z.string()).catch([]),
});

/**
 * A filter as it is stored. Another version may have written it: kinds that this one does not know are left out, and a filter that
 * cannot be read wants nothing, for what is told of must be stored all the same.
 */
export function readFilter(stored: unknown): NotificationFilter {
  const { data } = storedFilterSchema.safeParse(stored);
  if (!data) return { events: [], severities: [], services: [] };
  return { ...data, events: chosenEventKinds.filter((kind) => data.events.includes(kind)) };
}

/** One thing to tell. */
export type NotificationEvent = {
  event: EventKind;
  /** The same key is told a target once, however often it is announced. */
  key: string;
  /** What it is about in a word, under which many are counted: "RelayHighLatency". */
  subject: string;
  /** One line that can stand alone on a locked phone. */
  title: string;
  /** A sentence or two more; may be empty. */
  text: string;
  /** Of an alert or an incident; null for everything else. */
  severity: string | null;
  namespace: string | null;
  service: string | null;
  /** All that an incident concerns, as namespace/name. */
  services?: readonly string[];
  /** The page that shows it, from the root: "/alerts/...". */
  path: string;
  /** When it happened. */
  at: Date;
};

/** What the outbox keeps of an event beside its key, kind, severity and title. */
export const payloadSchema = z.object({
  subject: z.string(),
  text: z.string(),
  namespace: z.string().nullable(),
  service: z.string().nullable(),
  path: z.string(),
  at: z.iso.datetime(),
});
export type EventPayload = z.infer<typeof payloadSchema>;

/**
 * Whether a filter lets an event pass. Severities choose among alerts, and those from P1 to P4 among incidents; services choose among
 * what is about a service. An alert that names none is about none of the chosen ones, an incident that names none may be about any.
 * What concerns the whole installation passes by its kind alone.
 */
export function matches(
  filter: NotificationFilter,
  event: Pick<NotificationEvent, "event" | "severity" | "namespace" | "service" | "services">,
): boolean {
  if (event.event === "test") return true;
  if (!filter.events.includes(event.event)) return false;
  const isAlert = alertEvents.has(event.event);
  const isIncident = incidentEvents.has(event.event);
  const severities = filter.severities.filter((severity) => incidentSeverities.has(severity) === isIncident);
  if ((isAlert || isIncident) && severities.length > 0 && !severities.includes(event.severity ?? "none")) return false;
  if (filter.services.length === 0) return true;
  const { services = [] } = event;
  if (isIncident) return services.length === 0 || services.some((service) => filter.services.includes(service));
  if (!isAlert && !rolloutEvents.has(event.event)) return true;
  return event.service !== null && filter.services.includes(`${event.namespace}/${event.service}`);
}

const alertEvents: ReadonlySet<EventKind> = new Set(["alert-fired", "alert-resolved"]);
const rolloutEvents: ReadonlySet<EventKind> = new Set(["rollout-failed", "rollout-aborted", "rollout-finished"]);
const incidentEvents: ReadonlySet<EventKind> = new Set([
  "incident-opened",
  "incident-severity-changed",
  "incident-escalated",
  "incident-resolved",
  "status-update",
  "external-update",
  "postmortem-published",
  "action-item-due",
]);
const incidentSeverities: ReadonlySet<string> = new Set(["P1", "P2", "P3", "P4"]);

const severityRanks: Record<string, number> = {
  critical: 0,
  page: 0,
  error: 1,
  high: 1,
  warning: 2,
  info: 3,
  p1: 0,
  p2: 0,
  p3: 2,
  p4: 3,
};

/** What a message with many events lists first: 0 is the most urgent. */
export function rankOf({ event, severity }: Pick<NotificationEvent, "event" | "severity">): number {
  switch (event) {
    case "alert-fired":
    case "incident-opened":
    case "incident-severity-changed":
      return severityRanks[severity?.toLowerCase() ?? ""] ?? 3;
    case "incident-escalated":
      return 0;
    case "rollout-failed":
    case "rollout-aborted":
    case "feed-lost":
    case "source-blind":
      return 1;
    case "silence-expiring":
    case "status-update":
    case "external-update":
    case "action-item-due":
      return 3;
    case "alert-resolved":
    case "rollout-finished":
    case "incident-resolved":
    case "postmortem-published":
    case "test":
      return 4;
  }
}
