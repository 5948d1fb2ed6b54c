-- AlterTable
ALTER TABLE "incident_links" ADD COLUMN "silence" TEXT;
