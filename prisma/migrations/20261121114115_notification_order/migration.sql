-- AlterTable
ALTER TABLE "notification_deliveries" ADD COLUMN     "last_outcome" TEXT;

-- AlterTable
ALTER TABLE "notification_targets" ADD COLUMN     "held_until" TIMESTAMPTZ(3);

-- AlterTable
ALTER TABLE "notifications" ADD COLUMN     "rank" INTEGER NOT NULL;
