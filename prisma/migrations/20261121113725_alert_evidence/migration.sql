-- AlterTable
ALTER TABLE "alert_episodes" ADD COLUMN     "fired_starts" TIMESTAMPTZ(3)[],
ADD COLUMN     "resolved_starts_at" TIMESTAMPTZ(3);

-- CreateIndex
CREATE INDEX "alert_episodes_source_id_fingerprint_starts_at_idx" ON "alert_episodes"("source_id", "fingerprint", "starts_at" DESC);
