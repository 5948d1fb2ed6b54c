-- AlterTable
ALTER TABLE "observed_workloads" DROP COLUMN "image",
DROP COLUMN "name",
DROP COLUMN "namespace",
DROP COLUMN "replicas",
DROP COLUMN "template_hash",
ADD COLUMN     "snapshot" JSONB NOT NULL;
