-- AlterTable
ALTER TABLE "incidents" DROP COLUMN "recovery";

-- CreateTable
CREATE TABLE "incident_recoveries" (
    "incident_id" UUID NOT NULL,
    "namespace" TEXT NOT NULL,
    "service" TEXT NOT NULL,
    "state" JSONB NOT NULL,
    "looked_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "incident_recoveries_pkey" PRIMARY KEY ("incident_id","namespace","service")
);

-- AddForeignKey
ALTER TABLE "incident_recoveries" ADD CONSTRAINT "incident_recoveries_incident_id_fkey" FOREIGN KEY ("incident_id") REFERENCES "incidents"("id") ON DELETE CASCADE ON UPDATE CASCADE;
