-- DropIndex
DROP INDEX "alert_episodes_facts";

-- DropIndex
DROP INDEX "alert_episodes_severity_starts_at_idx";

-- DropIndex
DROP INDEX "alert_episodes_starts_at_id_idx";

-- CreateIndex
CREATE INDEX "alert_episodes_ends_at_idx" ON "alert_episodes"("ends_at");

-- CreateIndex
CREATE INDEX "alert_episodes_walk" ON "alert_episodes"("starts_at" DESC, "id" DESC, "ends_at", "severity", "name", "namespace", "service", "source_id", "fingerprint", "state", "acknowledged_at");

-- Episodes change soon after they are made. Vacuumed often, the walk reads the index alone.
ALTER TABLE "alert_episodes" SET (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_insert_scale_factor = 0.02);
