import { z } from "zod";

/** Several values by commas in an address, a list in the code; empty = any. */
const listSchema = z
  .string()
  .max(2_000)
  .transform((text) => text.split(",").filter((part) => part !== ""));

/** A time in an address: ISO 8601, or unix seconds as charts use them. */
const timeSchema = z.string().transform((text, check) => {
  const at = /^\d{9,11}$/.test(text) ? new Date(Number(text) * 1000) : new Date(text);
  if (!Number.isNaN(at.getTime())) return at;
  check.addIssue({ code: "custom", message: "Give a time as ISO 8601 or unix seconds." });
  return z.NEVER;
});

/** How an alert stands, one word each: only `firing` wants somebody now. */
export const standings = ["firing", "acknowledged", "silenced", "inhibited", "unknown", "resolved"] as const;
export type Standing = (typeof standings)[number];

/** What both the live list and the history are filtered by. Several values of one field are ORed, fields are ANDed. */
const commonFilter = {
  /** Names of sources. */
  source: listSchema.optional(),
  /** `none` finds alerts that say no severity. */
  severity: listSchema.optional(),
  name: listSchema.optional(),
  /** Of the alert's label `service`. */
  service: listSchema.optional(),
  namespace: z.string().max(253).optional(),
  /** Matchers as Alertmanager writes them: `pod=~"relay-.*", team!="core"`. */
  labels: z.string().max(1_000).optional(),
  /** Found in the name, a label's value or the summary, in any case. */
  search: z.string().trim().max(200).optional(),
};

export const liveAlertsSchema = z.object({
  ...commonFilter,
  standing: listSchema.pipe(z.array(z.enum(standings))).optional(),
});
export type LiveAlertsInput = z.input<typeof liveAlertsSchema>;

export const historySchema = z.object({
  ...commonFilter,
  state: z.enum(["firing", "resolved"]).optional(),
  acknowledged: z.enum(["yes", "no"]).optional(),
  fingerprint: z
    .string()
    .regex(/^[0-9a-zA-Z_-]{1,64}$/)
    .optional(),
  /** Alerts that were firing at any time between the two. */
  from: timeSchema.optional(),
  to: timeSchema.optional(),
  cursor: z.string().max(200).optional(),
  limit: z.coerce.number().int().min(1).max(200).default(50),
});
export type HistoryInput = z.input<typeof historySchema>;
export type HistoryFilter = z.output<typeof historySchema>;

/** One alert from its start to its end. Times are ISO 8601 in UTC. */
export type AlertRow = {
  id: string;
  /** The source's name. */
  source: string;
  fingerprint: string;
  name: string;
  severity: string;
  namespace: string | null;
  service: string | null;
  instance: string | null;
  state: "firing" | "resolved";
  standing: Standing;
  startsAt: string;
  endsAt: string | null;
  /** Until now while it is open. */
  durationSeconds: number;
  labels: Record<string, string>;
  annotations: Record<string, string>;
  /** Where its rule's expression is shown, as Alertmanager tells it. */
  generatorUrl: string | null;
  silencedBy: string[];
  inhibited: boolean;
  acknowledgedAt: string | null;
  acknowledgedBy: string | null;
  /** One of at least three episodes of the same alert that began within 30 minutes. */
  isFlapping: boolean;
  /** webhook, or poll when its end was not told. */
  closedBy: string | null;
};

/** How a source is heard. While it is blind its alerts can come and go unseen. */
export type SourceState = {
  name: string;
  disabled: boolean;
  lastReceivedAt: string | null;
  /** When its Watchdog was last known to fire. */
  watchdogAt: string | null;
  /** null while it is heard. */
  blindSince: string | null;
  blindReason: string | null;
  members: { url: string; lastPolledAt: string | null; failingSince: string | null; lastError: string | null }[];
};

/** An open alert with the action that most likely caused it. */
export type LiveAlert = AlertRow & { suspect: Suspect | null };

/** GET /api/alerts: every open alert, worst and newest first. */
export type LiveAlerts = {
  at: string;
  /** At most 1,000; `total` says how many there are. */
  items: LiveAlert[];
  total: number;
  /** Of all open alerts that the filter finds, whatever their standing. */
  counts: Record<Exclude<Standing, "resolved">, number>;
  /** Of those that fire and that nobody has acknowledged, by severity: what burns. */
  firingBySeverity: Record<string, number>;
  /** Empty = none is set up yet. */
  sources: SourceState[];
};

/** Counts of alerts that began in each stretch of time. */
export type DensityBucket = { at: string; bySeverity: Record<string, number>; unknown: boolean };
export type Density = { from: string; to: string; stepSeconds: number; buckets: DensityBucket[] };

/** An alert that came most often within the range. */
export type TopTalker = {
  name: string;
  severity: string;
  namespace: string | null;
  service: string | null;
  episodes: number;
  firingSeconds: number;
  lastStartsAt: string;
};

/** One alert (a fingerprint) that began at least three times within 30 minutes. */
export type FlappingAlert = {
  /** Its newest such episode. */
  id: string;
  source: string;
  fingerprint: string;
  name: string;
  severity: string;
  namespace: string | null;
  service: string | null;
  instance: string | null;
  /** All of its episodes in the range. */
  episodes: number;
  lastStartsAt: string;
};

export type BlindWindowView = { source: string; reason: string; beganAt: string; endedAt: string | null };

/** GET /api/alerts/history/summary: what a whole range holds, with the filter of the history. Asked apart, so that rows come at once. */
export type HistorySummary = {
  total: number;
  density: Density;
  topTalkers: TopTalker[];
  flapping: FlappingAlert[];
  /** Flapping is looked for from here on: the range's beginning, or 31 days before its end. */
  flappingFrom: string;
  blindWindows: BlindWindowView[];
};

/** GET /api/alerts/history, newest first. */
export type HistoryPage = { items: AlertRow[]; nextCursor: string | null };

/** GET /api/alerts/facets: what there is to filter by, the most frequent first. */
export type AlertFacets = {
  sources: string[];
  severities: string[];
  names: string[];
  services: { namespace: string | null; service: string }[];
};

export type AlertTransitionView = {
  id: string;
  at: string;
  recordedAt: string;
  /** fired, moved-back, resolved, silenced, unsilenced, inhibited, uninhibited, acknowledged, unacknowledged. */
  kind: string;
  /** webhook, poll or the name of a person. */
  by: string;
  /** One sentence on what happened. */
  text: string;
};

/** An action that may have caused an alert. */
export type Suspect = {
  auditId: string;
  at: string;
  verb: string;
  actorKind: "user" | "token" | "system" | "external";
  actor: string;
  reason: string | null;
  /** namespace/name of what was acted on. */
  service: string;
  rolloutId: string | null;
  secondsBefore: number;
  /** Whether it was done to the alert's own service or to one that this needs. */
  relation: "same-service" | "dependency";
  /** One sentence on why it stands where it stands, e.g. "2 m 10 s before, on relay itself". */
  closeness: string;
};

/** GET /api/alerts/:id. */
export type AlertDetail = AlertRow & {
  transitions: AlertTransitionView[];
  /** The closest first; empty also when the alert names no service. */
  suspects: Suspect[];
  /** How long before its start was looked, and at which services. */
  suspectsFrom: { minutes: number; services: string[] };
  runbook: string | null;
  /** Those that hide it; what is null could not be asked of Alertmanager now. */
  silences: { id: string; createdBy: string | null; comment: string | null; endsAt: string | null }[];
  /** Of the same source and fingerprint, the newest first, at most 20; `previousTotal` says how many there are. */
  previousEpisodes: AlertRow[];
  previousTotal: number;
  /** How its source is heard: while that is blind, an open alert may have ended unseen. */
  sourceState: SourceState;
  firstReceivedAt: string;
  lastReceivedAt: string;
};

/** GET /api/services/:namespace/:name/alerts?from&to: what charts shade. */
export type AlertSpan = {
  id: string;
  name: string;
  severity: string;
  startsAt: string;
  endsAt: string | null;
  acknowledged: boolean;
};
export type AlertSpans = { spans: AlertSpan[] };
export const spansSchema = z.object({ from: timeSchema, to: timeSchema });

/** POST /api/alerts/acknowledge and /api/alerts/unacknowledge. */
export const acknowledgeSchema = z.object({
  ids: z.array(z.uuid()).min(1, "Name at least one alert.").max(500, "At most 500 alerts at once."),
  /** Kept with the transition and in the audit. */
  note: z.string().trim().max(500, "Use at most 500 characters.").optional(),
});
export type AcknowledgeInput = z.input<typeof acknowledgeSchema>;
/** `unchanged` counts those that were so already or have ended. */
export type AcknowledgeResult = { changed: string[]; unchanged: number };

/** GET /api/rules: Prometheus' rules as they were last evaluated. */
export const rulesSchema = z.object({
  type: z.enum(["alerting", "recording"]).optional(),
  state: listSchema.pipe(z.array(z.enum(["firing", "pending", "inactive", "failing"]))).optional(),
  /** Of the rule's label `service`. */
  service: listSchema.optional(),
  severity: listSchema.optional(),
  search: z.string().trim().max(200).optional(),
});
export type RulesInput = z.input<typeof rulesSchema>;
export type RuleView = {
  /** file;group;name;position: stable while the rule files stay as they are. */
  id: string;
  type: "alerting" | "recording";
  name: string;
  group: string;
  file: string;
  query: string;
  forSeconds: number;
  keepFiringForSeconds: number;
  labels: Record<string, string>;
  annotations: Record<string, string>;
  /** Of recording rules null. */
  state: "firing" | "pending" | "inactive" | null;
  health: "ok" | "err" | "unknown";
  lastError: string | null;
  lastEvaluation: string | null;
  evaluationSeconds: number | null;
  firing: number;
  pending: number;
};
export type RulesAnswer = {
  items: RuleView[];
  /** When Prometheus answered so; older than now while it does not answer. */
  at: string | null;
  /** Why there are no rules, or why these are old; null when all is well. */
  problem: string | null;
  /** Before the filter. */
  total: number;
  /** Prometheus' address for browsers, to open a query in; null when there is none. */
  prometheusUrl: string | null;
};
