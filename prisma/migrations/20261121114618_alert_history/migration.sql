-- AlterTable
ALTER TABLE "alert_series" ADD COLUMN     "labels" JSONB NOT NULL DEFAULT '{}',
ADD COLUMN     "search_text" TEXT NOT NULL DEFAULT '';

-- CreateIndex
CREATE INDEX "alert_episodes_facts" ON "alert_episodes"("starts_at", "ends_at", "severity", "name", "namespace", "service", "source_id", "fingerprint", "state", "acknowledged_at");
