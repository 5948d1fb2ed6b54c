-- CreateEnum
CREATE TYPE "BackupState" AS ENUM ('queued', 'running', 'verifying', 'completed', 'partial', 'failed', 'expired', 'deleting', 'deleted');

-- CreateEnum
CREATE TYPE "BackupProof" AS ENUM ('unverified', 'checksums', 'restored', 'failed');

-- CreateEnum
CREATE TYPE "BackupPurpose" AS ENUM ('requested', 'scheduled', 'before_restore', 'drill');

-- CreateEnum
CREATE TYPE "RestoreState" AS ENUM ('queued', 'running', 'completed', 'failed', 'cancelled');

-- CreateEnum
CREATE TYPE "DrillState" AS ENUM ('queued', 'running', 'completed', 'aborted', 'failed');

-- CreateEnum
CREATE TYPE "DrillVerdict" AS ENUM ('met', 'missed', 'inconclusive');

-- CreateTable
CREATE TABLE "backup_plans" (
    "id" UUID NOT NULL,
    "subject" TEXT NOT NULL,
    "namespace" TEXT,
    "service" TEXT,
    "contents" JSONB NOT NULL,
    "cron" TEXT,
    "time_zone" TEXT NOT NULL,
    "prove_cron" TEXT,
    "retention" JSONB NOT NULL,
    "next_backup_at" TIMESTAMPTZ(3),
    "next_proof_at" TIMESTAMPTZ(3),
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "updated_at" TIMESTAMPTZ(3) NOT NULL,
    "updated_by_name" TEXT NOT NULL,

    CONSTRAINT "backup_plans_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "backups" (
    "id" UUID NOT NULL,
    "number" SERIAL NOT NULL,
    "audit_entry_id" UUID,
    "subject" TEXT NOT NULL,
    "namespace" TEXT,
    "service" TEXT,
    "purpose" "BackupPurpose" NOT NULL,
    "contents" JSONB NOT NULL,
    "reason" TEXT NOT NULL,
    "requested_by_kind" "ActorKind" NOT NULL,
    "requested_by_name" TEXT NOT NULL,
    "state" "BackupState" NOT NULL DEFAULT 'queued',
    "proof" "BackupProof" NOT NULL DEFAULT 'unverified',
    "message" TEXT NOT NULL,
    "progress" JSONB,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "started_at" TIMESTAMPTZ(3),
    "taken_at" TIMESTAMPTZ(3),
    "finished_at" TIMESTAMPTZ(3),
    "proven_at" TIMESTAMPTZ(3),
    "runner" TEXT,
    "heartbeat_at" TIMESTAMPTZ(3),
    "cancelled_by_name" TEXT,
    "storage" TEXT,
    "storage_key" TEXT,
    "bytes" BIGINT,
    "sha256" TEXT,
    "key_id" TEXT,
    "manifest" JSONB,
    "pinned_at" TIMESTAMPTZ(3),
    "pinned_by_name" TEXT,
    "pin_reason" TEXT,
    "active_key" TEXT,

    CONSTRAINT "backups_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "backup_proof_runs" (
    "id" UUID NOT NULL,
    "backup_id" UUID NOT NULL,
    "level" TEXT NOT NULL,
    "state" TEXT NOT NULL,
    "message" TEXT NOT NULL,
    "checks" JSONB,
    "requested_by_name" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "started_at" TIMESTAMPTZ(3),
    "finished_at" TIMESTAMPTZ(3),
    "duration_ms" INTEGER,
    "runner" TEXT,
    "heartbeat_at" TIMESTAMPTZ(3),

    CONSTRAINT "backup_proof_runs_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "restores" (
    "id" UUID NOT NULL,
    "number" SERIAL NOT NULL,
    "audit_entry_id" UUID NOT NULL,
    "backup_id" UUID NOT NULL,
    "safety_backup_id" UUID,
    "subject" TEXT NOT NULL,
    "namespace" TEXT,
    "service" TEXT,
    "mode" TEXT NOT NULL,
    "into_namespace" TEXT,
    "parts" JSONB NOT NULL,
    "reason" TEXT NOT NULL,
    "requested_by_name" TEXT NOT NULL,
    "state" "RestoreState" NOT NULL DEFAULT 'queued',
    "message" TEXT NOT NULL,
    "run" JSONB NOT NULL,
    "checks" JSONB,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "started_at" TIMESTAMPTZ(3),
    "finished_at" TIMESTAMPTZ(3),
    "runner" TEXT,
    "heartbeat_at" TIMESTAMPTZ(3),
    "cancelled_by_name" TEXT,
    "active_key" TEXT,

    CONSTRAINT "restores_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "recovery_objectives" (
    "subject" TEXT NOT NULL,
    "scenario" TEXT NOT NULL,
    "rto_seconds" INTEGER NOT NULL,
    "rpo_seconds" INTEGER NOT NULL,
    "updated_at" TIMESTAMPTZ(3) NOT NULL,
    "updated_by_name" TEXT NOT NULL,

    CONSTRAINT "recovery_objectives_pkey" PRIMARY KEY ("subject","scenario")
);

-- CreateTable
CREATE TABLE "drills" (
    "id" UUID NOT NULL,
    "number" SERIAL NOT NULL,
    "audit_entry_id" UUID,
    "schedule_id" UUID,
    "scenario" TEXT NOT NULL,
    "subject" TEXT NOT NULL,
    "namespace" TEXT,
    "service" TEXT,
    "settings" JSONB NOT NULL,
    "reason" TEXT NOT NULL,
    "requested_by_name" TEXT NOT NULL,
    "state" "DrillState" NOT NULL DEFAULT 'queued',
    "verdict" "DrillVerdict",
    "message" TEXT NOT NULL,
    "rto_objective_ms" BIGINT NOT NULL,
    "rpo_objective_ms" BIGINT NOT NULL,
    "rto_ms" BIGINT,
    "rpo_ms" BIGINT,
    "lost_writes" INTEGER,
    "error_ms" INTEGER,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "started_at" TIMESTAMPTZ(3),
    "fault_at" TIMESTAMPTZ(3),
    "detected_at" TIMESTAMPTZ(3),
    "recovered_at" TIMESTAMPTZ(3),
    "finished_at" TIMESTAMPTZ(3),
    "aborted_by_name" TEXT,
    "abort_reason" TEXT,
    "run" JSONB NOT NULL,
    "run_version" INTEGER NOT NULL DEFAULT 0,
    "report" JSONB,
    "incident_id" UUID,
    "action_item_id" UUID,
    "active_key" TEXT,

    CONSTRAINT "drills_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "drill_events" (
    "id" UUID NOT NULL,
    "drill_id" UUID NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL,
    "kind" TEXT NOT NULL,
    "message" TEXT NOT NULL,
    "data" JSONB,

    CONSTRAINT "drill_events_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "drill_schedules" (
    "id" UUID NOT NULL,
    "scenario" TEXT NOT NULL,
    "subject" TEXT NOT NULL,
    "namespace" TEXT,
    "service" TEXT,
    "settings" JSONB NOT NULL,
    "cron" TEXT NOT NULL,
    "time_zone" TEXT NOT NULL,
    "is_enabled" BOOLEAN NOT NULL,
    "next_at" TIMESTAMPTZ(3),
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "updated_at" TIMESTAMPTZ(3) NOT NULL,
    "updated_by_name" TEXT NOT NULL,

    CONSTRAINT "drill_schedules_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE UNIQUE INDEX "backup_plans_subject_key" ON "backup_plans"("subject");

-- CreateIndex
CREATE INDEX "backup_plans_next_backup_at_idx" ON "backup_plans"("next_backup_at");

-- CreateIndex
CREATE INDEX "backup_plans_next_proof_at_idx" ON "backup_plans"("next_proof_at");

-- CreateIndex
CREATE UNIQUE INDEX "backups_number_key" ON "backups"("number");

-- CreateIndex
CREATE UNIQUE INDEX "backups_audit_entry_id_key" ON "backups"("audit_entry_id");

-- CreateIndex
CREATE UNIQUE INDEX "backups_storage_key_key" ON "backups"("storage_key");

-- CreateIndex
CREATE UNIQUE INDEX "backups_active_key_key" ON "backups"("active_key");

-- CreateIndex
CREATE INDEX "backups_subject_created_at_idx" ON "backups"("subject", "created_at" DESC);

-- CreateIndex
CREATE INDEX "backups_created_at_id_idx" ON "backups"("created_at" DESC, "id");

-- CreateIndex
CREATE INDEX "backups_state_idx" ON "backups"("state");

-- CreateIndex
CREATE INDEX "backup_proof_runs_backup_id_created_at_idx" ON "backup_proof_runs"("backup_id", "created_at" DESC);

-- CreateIndex
CREATE INDEX "backup_proof_runs_state_idx" ON "backup_proof_runs"("state");

-- CreateIndex
CREATE UNIQUE INDEX "restores_number_key" ON "restores"("number");

-- CreateIndex
CREATE UNIQUE INDEX "restores_audit_entry_id_key" ON "restores"("audit_entry_id");

-- CreateIndex
CREATE UNIQUE INDEX "restores_active_key_key" ON "restores"("active_key");

-- CreateIndex
CREATE INDEX "restores_subject_created_at_idx" ON "restores"("subject", "created_at" DESC);

-- CreateIndex
CREATE INDEX "restores_created_at_id_idx" ON "restores"("created_at" DESC, "id");

-- CreateIndex
CREATE INDEX "restores_state_idx" ON "restores"("state");

-- CreateIndex
CREATE UNIQUE INDEX "drills_number_key" ON "drills"("number");

-- CreateIndex
CREATE UNIQUE INDEX "drills_audit_entry_id_key" ON "drills"("audit_entry_id");

-- CreateIndex
CREATE UNIQUE INDEX "drills_active_key_key" ON "drills"("active_key");

-- CreateIndex
CREATE INDEX "drills_scenario_subject_created_at_idx" ON "drills"("scenario", "subject", "created_at" DESC);

-- CreateIndex
CREATE INDEX "drills_created_at_id_idx" ON "drills"("created_at" DESC, "id");

-- CreateIndex
CREATE INDEX "drills_state_idx" ON "drills"("state");

-- CreateIndex
CREATE INDEX "drill_events_drill_id_at_id_idx" ON "drill_events"("drill_id", "at", "id");

-- CreateIndex
CREATE UNIQUE INDEX "drill_schedules_scenario_subject_key" ON "drill_schedules"("scenario", "subject");

-- AddForeignKey
ALTER TABLE "backup_proof_runs" ADD CONSTRAINT "backup_proof_runs_backup_id_fkey" FOREIGN KEY ("backup_id") REFERENCES "backups"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "restores" ADD CONSTRAINT "restores_backup_id_fkey" FOREIGN KEY ("backup_id") REFERENCES "backups"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "drills" ADD CONSTRAINT "drills_schedule_id_fkey" FOREIGN KEY ("schedule_id") REFERENCES "drill_schedules"("id") ON DELETE SET NULL ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "drill_events" ADD CONSTRAINT "drill_events_drill_id_fkey" FOREIGN KEY ("drill_id") REFERENCES "drills"("id") ON DELETE CASCADE ON UPDATE CASCADE;
