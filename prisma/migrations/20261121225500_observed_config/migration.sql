-- CreateTable
CREATE TABLE "observed_configs" (
    "namespace" TEXT NOT NULL,
    "kind" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "resource_version" TEXT NOT NULL,
    "fingerprints" JSONB NOT NULL,
    "observed_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "observed_configs_pkey" PRIMARY KEY ("namespace","kind","name")
);
