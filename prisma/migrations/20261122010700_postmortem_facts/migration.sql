-- AlterTable
ALTER TABLE "postmortems" ADD COLUMN "approved_at" TIMESTAMPTZ(3),
ADD COLUMN "approved_by_name" TEXT,
ADD COLUMN "approved_version" INTEGER,
ADD COLUMN "charts" JSONB,
ADD COLUMN "facts" JSONB,
ADD COLUMN "override_reason" TEXT,
ADD COLUMN "reviewer_name" TEXT;
