import { z } from "zod";
import { reasonSchema } from "../../actions/schemas.ts";
import { type RecoveryCheck, subjectSchema } from "../schemas.ts";

export const backupStates = [
  "queued",
  "running",
  "verifying",
  "completed",
  "partial",
  "failed",
  "expired",
  "deleting",
  "deleted",
] as const;
export type BackupState = (typeof backupStates)[number];

/** What was shown of a backup, apart from how it was made: two axes. "restored": restored into scratch and asked the same questions. */
export const proofStates = ["unverified", "checksums", "restored", "failed"] as const;
export type ProofState = (typeof proofStates)[number];

export const proofLevels = ["checksums", "restored"] as const;
export type ProofLevel = (typeof proofLevels)[number];

export const backupPurposes = ["requested", "scheduled", "before_restore", "drill"] as const;
export type BackupPurpose = (typeof backupPurposes)[number];

export const secretKeySchema = z.object({
  /** Name of a Secret in the service's namespace, and the key in it that holds the address with credentials. */
  secret: z.string().min(1).max(253),
  key: z.string().min(1).max(253),
});

/** What goes into a backup. A service's database is named by the Secret that its instances read; Redis by its address. */
export const contentsSchema = z.object({
  /** Null: none. `tables` null: all of them. For Switchyard itself `secret` is not asked for: it is its own database. */
  postgres: z
    .object({
      address: secretKeySchema.nullable(),
      tables: z.array(z.string().min(1).max(130)).min(1).max(200).nullable().default(null),
      /** Where the server's archive_command puts its WAL, as a place of lib/storage: then backups hold a base backup, too. */
      walArchive: z
        .string()
        .max(500)
        .regex(
          /^(file:\/\/\/.|s3:\/\/[a-z0-9])/,
          "Name the place as file:///path, or as s3://bucket/prefix?endpoint=...&region=...",
        )
        .optional(),
    })
    .nullable()
    .default(null),
  /** By its address; by the Secret that holds it where it has a password, which stands in no plan. */
  redis: z
    .object({
      url: z
        .url({ protocol: /^rediss?$/ })
        .refine((url) => !URL.parse(url)?.password, "Name the Secret that holds the address: this one has a password.")
        .nullable()
        .default(null),
      address: secretKeySchema.nullable().default(null),
    })
    .refine(({ url, address }) => (url === null) !== (address === null), "Give its address, or the Secret that holds it.")
    .nullable()
    .default(null),
  /** The service's own objects and what it references: configuration files and TLS certificates are ConfigMaps and Secrets. */
  objects: z.boolean().default(true),
  /** Logs of its instances of the last hours; null for none. */
  logHours: z.int().min(1).max(168).nullable().default(null),
});
export type Contents = z.output<typeof contentsSchema>;

/** Rules are ORed: a backup stays while one of them wants it. Only good ones count. */
export const retentionSchema = z.object({
  keepLast: z.int().min(1, "Keep at least one.").max(1000),
  keepDaily: z.int().min(0).max(1000),
  keepWeekly: z.int().min(0).max(1000),
  keepMonthly: z.int().min(0).max(1000),
});
export type Retention = z.output<typeof retentionSchema>;

const cronSchema = z.string().trim().min(1).max(100);

/** PUT /api/backup-plans?subject=... */
export const planSchema = z.object({
  contents: contentsSchema,
  cron: cronSchema.nullable().default(null),
  timeZone: z.string().min(1).max(60).default("UTC"),
  proveCron: cronSchema.nullable().default(null),
  retention: retentionSchema,
  reason: reasonSchema,
});

/** GET /api/backup-plans/retention */
export const retentionPreviewSchema = z.object({
  subject: subjectSchema,
  keepLast: z.coerce.number().pipe(retentionSchema.shape.keepLast),
  keepDaily: z.coerce.number().pipe(retentionSchema.shape.keepDaily),
  keepWeekly: z.coerce.number().pipe(retentionSchema.shape.keepWeekly),
  keepMonthly: z.coerce.number().pipe(retentionSchema.shape.keepMonthly),
  timeZone: z.string().min(1).max(60).default("UTC"),
});

type RetainedBackup = { id: string; number: number; takenAt: string; keptFor: string[] };

/** What a retention would keep, and what it would let go of, the newest first. */
export type RetentionPreview = { keep: RetainedBackup[]; remove: RetainedBackup[] };

/** POST /api/backups/ID/COMMAND */
export const backupCommands = ["verify", "prove", "pin", "unpin", "cancel", "delete"] as const;
export type BackupCommand = (typeof backupCommands)[number];
export const backupCommandSchema = z.object({ reason: reasonSchema });

/** What a command came to. */
export type BackupChange = { backup: BackupView; message: string };

/** POST /api/backups: without contents those of the plan, without a plan what is found by itself. */
export const startBackupSchema = z.object({
  subject: subjectSchema,
  contents: contentsSchema.optional(),
  reason: reasonSchema,
});

export const listBackupsSchema = z.object({
  subject: z.string().max(320).optional(),
  state: z.enum(backupStates).optional(),
  proof: z.enum(proofStates).optional(),
  cursor: z.string().max(200).optional(),
  limit: z.coerce.number().int().min(1).max(200).default(50),
});

export type PlanView = {
  subject: string;
  namespace: string | null;
  service: string | null;
  /** False for what Switchyard would do by itself: nobody has set it yet. */
  isSet: boolean;
  contents: Contents;
  cron: string | null;
  timeZone: string;
  proveCron: string | null;
  retention: Retention;
  nextBackupAt: string | null;
  nextProofAt: string | null;
  updatedAt: string | null;
  updatedBy: string | null;
};

/** A plan with what would be found by itself now, beside what is set; null when the cluster cannot say. */
export type PlanAnswer = PlanView & { found: Contents | null };

/** Progress of one part; `totalBytes` is an estimate of what comes, null when nobody knows. */
export type PartProgress = {
  name: string;
  state: "waiting" | "running" | "done" | "failed";
  bytes: number;
  totalBytes: number | null;
  message: string | null;
};

export type BackupView = {
  id: string;
  number: number;
  subject: string;
  namespace: string | null;
  service: string | null;
  purpose: BackupPurpose;
  state: BackupState;
  proof: ProofState;
  message: string;
  reason: string;
  requestedBy: string;
  createdAt: string;
  startedAt: string | null;
  takenAt: string | null;
  finishedAt: string | null;
  provenAt: string | null;
  bytes: number | null;
  /** Where its archive is, without credentials. */
  storage: string | null;
  keyId: string | null;
  pinned: { at: string; by: string; reason: string } | null;
  /** Whether a process carries it out now. */
  isActive: boolean;
};

export type ProofRunView = {
  id: string;
  level: ProofLevel;
  state: "queued" | "running" | "passed" | "failed";
  message: string;
  checks: RecoveryCheck[];
  requestedBy: string;
  createdAt: string;
  startedAt: string | null;
  finishedAt: string | null;
  durationMs: number | null;
};

/** A part of the archive as people see it: "postgres" with its tables, "redis" with its keys, "objects" with its names. */
export type PartView = { name: string; title: string; bytes: number; files: number; facts: { label: string; value: string }[] };

export type BackupDetail = {
  backup: BackupView;
  storageKey: string | null;
  sha256: string | null;
  contents: Contents;
  progress: PartProgress[];
  parts: PartView[];
  files: { name: string; bytes: number; sha256: string }[];
  /** Versions of what was saved and of what saved it. */
  versions: { name: string; version: string }[];
  proofs: ProofRunView[];
  /** Why retention keeps it, in words; empty: it is let go of at the next pass. */
  keptFor: string[];
};

/** One row of the coverage: what a service would lose now. */
export type Coverage = {
  subject: string;
  namespace: string | null;
  service: string | null;
  kind: string | null;
  plan: Pick<PlanView, "isSet" | "cron" | "timeZone" | "nextBackupAt">;
  newest: BackupView | null;
  /** The newest that was verified (checksums or more). */
  newestVerified: BackupView | null;
  /** Age of what the newest verified one holds; null: there is none. Seconds. */
  exposureSeconds: number | null;
  /** The database scenario's RPO, against which the age is held. */
  rpoSeconds: number;
  /** fresh, stale or missing; "none" when there is nothing to back up. */
  state: "fresh" | "stale" | "missing" | "none";
};
