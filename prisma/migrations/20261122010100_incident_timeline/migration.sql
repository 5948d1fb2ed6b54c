-- DropIndex
DROP INDEX "incidents_origin_key_key";

-- AlterTable
ALTER TABLE "incidents" DROP COLUMN "origin_key",
ADD COLUMN     "timeline_version" INTEGER;

-- CreateTable
CREATE TABLE "incident_triggers" (
    "key" TEXT NOT NULL,
    "incident_id" UUID NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "incident_triggers_pkey" PRIMARY KEY ("key")
);

-- CreateIndex
CREATE INDEX "incident_triggers_incident_id_idx" ON "incident_triggers"("incident_id");

-- AddForeignKey
ALTER TABLE "incident_triggers" ADD CONSTRAINT "incident_triggers_incident_id_fkey" FOREIGN KEY ("incident_id") REFERENCES "incidents"("id") ON DELETE CASCADE ON UPDATE CASCADE;
