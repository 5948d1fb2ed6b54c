import { z } from "zod";
import type { AuditView } from "../audit-schemas.ts";
import type { ServiceFigures } from "../fleet/schemas.ts";
import type { RolloutView } from "../rollouts/schemas.ts";

/** The verbs of changes that were made outside Switchyard, beside those of its own actions. */
export const externalVerbs = ["image", "restart", "template", "scale", "pause", "resume", "config", "edit"] as const;
export type ExternalVerb = (typeof externalVerbs)[number];

/** One thing that was done to a service, as charts mark it and pages name it. Times are ISO 8601 in UTC. */
export type LedgerMark = {
  /** The id of its audit entry. */
  id: string;
  at: string;
  /** namespace/name */
  service: string;
  verb: string;
  /** What changed in a few words: "2.0.0 → 2.0.1", "3 → 5 instances". */
  title: string;
  actorKind: AuditView["actorKind"];
  actor: string;
  reason: string | null;
  outcome: AuditView["outcome"];
  rolloutId: string | null;
  rolloutState: RolloutView["state"] | null;
  /** What was measured in the minute before it, and in the minute after it had settled; null until then or without data. */
  before: ServiceFigures | null;
  after: ServiceFigures | null;
};

/** A span of time, in Unix seconds. */
export const ledgerSpanSchema = z
  .object({ from: z.coerce.number().int().min(0), to: z.coerce.number().int().min(0) })
  .refine(({ from, to }) => from < to, { path: ["to"], error: "Give an end after the beginning." });

/** GET /api/services/:namespace/:name/ledger */
export type LedgerAnswer = { marks: LedgerMark[] };

/** GET /api/ledger/latest: the last change of each service, by its id. */
export type LatestChanges = { changes: Record<string, LedgerMark> };
