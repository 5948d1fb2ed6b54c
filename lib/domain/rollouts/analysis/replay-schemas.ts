import { z } from "zod";
import type { RolloutState } from "../schemas.ts";
import { analysisSchema } from "../strategy.ts";

/** POST /api/services/NAMESPACE/NAME/replay: tries an analysis on what Prometheus knows of the service's past releases. */
export const replaySchema = z
  .object({
    analysis: analysisSchema,
    /** How far back releases are looked for. */
    days: z.int().min(1, "Look back a day or more.").max(365, "Look back a year at most.").default(30),
    /** How many releases at most, the newest ones. */
    releases: z.int().min(1, "Try one release or more.").max(50, "Try at most 50 releases.").default(20),
    /** How long each release is measured, unless the next one comes before, or its count or 1,000 measurements are reached. */
    minutes: z.int().min(1, "Measure a minute or more.").max(180, "Measure at most 3 hours of each.").default(60),
  })
  .strict();
export type ReplayInput = z.input<typeof replaySchema>;

/** What the analysis would have done with a release; `unknown`: Prometheus has no data of that time. */
export const replayOutcomes = ["stopped", "paused", "let-through", "unknown"] as const;
export type ReplayOutcome = (typeof replayOutcomes)[number];

export type ReplayedMetric = {
  metric: string;
  good: number;
  bad: number;
  noData: number;
  /** The value farthest on the bad side, with the sentence of its measurement; null when none had a value. */
  worst: { at: string; value: number; message: string } | null;
};

export type ReplayedRelease = {
  auditId: string;
  rolloutId: string | null;
  at: string;
  /** The verb of the change, see lib/domain/ledger. */
  verb: string;
  actor: string;
  fromVersion: string | null;
  toVersion: string | null;
  /** How it ended in truth; null when it was not followed. */
  state: RolloutState | null;
  /** What told the new version from the old one; null: all instances were measured together, against the limits alone. */
  comparedBy: "track" | "version" | null;
  outcome: ReplayOutcome;
  /** Why, in numbers. */
  message: string;
  /** When it would have been stopped or paused. */
  stoppedAt: string | null;
  /** How long after its beginning. */
  afterSeconds: number | null;
  metrics: ReplayedMetric[];
};

export type ReplayAnswer = {
  /** Newest first. */
  releases: ReplayedRelease[];
  count: Record<ReplayOutcome, number>;
  /** Metrics of the analysis that a service of this kind does not have; they were left out. */
  leftOut: string[];
};
