-- Trigrams make the texts of the audit searchable; the owner of a database may create this extension.
CREATE EXTENSION IF NOT EXISTS pg_trgm;

-- CreateEnum
CREATE TYPE "AlertState" AS ENUM ('firing', 'resolved');

-- CreateEnum
CREATE TYPE "NotificationState" AS ENUM ('pending', 'delivered', 'failed');

-- AlterEnum
ALTER TYPE "ActorKind" ADD VALUE 'external';

-- CreateTable
CREATE TABLE "action_measures" (
    "audit_entry_id" UUID NOT NULL,
    "before" JSONB,
    "after" JSONB,
    "before_at" TIMESTAMPTZ(3),
    "after_at" TIMESTAMPTZ(3),

    CONSTRAINT "action_measures_pkey" PRIMARY KEY ("audit_entry_id")
);

-- CreateTable
CREATE TABLE "observed_workloads" (
    "uid" UUID NOT NULL,
    "generation" INTEGER NOT NULL,
    "snapshot" JSONB NOT NULL,
    "observed_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "observed_workloads_pkey" PRIMARY KEY ("uid")
);

-- CreateTable
CREATE TABLE "settings" (
    "key" TEXT NOT NULL,
    "value" JSONB NOT NULL,
    "updated_at" TIMESTAMPTZ(3) NOT NULL,
    "updated_by_name" TEXT NOT NULL,

    CONSTRAINT "settings_pkey" PRIMARY KEY ("key")
);

-- CreateTable
CREATE TABLE "service_panels" (
    "id" UUID NOT NULL,
    "namespace" TEXT NOT NULL,
    "service" TEXT NOT NULL,
    "replaces" TEXT,
    "title" TEXT NOT NULL,
    "unit" TEXT NOT NULL,
    "style" TEXT NOT NULL,
    "limit_value" DOUBLE PRECISION,
    "limit_label" TEXT,
    "queries" JSONB NOT NULL,
    "series_label" TEXT,
    "hidden" BOOLEAN NOT NULL DEFAULT false,
    "position" INTEGER NOT NULL,
    "version" INTEGER NOT NULL DEFAULT 1,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "updated_at" TIMESTAMPTZ(3) NOT NULL,
    "updated_by_name" TEXT NOT NULL,

    CONSTRAINT "service_panels_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "service_objectives" (
    "namespace" TEXT NOT NULL,
    "service" TEXT NOT NULL,
    "availability" DOUBLE PRECISION,
    "latency_ratio" DOUBLE PRECISION,
    "latency_seconds" DOUBLE PRECISION,
    "window_days" INTEGER NOT NULL,
    "updated_at" TIMESTAMPTZ(3) NOT NULL,
    "updated_by_name" TEXT NOT NULL,

    CONSTRAINT "service_objectives_pkey" PRIMARY KEY ("namespace","service")
);

-- CreateTable
CREATE TABLE "alert_sources" (
    "id" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "secret_hash" TEXT NOT NULL,
    "secret_prefix" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "created_by_name" TEXT NOT NULL,
    "disabled_at" TIMESTAMPTZ(3),
    "last_received_at" TIMESTAMPTZ(3),
    "watchdog_at" TIMESTAMPTZ(3),

    CONSTRAINT "alert_sources_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "alert_source_members" (
    "source_id" UUID NOT NULL,
    "url" TEXT NOT NULL,
    "last_polled_at" TIMESTAMPTZ(3),
    "failing_since" TIMESTAMPTZ(3),
    "last_error" TEXT,
    "started_at" TIMESTAMPTZ(3),

    CONSTRAINT "alert_source_members_pkey" PRIMARY KEY ("source_id","url")
);

-- CreateTable
CREATE TABLE "alert_bodies" (
    "source_id" UUID NOT NULL,
    "hash" BYTEA NOT NULL,
    "body" TEXT NOT NULL,
    "deliveries" INTEGER NOT NULL DEFAULT 1,
    "first_received_at" TIMESTAMPTZ(3) NOT NULL,
    "last_received_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "alert_bodies_pkey" PRIMARY KEY ("source_id","hash")
);

-- CreateTable
CREATE TABLE "alert_series" (
    "source_id" UUID NOT NULL,
    "fingerprint" TEXT NOT NULL,
    "labels" JSONB NOT NULL DEFAULT '{}',
    "search_text" TEXT NOT NULL DEFAULT '',
    "open_episode_id" UUID,
    "starts_at" TIMESTAMPTZ(3),
    "ends_at" TIMESTAMPTZ(3),
    "missing_since" TIMESTAMPTZ(3),

    CONSTRAINT "alert_series_pkey" PRIMARY KEY ("source_id","fingerprint")
);

-- CreateTable
CREATE TABLE "alert_episodes" (
    "id" UUID NOT NULL,
    "source_id" UUID NOT NULL,
    "fingerprint" TEXT NOT NULL,
    "open_key" TEXT,
    "name" TEXT NOT NULL,
    "severity" TEXT NOT NULL,
    "namespace" TEXT,
    "service" TEXT,
    "instance" TEXT,
    "labels" JSONB NOT NULL,
    "annotations" JSONB NOT NULL,
    "generator_url" TEXT,
    "state" "AlertState" NOT NULL,
    "starts_at" TIMESTAMPTZ(3) NOT NULL,
    "ends_at" TIMESTAMPTZ(3),
    "first_received_at" TIMESTAMPTZ(3) NOT NULL,
    "last_received_at" TIMESTAMPTZ(3) NOT NULL,
    "closed_by" TEXT,
    "resolved_starts_at" TIMESTAMPTZ(3),
    "fired_starts" TIMESTAMPTZ(3)[],
    "silenced_by" TEXT[],
    "inhibited" BOOLEAN NOT NULL DEFAULT false,
    "acknowledged_at" TIMESTAMPTZ(3),
    "acknowledged_by_name" TEXT,

    CONSTRAINT "alert_episodes_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "alert_transitions" (
    "id" UUID NOT NULL,
    "episode_id" UUID NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL,
    "recorded_at" TIMESTAMPTZ(3) NOT NULL,
    "kind" TEXT NOT NULL,
    "by" TEXT NOT NULL,
    "detail" JSONB,

    CONSTRAINT "alert_transitions_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "blind_windows" (
    "id" UUID NOT NULL,
    "source_id" UUID NOT NULL,
    "open_key" TEXT,
    "reason" TEXT NOT NULL,
    "began_at" TIMESTAMPTZ(3) NOT NULL,
    "ended_at" TIMESTAMPTZ(3),

    CONSTRAINT "blind_windows_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "notification_targets" (
    "id" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "kind" TEXT NOT NULL,
    "config" JSONB NOT NULL,
    "sealed_secrets" TEXT,
    "filter" JSONB NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "updated_at" TIMESTAMPTZ(3) NOT NULL,
    "updated_by_name" TEXT NOT NULL,
    "disabled_at" TIMESTAMPTZ(3),
    "held_until" TIMESTAMPTZ(3),

    CONSTRAINT "notification_targets_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "notifications" (
    "id" UUID NOT NULL,
    "target_id" UUID NOT NULL,
    "event_key" TEXT NOT NULL,
    "event" TEXT NOT NULL,
    "severity" TEXT,
    "rank" INTEGER NOT NULL,
    "title" TEXT NOT NULL,
    "payload" JSONB NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "delivery_id" UUID,

    CONSTRAINT "notifications_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "notification_deliveries" (
    "id" UUID NOT NULL,
    "target_id" UUID NOT NULL,
    "is_test" BOOLEAN NOT NULL DEFAULT false,
    "title" TEXT NOT NULL,
    "event_count" INTEGER NOT NULL,
    "state" "NotificationState" NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "attempt_count" INTEGER NOT NULL DEFAULT 0,
    "next_attempt_at" TIMESTAMPTZ(3),
    "give_up_at" TIMESTAMPTZ(3) NOT NULL,
    "claimed_until" TIMESTAMPTZ(3),
    "last_outcome" TEXT,
    "settled_at" TIMESTAMPTZ(3),

    CONSTRAINT "notification_deliveries_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "notification_attempts" (
    "id" UUID NOT NULL,
    "delivery_id" UUID NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL,
    "duration_ms" INTEGER NOT NULL,
    "outcome" TEXT NOT NULL,
    "answer" TEXT,
    "excerpt" TEXT,
    "error" TEXT,

    CONSTRAINT "notification_attempts_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "feed_outages" (
    "feed" TEXT NOT NULL,
    "since" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "feed_outages_pkey" PRIMARY KEY ("feed")
);

-- CreateIndex
CREATE INDEX "service_panels_namespace_service_position_idx" ON "service_panels"("namespace", "service", "position");

-- CreateIndex
CREATE UNIQUE INDEX "service_panels_namespace_service_replaces_key" ON "service_panels"("namespace", "service", "replaces");

-- CreateIndex
CREATE UNIQUE INDEX "alert_sources_name_key" ON "alert_sources"("name");

-- CreateIndex
CREATE UNIQUE INDEX "alert_sources_secret_hash_key" ON "alert_sources"("secret_hash");

-- CreateIndex
CREATE INDEX "alert_bodies_first_received_at_idx" ON "alert_bodies"("first_received_at");

-- CreateIndex
CREATE UNIQUE INDEX "alert_episodes_open_key_key" ON "alert_episodes"("open_key");

-- CreateIndex
CREATE INDEX "alert_episodes_source_id_fingerprint_starts_at_idx" ON "alert_episodes"("source_id", "fingerprint", "starts_at" DESC);

-- CreateIndex
CREATE INDEX "alert_episodes_namespace_service_starts_at_idx" ON "alert_episodes"("namespace", "service", "starts_at" DESC);

-- CreateIndex
CREATE INDEX "alert_episodes_name_starts_at_idx" ON "alert_episodes"("name", "starts_at" DESC);

-- CreateIndex
CREATE INDEX "alert_episodes_state_starts_at_idx" ON "alert_episodes"("state", "starts_at" DESC);

-- CreateIndex
CREATE INDEX "alert_episodes_ends_at_idx" ON "alert_episodes"("ends_at");

-- CreateIndex
CREATE INDEX "alert_episodes_walk" ON "alert_episodes"("starts_at" DESC, "id" DESC, "ends_at", "severity", "name", "namespace", "service", "source_id", "fingerprint", "state", "acknowledged_at");

-- CreateIndex
CREATE INDEX "alert_transitions_episode_id_at_idx" ON "alert_transitions"("episode_id", "at");

-- CreateIndex
CREATE INDEX "alert_transitions_at_idx" ON "alert_transitions"("at");

-- CreateIndex
CREATE UNIQUE INDEX "blind_windows_open_key_key" ON "blind_windows"("open_key");

-- CreateIndex
CREATE INDEX "blind_windows_source_id_began_at_idx" ON "blind_windows"("source_id", "began_at" DESC);

-- CreateIndex
CREATE UNIQUE INDEX "notification_targets_name_key" ON "notification_targets"("name");

-- CreateIndex
CREATE INDEX "notifications_delivery_id_target_id_created_at_idx" ON "notifications"("delivery_id", "target_id", "created_at");

-- CreateIndex
CREATE UNIQUE INDEX "notifications_target_id_event_key_key" ON "notifications"("target_id", "event_key");

-- CreateIndex
CREATE INDEX "notification_deliveries_state_next_attempt_at_idx" ON "notification_deliveries"("state", "next_attempt_at");

-- CreateIndex
CREATE INDEX "notification_deliveries_target_id_created_at_id_idx" ON "notification_deliveries"("target_id", "created_at" DESC, "id" DESC);

-- CreateIndex
CREATE INDEX "notification_deliveries_created_at_id_idx" ON "notification_deliveries"("created_at" DESC, "id" DESC);

-- CreateIndex
CREATE INDEX "notification_attempts_delivery_id_at_idx" ON "notification_attempts"("delivery_id", "at");

-- CreateIndex
CREATE INDEX "audit_entries_target_namespace_at_idx" ON "audit_entries"("target_namespace", "at" DESC);

-- CreateIndex
CREATE INDEX "audit_entries_target_name_at_idx" ON "audit_entries"("target_name", "at" DESC);

-- CreateIndex
CREATE INDEX "audit_entries_verb_at_idx" ON "audit_entries"("verb", "at" DESC);

-- CreateIndex
CREATE INDEX "audit_entries_outcome_at_idx" ON "audit_entries"("outcome", "at" DESC);

-- CreateIndex
CREATE INDEX "audit_entries_search_idx" ON "audit_entries" USING GIN ("target_name" gin_trgm_ops, "reason" gin_trgm_ops, "verb" gin_trgm_ops, "actor_name" gin_trgm_ops);

-- AddForeignKey
ALTER TABLE "action_measures" ADD CONSTRAINT "action_measures_audit_entry_id_fkey" FOREIGN KEY ("audit_entry_id") REFERENCES "audit_entries"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "alert_source_members" ADD CONSTRAINT "alert_source_members_source_id_fkey" FOREIGN KEY ("source_id") REFERENCES "alert_sources"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "alert_bodies" ADD CONSTRAINT "alert_bodies_source_id_fkey" FOREIGN KEY ("source_id") REFERENCES "alert_sources"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "alert_series" ADD CONSTRAINT "alert_series_source_id_fkey" FOREIGN KEY ("source_id") REFERENCES "alert_sources"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "alert_episodes" ADD CONSTRAINT "alert_episodes_source_id_fkey" FOREIGN KEY ("source_id") REFERENCES "alert_sources"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "alert_transitions" ADD CONSTRAINT "alert_transitions_episode_id_fkey" FOREIGN KEY ("episode_id") REFERENCES "alert_episodes"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "blind_windows" ADD CONSTRAINT "blind_windows_source_id_fkey" FOREIGN KEY ("source_id") REFERENCES "alert_sources"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "notifications" ADD CONSTRAINT "notifications_target_id_fkey" FOREIGN KEY ("target_id") REFERENCES "notification_targets"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "notifications" ADD CONSTRAINT "notifications_delivery_id_fkey" FOREIGN KEY ("delivery_id") REFERENCES "notification_deliveries"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "notification_deliveries" ADD CONSTRAINT "notification_deliveries_target_id_fkey" FOREIGN KEY ("target_id") REFERENCES "notification_targets"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "notification_attempts" ADD CONSTRAINT "notification_attempts_delivery_id_fkey" FOREIGN KEY ("delivery_id") REFERENCES "notification_deliveries"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- Episodes change soon after they are made. Vacuumed often, the walk through the history reads its index alone.
ALTER TABLE "alert_episodes" SET (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_insert_scale_factor = 0.02);
