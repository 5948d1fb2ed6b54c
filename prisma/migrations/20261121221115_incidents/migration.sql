-- CreateTable
CREATE TABLE "incidents" (
    "id" UUID NOT NULL,
    "number" SERIAL NOT NULL,
    "title" TEXT NOT NULL,
    "severity" TEXT NOT NULL,
    "step" TEXT NOT NULL,
    "origin" TEXT NOT NULL,
    "origin_key" TEXT,
    "is_drill" BOOLEAN NOT NULL DEFAULT false,
    "opened_at" TIMESTAMPTZ(3) NOT NULL,
    "opened_by_name" TEXT NOT NULL,
    "impact_started_at" TIMESTAMPTZ(3) NOT NULL,
    "detected_at" TIMESTAMPTZ(3) NOT NULL,
    "acknowledged_at" TIMESTAMPTZ(3),
    "mitigated_at" TIMESTAMPTZ(3),
    "resolved_at" TIMESTAMPTZ(3),
    "documented_at" TIMESTAMPTZ(3),
    "escalates_at" TIMESTAMPTZ(3),
    "escalations" INTEGER NOT NULL DEFAULT 0,
    "override_reason" TEXT,
    "recovery" JSONB,
    "version" INTEGER NOT NULL DEFAULT 0,

    CONSTRAINT "incidents_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "incident_services" (
    "incident_id" UUID NOT NULL,
    "namespace" TEXT NOT NULL,
    "service" TEXT NOT NULL,

    CONSTRAINT "incident_services_pkey" PRIMARY KEY ("incident_id","namespace","service")
);

-- CreateTable
CREATE TABLE "incident_people" (
    "incident_id" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "role" TEXT NOT NULL,
    "joined_at" TIMESTAMPTZ(3) NOT NULL,
    "left_at" TIMESTAMPTZ(3),

    CONSTRAINT "incident_people_pkey" PRIMARY KEY ("incident_id","name")
);

-- CreateTable
CREATE TABLE "incident_events" (
    "id" UUID NOT NULL,
    "incident_id" UUID NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL,
    "recorded_at" TIMESTAMPTZ(3) NOT NULL,
    "kind" TEXT NOT NULL,
    "message" TEXT NOT NULL,
    "by" TEXT NOT NULL,
    "source" TEXT,
    "namespace" TEXT,
    "service" TEXT,
    "detail" JSONB,
    "version" INTEGER NOT NULL DEFAULT 0,
    "edited_at" TIMESTAMPTZ(3),
    "edited_by_name" TEXT,
    "hidden_at" TIMESTAMPTZ(3),
    "hidden_by_name" TEXT,

    CONSTRAINT "incident_events_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "incident_links" (
    "incident_id" UUID NOT NULL,
    "kind" TEXT NOT NULL,
    "target_id" UUID NOT NULL,
    "title" TEXT NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL,
    "by_name" TEXT NOT NULL,

    CONSTRAINT "incident_links_pkey" PRIMARY KEY ("incident_id","kind","target_id")
);

-- CreateTable
CREATE TABLE "incident_checks" (
    "incident_id" UUID NOT NULL,
    "item" TEXT NOT NULL,
    "done_at" TIMESTAMPTZ(3) NOT NULL,
    "by_name" TEXT NOT NULL,

    CONSTRAINT "incident_checks_pkey" PRIMARY KEY ("incident_id","item")
);

-- CreateIndex
CREATE UNIQUE INDEX "incidents_number_key" ON "incidents"("number");

-- CreateIndex
CREATE UNIQUE INDEX "incidents_origin_key_key" ON "incidents"("origin_key");

-- CreateIndex
CREATE INDEX "incidents_resolved_at_severity_idx" ON "incidents"("resolved_at", "severity");

-- CreateIndex
CREATE INDEX "incidents_impact_started_at_id_idx" ON "incidents"("impact_started_at" DESC, "id");

-- CreateIndex
CREATE INDEX "incident_services_namespace_service_idx" ON "incident_services"("namespace", "service");

-- CreateIndex
CREATE INDEX "incident_events_incident_id_at_id_idx" ON "incident_events"("incident_id", "at", "id");

-- CreateIndex
CREATE UNIQUE INDEX "incident_events_incident_id_source_key" ON "incident_events"("incident_id", "source");

-- CreateIndex
CREATE INDEX "incident_links_kind_target_id_idx" ON "incident_links"("kind", "target_id");

-- AddForeignKey
ALTER TABLE "incident_services" ADD CONSTRAINT "incident_services_incident_id_fkey" FOREIGN KEY ("incident_id") REFERENCES "incidents"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "incident_people" ADD CONSTRAINT "incident_people_incident_id_fkey" FOREIGN KEY ("incident_id") REFERENCES "incidents"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "incident_events" ADD CONSTRAINT "incident_events_incident_id_fkey" FOREIGN KEY ("incident_id") REFERENCES "incidents"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "incident_links" ADD CONSTRAINT "incident_links_incident_id_fkey" FOREIGN KEY ("incident_id") REFERENCES "incidents"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "incident_checks" ADD CONSTRAINT "incident_checks_incident_id_fkey" FOREIGN KEY ("incident_id") REFERENCES "incidents"("id") ON DELETE CASCADE ON UPDATE CASCADE;
