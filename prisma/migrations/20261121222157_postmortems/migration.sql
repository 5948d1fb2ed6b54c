-- CreateTable
CREATE TABLE "postmortems" (
    "incident_id" UUID NOT NULL,
    "state" TEXT NOT NULL,
    "owner_name" TEXT NOT NULL,
    "text" TEXT NOT NULL,
    "version" INTEGER NOT NULL DEFAULT 1,
    "saves" JSONB NOT NULL DEFAULT '[]',
    "impact" JSONB,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "created_by_name" TEXT NOT NULL,
    "updated_at" TIMESTAMPTZ(3) NOT NULL,
    "updated_by_name" TEXT NOT NULL,
    "review_at" TIMESTAMPTZ(3),
    "review_by_name" TEXT,
    "published_at" TIMESTAMPTZ(3),
    "published_by_name" TEXT,

    CONSTRAINT "postmortems_pkey" PRIMARY KEY ("incident_id")
);

-- CreateTable
CREATE TABLE "postmortem_versions" (
    "incident_id" UUID NOT NULL,
    "version" INTEGER NOT NULL,
    "text" TEXT NOT NULL,
    "began_at" TIMESTAMPTZ(3) NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL,
    "by_name" TEXT NOT NULL,
    "mark" TEXT,

    CONSTRAINT "postmortem_versions_pkey" PRIMARY KEY ("incident_id","version")
);

-- CreateTable
CREATE TABLE "postmortem_comments" (
    "id" UUID NOT NULL,
    "incident_id" UUID NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL,
    "by_name" TEXT NOT NULL,
    "text" TEXT NOT NULL,
    "quote" TEXT,
    "settled_at" TIMESTAMPTZ(3),
    "settled_by_name" TEXT,

    CONSTRAINT "postmortem_comments_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "action_items" (
    "id" UUID NOT NULL,
    "number" SERIAL NOT NULL,
    "incident_id" UUID NOT NULL,
    "title" TEXT NOT NULL,
    "type" TEXT NOT NULL,
    "owner_name" TEXT NOT NULL,
    "due_on" DATE NOT NULL,
    "link" TEXT,
    "state" TEXT NOT NULL,
    "proof" JSONB,
    "proof_result" JSONB,
    "override_reason" TEXT,
    "is_watched" BOOLEAN NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "created_by_name" TEXT NOT NULL,
    "closed_at" TIMESTAMPTZ(3),
    "closed_by_name" TEXT,
    "reopened_at" TIMESTAMPTZ(3),
    "reopen_reason" TEXT,
    "reminded" TEXT,
    "version" INTEGER NOT NULL DEFAULT 1,

    CONSTRAINT "action_items_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "action_item_alerts" (
    "item_id" UUID NOT NULL,
    "source_id" UUID NOT NULL,
    "fingerprint" TEXT NOT NULL,
    "name" TEXT NOT NULL,

    CONSTRAINT "action_item_alerts_pkey" PRIMARY KEY ("item_id","source_id","fingerprint")
);

-- CreateIndex
CREATE INDEX "postmortems_state_updated_at_idx" ON "postmortems"("state", "updated_at");

-- CreateIndex
CREATE INDEX "postmortem_comments_incident_id_at_idx" ON "postmortem_comments"("incident_id", "at");

-- CreateIndex
CREATE UNIQUE INDEX "action_items_number_key" ON "action_items"("number");

-- CreateIndex
CREATE INDEX "action_items_state_due_on_id_idx" ON "action_items"("state", "due_on", "id");

-- CreateIndex
CREATE INDEX "action_items_incident_id_idx" ON "action_items"("incident_id");

-- AddForeignKey
ALTER TABLE "postmortems" ADD CONSTRAINT "postmortems_incident_id_fkey" FOREIGN KEY ("incident_id") REFERENCES "incidents"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "postmortem_versions" ADD CONSTRAINT "postmortem_versions_incident_id_fkey" FOREIGN KEY ("incident_id") REFERENCES "postmortems"("incident_id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "postmortem_comments" ADD CONSTRAINT "postmortem_comments_incident_id_fkey" FOREIGN KEY ("incident_id") REFERENCES "postmortems"("incident_id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "action_items" ADD CONSTRAINT "action_items_incident_id_fkey" FOREIGN KEY ("incident_id") REFERENCES "incidents"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "action_item_alerts" ADD CONSTRAINT "action_item_alerts_item_id_fkey" FOREIGN KEY ("item_id") REFERENCES "action_items"("id") ON DELETE CASCADE ON UPDATE CASCADE;
