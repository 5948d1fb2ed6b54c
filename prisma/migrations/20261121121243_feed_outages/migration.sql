-- CreateTable
CREATE TABLE "feed_outages" (
    "feed" TEXT NOT NULL,
    "since" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "feed_outages_pkey" PRIMARY KEY ("feed")
);
