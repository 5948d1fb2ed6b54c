import { z } from "zod";
import { reasonSchema } from "../../actions/schemas.ts";
import type { BackupView } from "../backups/schemas.ts";
import { type Objective, type Scenario, scenarios } from "../schemas.ts";

/** PUT /api/recovery/objectives?subject=... */
export const setObjectiveSchema = z.object({
  scenario: z.enum(scenarios),
  rtoSeconds: z.int().min(1, "Give 1 s or more.").max(2_592_000, "Give at most 30 days."),
  rpoSeconds: z.int().min(0).max(2_592_000, "Give at most 30 days."),
  reason: reasonSchema,
});

/** DELETE of the same */
export const clearObjectiveSchema = setObjectiveSchema.pick({ scenario: true, reason: true });

export type ScenarioStanding = {
  scenario: Scenario;
  title: string;
  objective: Objective;
  /** The guides', or somebody's. */
  isOwn: boolean;
  /** The newest drill that measured it; null: nobody has. */
  measured: {
    drillId: string;
    drillNumber: number;
    at: string;
    rtoMs: number | null;
    rpoMs: number | null;
    lostWrites: number | null;
    errorMs: number | null;
    verdict: "met" | "missed" | "inconclusive";
  } | null;
};

/** The card on every service's page: what would be lost now, and how long it was away when it was tried. */
export type Recoverability = {
  subject: string;
  /** Age of what the newest verified backup holds. Seconds; null: there is none. */
  exposureSeconds: number | null;
  state: "fresh" | "stale" | "missing" | "none";
  rpoSeconds: number;
  newestVerified: BackupView | null;
  running: BackupView | null;
  nextBackupAt: string | null;
  scenarios: ScenarioStanding[];
};
