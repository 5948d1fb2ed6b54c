import { z } from "zod";
import { reasonSchema } from "../../actions/schemas.ts";
import type { RecoveryCheck } from "../schemas.ts";

/** scratch: beside everything, to look into, removed at its end; namespace: objects into another one; in-place: over the present. */
export const restoreModes = ["scratch", "namespace", "in-place"] as const;
export type RestoreMode = (typeof restoreModes)[number];

export const restoreStates = ["queued", "running", "completed", "failed", "cancelled"] as const;
export type RestoreState = (typeof restoreStates)[number];

/** POST /api/backups/ID/restores, and with ?preview to GET what it would do. */
export const startRestoreSchema = z.object({
  mode: z.enum(restoreModes),
  /** Names of parts ("postgres", "redis", "objects"); null for the whole. */
  parts: z.array(z.string().min(1).max(100)).min(1).nullable().default(null),
  /** For mode namespace. */
  intoNamespace: z.string().max(63).nullable().default(null),
  /** For mode in-place: the subject's name, typed. */
  confirm: z.string().max(320).nullable().default(null),
  /** PostgreSQL to this instant instead of the backup's, where WAL archiving makes that possible. */
  untilTime: z.iso.datetime({ offset: true }).nullable().default(null),
  /** For mode in-place: go on when the present cannot be saved before. It is tried all the same. */
  isPresentLost: z.boolean().default(false),
  reason: reasonSchema,
});

export const cancelRestoreSchema = z.object({ reason: reasonSchema });

export const listRestoresSchema = z.object({
  subject: z.string().max(320).optional(),
  state: z.enum(restoreStates).optional(),
  mode: z.enum(restoreModes).optional(),
  backupId: z.uuid().optional(),
  cursor: z.string().max(200).optional(),
  limit: z.coerce.number().int().min(1).max(200).default(50),
});

/** What a preview is asked for in an address: GET /api/backups/ID/restores?preview=true&mode=... */
export const previewRestoreSchema = z.object({
  mode: z.enum(restoreModes),
  parts: z
    .string()
    .max(500)
    .optional()
    .transform((text) => text?.split(",").filter(Boolean) ?? null),
  intoNamespace: z
    .string()
    .max(63)
    .optional()
    .transform((text) => text || null),
  untilTime: z.iso
    .datetime({ offset: true })
    .optional()
    .transform((text) => text ?? null),
});

export type RestorePreview = {
  /** What would be written, by part: "table documents: 1,204 rows now, 1,180 in the backup". */
  changes: { part: string; what: string; before: string | null; after: string | null }[];
  /** Services that are stopped while it is done, with their present size. */
  stops: { namespace: string; name: string; replicas: number }[];
  /** What stands against it; empty: it can be done. */
  problems: string[];
  /** What the present holds and the backup does not: acknowledged since. */
  lost: string[];
  /** To which instants PostgreSQL can be restored, ISO; a null span: to none but the backup's, and why. */
  pointInTime: { available: boolean; message: string; span: { from: string; to: string } | null };
};

export type RestoreStep = {
  name: string;
  state: "waiting" | "running" | "done" | "failed" | "skipped";
  message: string | null;
  startedAt: string | null;
  finishedAt: string | null;
};

export type RestoreView = {
  id: string;
  number: number;
  backup: { id: string; number: number; takenAt: string | null };
  safetyBackup: { id: string; number: number } | null;
  subject: string;
  namespace: string | null;
  service: string | null;
  mode: RestoreMode;
  intoNamespace: string | null;
  parts: string[];
  /** The instant that PostgreSQL is restored to; null: the backup's. */
  untilTime: string | null;
  reason: string;
  requestedBy: string;
  state: RestoreState;
  message: string;
  steps: RestoreStep[];
  checks: RecoveryCheck[];
  createdAt: string;
  startedAt: string | null;
  finishedAt: string | null;
};
