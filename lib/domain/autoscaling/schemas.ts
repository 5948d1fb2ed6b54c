import { z } from "zod";
import { type FieldChange, reasonSchema } from "../actions/schemas.ts";

const count = z.int("Give a whole number.").min(1, "Give 1 or more.").max(5_000, "Give at most 5000.");

/** The range within which an autoscaler sets the number of instances. */
export type Limits = { min: number; max: number };

/** A change of an autoscaler's limits that reverts by itself. POST /api/services/:namespace/:name/autoscaling */
export const changeLimitsSchema = z
  .object({
    minReplicas: count,
    maxReplicas: count,
    /** After so long the limits are as they were before. */
    durationSeconds: z.int("Give whole seconds.").min(10, "Give at least 10 seconds.").max(604_800, "Give at most a week."),
    reason: reasonSchema,
    /** What the person saw; the change is refused as stale when it no longer holds. */
    seen: z.object({ uid: z.string().min(1), minReplicas: z.int(), maxReplicas: z.int() }),
  })
  .refine(({ minReplicas, maxReplicas }) => minReplicas <= maxReplicas, {
    path: ["maxReplicas"],
    error: "The most must not be less than the least.",
  });
export type ChangeLimitsInput = z.infer<typeof changeLimitsSchema>;

/** POST /api/services/:namespace/:name/autoscaling/revert: puts the limits back now. */
export const restoreLimitsSchema = z.object({ reason: reasonSchema });

/** A timed change as it stands. Times are ISO 8601 in UTC. */
export type TimedLimits = {
  id: string;
  auditId: string;
  before: Limits;
  to: Limits;
  startedAt: string;
  revertAt: string;
  actor: string;
  reason: string | null;
  /** null while it holds. */
  endedAt: string | null;
  /** One sentence on how it ended. */
  outcome: string | null;
};

/** GET /api/services/:namespace/:name/autoscaling */
export type AutoscalingView = {
  /** The autoscaler that sets the number of instances; null when there is none. */
  autoscaler: {
    name: string;
    uid: string;
    minReplicas: number;
    maxReplicas: number;
    currentReplicas: number | null;
    desiredReplicas: number | null;
    lastScaledAt: string | null;
    /** One sentence while it changes the number of instances, else null. */
    movement: string | null;
    /** One sentence when it cannot do its work, e.g. for want of metrics, else null. */
    problem: string | null;
  } | null;
  /** The timed change that holds now. */
  timed: TimedLimits | null;
  /** One sentence when somebody else has changed the limits since, so that they will not simply be put back. */
  foreign: string | null;
  /** The last ten that have ended, newest first. */
  past: TimedLimits[];
};

/** The most instances that there can be at once, against the room on the nodes. */
export type Forecast = {
  /** Instances that have a node now. */
  now: number;
  peak: number;
  parts: { stable: number; candidate: number; surge: number };
  /** How many more instances fit on the nodes, by their requests. */
  room: number;
  /** How many of the peak would find no room. */
  short: number;
  /** One sentence with the figures. */
  message: string;
  /** What else an operator has to know of the autoscaler meanwhile, a sentence each. */
  notes: string[];
};

/** The answer to POST .../autoscaling?dryRun=true: nothing was written. */
export type LimitsPreview = { changes: FieldChange[]; revertAt: string; forecast: Forecast };
