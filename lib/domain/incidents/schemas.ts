import { z } from "zod";
import { reasonSchema } from "../actions/schemas.ts";
import type { Suspect } from "../alerts/schemas.ts";
import { type ServiceFigures, serviceRefSchema } from "../fleet/schemas.ts";
import type { Unit } from "../metrics/schemas.ts";
import type { Clock, ClockFigures } from "./clock.ts";
import type { Step } from "./steps.ts";

export const severities = ["P1", "P2", "P3", "P4"] as const;
export type Severity = (typeof severities)[number];

/** The guides' severities, and after how long without an acknowledgement people are told again; null: never. */
export const severityInfos: Record<Severity, { title: string; about: string; escalateAfterMinutes: number | null }> = {
  P1: { title: "Critical", about: "A service is down, or data are lost.", escalateAfterMinutes: 5 },
  P2: { title: "High", about: "A major feature is broken, or slow for many.", escalateAfterMinutes: 15 },
  P3: { title: "Medium", about: "A minor feature is broken.", escalateAfterMinutes: null },
  P4: { title: "Low", about: "Cosmetic: nobody is kept from working.", escalateAfterMinutes: null },
};

/** P1 and P2: they wake people, count as a failure of their services, and need a postmortem. */
export const isMajor = (severity: string) => severity === "P1" || severity === "P2";

/** Whether what can be learned from it has to be published; a drill has a report of its own. */
export const requiresPostmortem = ({ severity, isDrill }: { severity: string; isDrill: boolean }) =>
  isMajor(severity) && !isDrill;

export const origins = ["person", "token", "alert", "rollout", "backup", "drill"] as const;
export type Origin = (typeof origins)[number];

/** What can belong to an incident; targetId is the id of the episode, rollout, audit entry, backup or incident. */
export const linkKinds = ["alert", "rollout", "action", "backup", "incident"] as const;
export type LinkKind = (typeof linkKinds)[number];

/** The rows of a timeline: those that Switchyard writes, then those of people. */
export const timelineKinds = [
  "opened",
  "alert",
  "action",
  "rollout",
  "restart",
  "config",
  "step",
  "changed",
  "person",
  "escalated",
  "recovery",
  "update",
  "note",
] as const;
export type TimelineKind = (typeof timelineKinds)[number];

const titleSchema = z.string().trim().min(3, "Say in a few words what is wrong.").max(200, "Use at most 200 characters.");
const textSchema = z.string().trim().min(1, "Write something.").max(20_000, "Use at most 20,000 characters.");
const timeSchema = z.iso
  .datetime({ offset: true, error: "Give a time such as 2026-12-24T12:00:00Z." })
  .transform((text) => new Date(text));
const severitySchema = z.enum(severities, "Choose P1, P2, P3 or P4.");
const servicesSchema = z.array(serviceRefSchema).max(20, "Name at most 20 services.");
const linkSchema = z.object({ kind: z.enum(linkKinds), targetId: z.uuid("Give the id of what is linked.").toLowerCase() });

/** POST /api/incidents */
export const reportIncidentSchema = z.object({
  title: titleSchema,
  severity: severitySchema,
  services: servicesSchema.default([]),
  /** Since when users notice; when left out, the start of the first linked alert, else unknown until it is measured or edited. */
  impactStartedAt: timeSchema.optional(),
  links: z.array(linkSchema).max(50).default([]),
  isDrill: z.boolean().default(false),
  /** Open it although one of the services has an open incident: without this the answer names that one. */
  isAnother: z.boolean().default(false),
});
export type ReportIncidentInput = z.input<typeof reportIncidentSchema>;

/**
 * PATCH /api/incidents/:id: what is left out stays. A change of a time of the clock needs a reason, and so does what makes less of it:
 * a lower severity, a service that it no longer concerns, that it is a drill.
 */
export const changeIncidentSchema = z.object({
  title: titleSchema.optional(),
  severity: severitySchema.optional(),
  services: servicesSchema.optional(),
  isDrill: z.boolean().optional(),
  clock: z
    .object({
      impactStartedAt: timeSchema,
      detectedAt: timeSchema,
      acknowledgedAt: timeSchema,
      mitigatedAt: timeSchema,
      resolvedAt: timeSchema,
    })
    .partial()
    .optional(),
  reason: reasonSchema.optional(),
});
export type ChangeIncidentInput = z.input<typeof changeIncidentSchema>;

/** What brings an incident further. */
export const incidentCommands = ["acknowledge", "assess", "mitigate", "resolve", "reopen", "document"] as const;
export type IncidentCommand = (typeof incidentCommands)[number];

/** POST /api/incidents/:id/:command */
export const incidentCommandSchema = z.object({
  /** When it was so, of what sets a time (acknowledge, mitigate, resolve); now when left out. */
  at: timeSchema.optional(),
  note: textSchema.optional(),
  /** Resolve in spite of what speaks against it; kept, and marked in the postmortem. */
  override: z.object({ reason: reasonSchema }).nullable().default(null),
});

/** POST /api/incidents/:id/updates: a status update for the team or for those outside. */
export const updateSchema = z.object({ audience: z.enum(["internal", "external"]), text: textSchema });
/** POST /api/incidents/:id/notes */
export const noteSchema = z.object({ text: textSchema, at: timeSchema.optional() });
/** PATCH /api/incidents/:id/events/:eventId. A row that Switchyard wrote keeps its message. */
export const changeEventSchema = z.object({
  text: textSchema.optional(),
  at: timeSchema.optional(),
  isHidden: z.boolean().optional(),
  reason: reasonSchema,
});
/** PUT /api/incidents/:id/people; DELETE /api/incidents/:id/people/:name says that somebody has left. */
export const personSchema = z.object({ name: z.string().trim().min(1).max(100), role: z.enum(["commander", "responder"]) });
/** PUT /api/incidents/:id/links; DELETE /api/incidents/:id/links/:kind/:targetId takes it away. */
export const putLinkSchema = linkSchema;
/** DELETE /api/incidents/:id/links/:kind/:targetId, the body may be left out: to take a firing alert away needs a reason. */
export const removeLinkSchema = z.object({ reason: reasonSchema.optional() }).default({});
/** PUT /api/incidents/:id/checks */
export const checkSchema = z.object({ item: z.string().min(1).max(60), isDone: z.boolean() });

/** The answer to every change: the incident, its version after it, and what was done in a sentence. */
export type IncidentChange = { id: string; number: number; version: number; message: string };

/** The answer to POST /api/incidents/:id/images, whose body is the picture: what a note's Markdown shows it by. */
export type PastedImage = { id: string; address: string };

/** GET and PUT /api/incidents/settings/escalation: the minutes after which people are told again; null: never. */
export const escalationSchema = z.object({
  minutes: z.record(
    z.enum(severities),
    z.int("Give whole minutes.").min(1, "Give 1 or more.").max(1_440, "Give at most a day.").nullable(),
  ),
});
export type EscalationSettings = z.output<typeof escalationSchema>;

/** open: not resolved yet. */
export const incidentStates = ["open", "resolved"] as const;

/** GET /api/incidents */
export const listIncidentsSchema = z.object({
  state: z.enum(incidentStates).optional(),
  severity: z.enum(severities).optional(),
  namespace: z.string().optional(),
  service: z.string().optional(),
  drills: z.enum(["with", "without", "only"]).default("with"),
  search: z.string().trim().max(200).optional(),
  cursor: z.string().optional(),
  limit: z.coerce.number().int().min(1).max(200).default(50),
});
export type ListIncidentsInput = z.input<typeof listIncidentsSchema>;

/** GET /api/incidents/:id/timeline */
export const listTimelineSchema = z.object({
  cursor: z.string().optional(),
  limit: z.coerce.number().int().min(1).max(500).default(200),
});

/** An incident as lists show it. Times are ISO 8601 in UTC. */
export type IncidentView = {
  id: string;
  number: number;
  title: string;
  severity: Severity;
  step: Step | "done";
  origin: Origin;
  isDrill: boolean;
  services: { namespace: string; name: string }[];
  clock: Clock;
  figures: ClockFigures;
  commander: string | null;
  openedBy: string;
  /** When people are told again because nobody has acknowledged it; null when nobody needs to be. */
  escalatesAt: string | null;
  /** A postmortem is required (P1 and P2, no drill) and not published yet. */
  needsPostmortem: boolean;
};

export type TimelineRow = {
  id: string;
  at: string;
  recordedAt: string;
  kind: TimelineKind;
  message: string;
  by: string;
  /** Written by Switchyard from what it names. */
  source: string | null;
  /** The charts at that instant: /fleet/NAMESPACE/NAME?from=...&to=...; null when it is about no service. */
  href: string | null;
  audience: "internal" | "external" | null;
  editedAt: string | null;
  editedBy: string | null;
  isHidden: boolean;
};

/** Why it cannot be resolved now, a sentence each; an override with a reason goes past them. */
export type ResolveBlocker = {
  id: "alert-fires" | "alert-cleared-just-now" | "indicator-bad" | "indicator-unknown" | "silenced" | "no-evidence";
  message: string;
  /** The page that shows it; null or left out where none does. */
  href?: string | null;
};

/** What may be done now: null, or why not. */
export type IncidentCommands = Record<IncidentCommand, string | null>;

/** What stands behind an incident's alert, over `windowSeconds` of the prober's data; its value is null where nobody could know. */
export type Recovery = {
  /** namespace/name */
  service: string;
  indicator: { name: string; title: string; short: string; unit: Unit; limit: number; bad: "above" | "below" };
  windowSeconds: number;
  /** In the minutes before the impact, at its worst since, now, and since it has recovered. */
  before: number | null;
  during: number | null;
  now: number | null;
  after: number | null;
  state: "good" | "bad" | "unknown";
  /** Since when it has been good without a break; null while it is not. */
  goodSince: string | null;
  /** From the data: when it began to be good, once it has been so for `windowSeconds`. */
  recoveredAt: string | null;
  points: { at: string; value: number | null }[];
  /** The service's other indicators: it is good when all are. */
  others: Pick<Recovery, "indicator" | "now" | "state">[];
};

/** What the data say of a rollback, a restart or a scaling during the incident. */
export type ActionVerdict = {
  /** Of its audit entry, and what it was done to as namespace/name. */
  actionId: string;
  service: string;
  /** pending: the data do not tell yet. */
  verdict: "recovered" | "not-recovered" | "unknown" | "pending";
  /** From the click until the indicator was good for a window; null while it is not. */
  seconds: number | null;
  before: number | null;
  after: number | null;
  /** The timeline's sentence, and its time; while it is pending how far the data are, and when it was done. */
  message: string;
  at: string;
};

/** A change before the impact ("2.0.0 → 2.2.0"), with what was measured before it and, if it was the last then, once it had settled. */
export type IncidentSuspect = Suspect & { change: string; before: ServiceFigures | null; after: ServiceFigures | null };

/** GET /api/incidents/:id/related: an earlier incident that looks like this one. */
export type RelatedIncident = {
  id: string;
  number: number;
  title: string;
  severity: Severity;
  /** When its impact began, and when it was resolved. */
  at: string;
  resolvedAt: string | null;
  /** There is a published postmortem to read. */
  hasPostmortem: boolean;
  /** The alerts and services that both have. */
  why: string;
};

/** The newest rows of a timeline that one answer has; `timelineTotal` tells how many there are. */
export const mostTimelineRows = 1_000;

/**
 * One incident, whole. `version` grows with each change: GET /api/incidents/ID?after=VERSION&waitSeconds=30 waits for the next, and
 * has only the rows of the timeline that are new or changed since then.
 */
export type IncidentDetail = IncidentView & {
  version: number;
  /** The version after which its rows of the timeline begin; null: it has all. */
  after: number | null;
  timelineTotal: number;
  overrideReason: string | null;
  people: { name: string; role: "commander" | "responder"; joinedAt: string; leftAt: string | null }[];
  timeline: TimelineRow[];
  links: { kind: LinkKind; targetId: string; title: string; href: string; at: string; by: string }[];
  checks: { item: string; doneAt: string; by: string }[];
  commands: IncidentCommands;
  resolveBlockers: ResolveBlocker[];
  /** Of each service that is watched, the worst first. */
  recoveries: Recovery[];
  /** The worst of them; null while nothing is watched. */
  recovery: Recovery | null;
  /** From the data: when the last of its services was good; null while one is not, or nobody could know. */
  recoveredAt: string | null;
  verdicts: ActionVerdict[];
  /** The closest first. */
  suspects: IncidentSuspect[];
};
