-- AlterTable
ALTER TABLE "incidents" ADD COLUMN "impact_start_source" TEXT NOT NULL DEFAULT 'unknown';
