-- AlterEnum
-- This migration adds more than one value to an enum.
-- With PostgreSQL versions 11 and earlier, this is not possible
-- in a single migration. This can be worked around by creating
-- multiple migrations, each migration adding only one value to
-- the enum.


ALTER TYPE "RolloutState" ADD VALUE 'queued';
ALTER TYPE "RolloutState" ADD VALUE 'aborted';

-- AlterTable
ALTER TABLE "rollouts" ADD COLUMN     "active_key" TEXT,
ADD COLUMN     "preflight" JSONB,
ADD COLUMN     "run" JSONB,
ADD COLUMN     "run_version" INTEGER NOT NULL DEFAULT 0,
ADD COLUMN     "strategy" JSONB,
ADD COLUMN     "target" JSONB;

-- CreateTable
CREATE TABLE "rollout_events" (
    "id" UUID NOT NULL,
    "rollout_id" UUID NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL,
    "kind" TEXT NOT NULL,
    "message" TEXT NOT NULL,
    "by" TEXT NOT NULL,
    "detail" JSONB,

    CONSTRAINT "rollout_events_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "rollout_measurements" (
    "id" UUID NOT NULL,
    "rollout_id" UUID NOT NULL,
    "step" INTEGER NOT NULL,
    "metric" TEXT NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL,
    "value" DOUBLE PRECISION,
    "limit" DOUBLE PRECISION,
    "stable" DOUBLE PRECISION,
    "samples" DOUBLE PRECISION,
    "stable_samples" DOUBLE PRECISION,
    "verdict" TEXT NOT NULL,
    "message" TEXT NOT NULL,
    "detail" JSONB,

    CONSTRAINT "rollout_measurements_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "freeze_windows" (
    "id" UUID NOT NULL,
    "namespace" TEXT,
    "service" TEXT,
    "starts_at" TIMESTAMPTZ(3) NOT NULL,
    "ends_at" TIMESTAMPTZ(3) NOT NULL,
    "reason" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "created_by_name" TEXT NOT NULL,
    "cancelled_at" TIMESTAMPTZ(3),
    "cancelled_by_name" TEXT,

    CONSTRAINT "freeze_windows_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "timed_autoscalings" (
    "id" UUID NOT NULL,
    "audit_entry_id" UUID NOT NULL,
    "namespace" TEXT NOT NULL,
    "service" TEXT NOT NULL,
    "autoscaler" TEXT NOT NULL,
    "autoscaler_uid" TEXT NOT NULL,
    "before_min" INTEGER NOT NULL,
    "before_max" INTEGER NOT NULL,
    "to_min" INTEGER NOT NULL,
    "to_max" INTEGER NOT NULL,
    "started_at" TIMESTAMPTZ(3) NOT NULL,
    "revert_at" TIMESTAMPTZ(3) NOT NULL,
    "active_key" TEXT,
    "ended_at" TIMESTAMPTZ(3),
    "outcome" TEXT,

    CONSTRAINT "timed_autoscalings_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE INDEX "rollout_events_rollout_id_id_idx" ON "rollout_events"("rollout_id", "id");

-- CreateIndex
CREATE UNIQUE INDEX "rollout_measurements_rollout_id_step_metric_at_key" ON "rollout_measurements"("rollout_id", "step", "metric", "at");

-- CreateIndex
CREATE INDEX "freeze_windows_ends_at_idx" ON "freeze_windows"("ends_at");

-- CreateIndex
CREATE UNIQUE INDEX "timed_autoscalings_audit_entry_id_key" ON "timed_autoscalings"("audit_entry_id");

-- CreateIndex
CREATE UNIQUE INDEX "timed_autoscalings_active_key_key" ON "timed_autoscalings"("active_key");

-- CreateIndex
CREATE INDEX "timed_autoscalings_namespace_service_idx" ON "timed_autoscalings"("namespace", "service");

-- CreateIndex
CREATE UNIQUE INDEX "rollouts_active_key_key" ON "rollouts"("active_key");

-- AddForeignKey
ALTER TABLE "rollout_events" ADD CONSTRAINT "rollout_events_rollout_id_fkey" FOREIGN KEY ("rollout_id") REFERENCES "rollouts"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "rollout_measurements" ADD CONSTRAINT "rollout_measurements_rollout_id_fkey" FOREIGN KEY ("rollout_id") REFERENCES "rollouts"("id") ON DELETE CASCADE ON UPDATE CASCADE;
