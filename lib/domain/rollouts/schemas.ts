import { z } from "zod";
import type { Verdict } from "./analysis/verdict.ts";
import type { Hold } from "./engine/run.ts";
import type { Strategy, StrategyKind } from "./strategy.ts";

export const rolloutStates = ["queued", "progressing", "paused", "complete", "failed", "superseded", "aborted"] as const;
export type RolloutState = (typeof rolloutStates)[number];

/** How a rollout is carried out; none: a change that was written at once. */
export const listStrategies = ["canary", "blue-green", "rolling", "none"] as const satisfies (StrategyKind | "none")[];
export type ListStrategy = (typeof listStrategies)[number];

export const listRolloutsSchema = z.object({
  namespace: z.string().optional(),
  service: z.string().optional(),
  state: z.enum(rolloutStates).optional(),
  strategy: z.enum(listStrategies).optional(),
  cursor: z.string().optional(),
  limit: z.coerce.number().int().min(1).max(200).default(50),
});
export type ListRolloutsInput = z.infer<typeof listRolloutsSchema>;

export type RolloutView = {
  id: string;
  namespace: string;
  service: string;
  change: "scale" | "restart" | "image" | "rollback" | "template";
  /** null for a change that was written at once and is only followed. */
  strategy: StrategyKind | null;
  fromRevision: number | null;
  toRevision: number | null;
  fromVersion: string | null;
  toVersion: string | null;
  fromReplicas: number | null;
  toReplicas: number | null;
  state: RolloutState;
  message: string;
  actor: string;
  reason: string | null;
  auditId: string;
  startedAt: string;
  finishedAt: string | null;
};

export const rolloutEventKinds = [
  "queued",
  "started",
  "step",
  "traffic",
  "paused",
  "resumed",
  "absent",
  "promoted",
  "skipped",
  "retried",
  "foreign-change",
  "analysis",
  "aborted",
  "check",
  "ended",
] as const;
export type RolloutEventKind = (typeof rolloutEventKinds)[number];

export type RolloutEventView = {
  id: string;
  at: string;
  kind: RolloutEventKind;
  message: string;
  by: string;
  /** What a check afterwards found; null for what is no check. */
  check: "passed" | "failed" | "unknown" | null;
};

export type MeasurementView = {
  id: string;
  step: number;
  metric: string;
  at: string;
  value: number | null;
  limit: number | null;
  stable: number | null;
  samples: number | null;
  stableSamples: number | null;
  verdict: Verdict;
  message: string;
  /** The named test with its figures, when the versions were compared. */
  test: { name: string; pValue: number; effect: number; effectName: string } | null;
};

/** One step as the page's timeline shows it. */
export type StepView = {
  title: string;
  state: "done" | "current" | "waiting" | "skipped";
  startedAt: string | null;
  /** When a timed step ends; null when it has no end of its own. */
  endsAt: string | null;
};

/** What may be done with it now: null, or why not. */
export type RolloutCommands = Record<"promote" | "skip" | "abort" | "retry" | "pause" | "resume", string | null>;

/** The newest measurements of a rollout that are shown; all are kept. */
export const mostMeasurements = 5_000;

/**
 * A rollout with a strategy, whole. `version` grows with each change: GET /api/rollouts/ID?after=VERSION&waitSeconds=30 waits for the
 * next, and tells of measurements and events only what is new.
 */
export type RolloutDetail = RolloutView & {
  version: number;
  /** The version that the measurements and events came after: they are to be added to those known. null: these are all. */
  after: number | null;
  plan: Strategy | null;
  steps: StepView[];
  /** Percent of the traffic that each gets now; null without a candidate. */
  share: { stable: number; candidate: number; by: "route" | "replicas" | "selector" } | null;
  hold: Hold | null;
  /** By metric: how many more bad measurements the current analysis bears. */
  budget: { metric: string; left: number; of: number }[];
  measurements: MeasurementView[];
  events: RolloutEventView[];
  commands: RolloutCommands;
};

export type Page<T> = { items: T[]; nextCursor: string | null };
