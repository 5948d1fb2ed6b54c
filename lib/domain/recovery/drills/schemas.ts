import { z } from "zod";
import { reasonSchema, setImageSchema } from "../../actions/schemas.ts";
import { type RecoveryCheck, type Scenario, scenarios, subjectSchema } from "../schemas.ts";

export const drillStates = ["queued", "running", "completed", "aborted", "failed"] as const;
export type DrillState = (typeof drillStates)[number];

export const verdicts = ["met", "missed", "inconclusive"] as const;
export type Verdict = (typeof verdicts)[number];

/** The guides' phases. Detection begins with the last success before the fault; recovery ends with the first of K successes after it. */
export const phaseNames = ["detect", "assess", "fail-over", "recover"] as const;
export type PhaseName = (typeof phaseNames)[number];
export type Phase = { name: PhaseName; startedAt: string; endedAt: string | null; durationMs: number | null; message: string };

/** What a scenario needs beside its subject; the rest of it is found. */
export const drillSettingsSchema = z.object({
  /** An instance or node to strike; null: one is chosen. */
  target: z.string().max(253).nullable().default(null),
  /** bad-release: the image of the release that is to fail, for the service's main container. */
  image: setImageSchema.shape.image.nullable().default(null),
  /** database: the verified backup to restore, made since; null: a fresh one is made first. */
  backupId: z.uuid().nullable().default(null),
  /** region: the namespace that plays the other region. */
  intoNamespace: z.string().max(63).nullable().default(null),
  /** hub: how long it is kept away. Seconds. */
  awaySeconds: z.int().min(5).max(600).default(30),
});
export type DrillSettings = z.output<typeof drillSettingsSchema>;

const drillShape = {
  scenario: z.enum(scenarios),
  subject: subjectSchema,
  settings: drillSettingsSchema.prefault({}),
};

/** POST /api/drills/preview */
export const previewDrillSchema = z.object(drillShape);

/** POST /api/drills */
export const startDrillSchema = z.object({
  ...drillShape,
  /** An administrator's word where a guard rail asks for it (a cluster that is not labelled for drills, a freeze). */
  override: z.string().trim().min(3).max(500).nullable().default(null),
  reason: reasonSchema,
});

/** PUT /api/drill-schedules */
export const drillScheduleSchema = z.object({
  ...drillShape,
  /** Quarterly by default. */
  cron: z.string().trim().min(1).max(100).default("0 10 1 1,4,7,10 *"),
  timeZone: z.string().min(1).max(60).default("UTC"),
  isEnabled: z.boolean().default(true),
  reason: reasonSchema,
});

export const abortDrillSchema = z.object({ reason: reasonSchema });

export const listDrillsSchema = z.object({
  subject: z.string().max(320).optional(),
  scenario: z.enum(scenarios).optional(),
  verdict: z.enum(verdicts).optional(),
  cursor: z.string().max(200).optional(),
  limit: z.coerce.number().int().min(1).max(200).default(50),
});

/** A guard rail, asked before a drill begins. */
export type Guard = { name: string; state: "passed" | "blocked" | "override"; message: string };

export type DrillPreview = {
  scenario: Scenario;
  title: string;
  /** The instance or node that would be struck, when it can be told beforehand. */
  target: string | null;
  /** What is done to what, step by step, and what is cleaned up. */
  steps: string[];
  guards: Guard[];
  objective: { rtoSeconds: number; rpoSeconds: number };
  /** How it is measured, and what it cannot show. */
  measures: string[];
  limits: string[];
};

export type DrillView = {
  id: string;
  number: number;
  scenario: Scenario;
  title: string;
  subject: string;
  namespace: string | null;
  service: string | null;
  state: DrillState;
  verdict: Verdict | null;
  message: string;
  reason: string;
  requestedBy: string;
  /** The instance or node that is struck; null before it is chosen, and where there is none. */
  target: string | null;
  /** Why it was aborted, and by whom. */
  abortedBy: string | null;
  abortReason: string | null;
  scheduleId: string | null;
  rtoObjectiveMs: number;
  rpoObjectiveMs: number;
  rtoMs: number | null;
  rpoMs: number | null;
  lostWrites: number | null;
  errorMs: number | null;
  createdAt: string;
  startedAt: string | null;
  faultAt: string | null;
  detectedAt: string | null;
  recoveredAt: string | null;
  finishedAt: string | null;
  incidentId: string | null;
  actionItemId: string | null;
};

/** One second of the client path, or finer; `at` is where it begins. */
export type SeriesPoint = { at: string; ok: number; failed: number; p95Ms: number | null };

export type DrillReport = {
  phases: Phase[];
  /** Client path of the prober over the drill: a point a second or finer. */
  series: SeriesPoint[];
  ledger: {
    acknowledged: number;
    lost: number;
    duplicated: number;
    lastAcknowledgedAt: string | null;
    newestSurvivingAt: string | null;
  } | null;
  checks: RecoveryCheck[];
  /** How many successes in a row count as recovered, and how far apart probes are. */
  measure: { consecutive: number; intervalMs: number };
  /** What this drill does not prove. */
  limits: string[];
};

export type DrillDetail = {
  drill: DrillView;
  events: { id: string; at: string; kind: string; message: string }[];
  /** While it is carried out: the phases and the series so far, `ledger` null. */
  report: DrillReport | null;
  /** Earlier ones of the same scenario and subject, the newest first. */
  earlier: Pick<DrillView, "id" | "number" | "startedAt" | "rtoMs" | "rpoMs" | "verdict">[];
};

export type DrillScheduleView = {
  id: string;
  scenario: Scenario;
  subject: string;
  title: string;
  settings: DrillSettings;
  cron: string;
  timeZone: string;
  isEnabled: boolean;
  nextAt: string | null;
  /** The newest of its drills. */
  last: Pick<DrillView, "id" | "number" | "state" | "verdict" | "createdAt"> | null;
  updatedAt: string;
  updatedBy: string;
};
