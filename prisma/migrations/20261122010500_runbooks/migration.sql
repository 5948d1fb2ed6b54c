-- CreateTable
CREATE TABLE "runbook_versions" (
    "scope" TEXT NOT NULL,
    "group" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "version" INTEGER NOT NULL,
    "text" TEXT,
    "note" TEXT,
    "at" TIMESTAMPTZ(3) NOT NULL,
    "by_name" TEXT NOT NULL,

    CONSTRAINT "runbook_versions_pkey" PRIMARY KEY ("scope","group","name","version")
);
