import { z } from "zod";

/** How far back a budget may reach, in days. */
const longestWindowDays = 90;

const ratio = z.number().min(0.5, "Give at least 50 %.").max(0.99999, "Give at most 99.999 %: nothing is perfect.");

/** What a service is held to. Ratios are shares of requests: 0.999 = 99.9 %. */
export const objectiveSchema = z
  .object({
    availability: ratio.nullable(),
    latencyRatio: ratio.nullable(),
    latencySeconds: z.number().positive("Give a time above 0.").max(3600, "Give at most an hour.").nullable(),
    windowDays: z.number().int("Give whole days.").min(1, "Give at least 1 day.").max(longestWindowDays, "Give at most 90 days."),
  })
  .refine((objective) => objective.availability !== null || objective.latencyRatio !== null, {
    path: ["availability"],
    error: "Set an availability, a latency, or both.",
  })
  .refine((objective) => (objective.latencyRatio === null) === (objective.latencySeconds === null), {
    path: ["latencySeconds"],
    error: "A latency objective is a share of requests and the time that they may take.",
  });
export type Objective = z.infer<typeof objectiveSchema>;

const reason = z.string().trim().min(3, "Say why, in a few words.").max(500, "Use at most 500 characters.");
export const setObjectiveSchema = z.object({ objective: objectiveSchema, reason });
export const clearObjectiveSchema = z.object({ reason });

/** The long windows over which a burn rate is shown. */
export const shownBurnWindows = ["1h", "6h", "3d"] as const;
export type ShownBurnWindow = (typeof shownBurnWindows)[number];

/** How one objective stands. */
export type IndicatorState = {
  kind: "availability" | "latency";
  /** Share of requests that are to be good. */
  target: number;
  /** For latency: the time that was asked for, and the histogram's bound at or below it that was counted with. */
  threshold: { wantedSeconds: number; countedSeconds: number } | null;
  /** Whose word it is: the prober's, which sees the service as its users do, or the service's own. */
  seenBy: "prober" | "itself";
  /** Share of good requests over the window; null without requests. */
  ratio: number | null;
  requests: number | null;
  /** Share of the error budget that is left; below 0 when it is overdrawn; null without requests. */
  budgetLeft: number | null;
  /** How many times faster than allowed the budget is spent; 1 spends it exactly over the window. */
  burn: Record<ShownBurnWindow, number | null>;
  /** What a multi-window burn-rate alert says now. */
  alert: "page" | "ticket" | null;
  /** Seconds until the budget is spent at the rate of the last hour; null when it lasts or nothing is known. */
  exhaustedInSeconds: number | null;
};

/** What a service is held to and how it stands. */
export type ServiceObjectives = {
  objective: Objective | null;
  source: "page" | "annotations" | null;
  /** Annotations that cannot be read, a sentence each. */
  problems: string[];
  indicators: IndicatorState[];
};

/** GET /api/objectives, by service id. `problem` says why the figures are older than they should be. */
export type ObjectivesAnswer = { services: Record<string, ServiceObjectives>; at: string | null; problem: string | null };
