-- DropForeignKey
ALTER TABLE "notification_attempts" DROP CONSTRAINT "notification_attempts_notification_id_fkey";

-- DropIndex
DROP INDEX "notification_attempts_notification_id_at_idx";

-- DropIndex
DROP INDEX "notifications_created_at_id_idx";

-- DropIndex
DROP INDEX "notifications_state_next_attempt_at_idx";

-- AlterTable
ALTER TABLE "notification_attempts" DROP COLUMN "notification_id",
ADD COLUMN     "delivery_id" UUID NOT NULL,
ADD COLUMN     "excerpt" TEXT,
ADD COLUMN     "outcome" TEXT NOT NULL;

-- AlterTable
ALTER TABLE "notifications" DROP COLUMN "claimed_until",
DROP COLUMN "delivered_at",
DROP COLUMN "next_attempt_at",
DROP COLUMN "state",
ADD COLUMN     "delivery_id" UUID,
ADD COLUMN     "severity" TEXT;

-- CreateTable
CREATE TABLE "notification_deliveries" (
    "id" UUID NOT NULL,
    "target_id" UUID NOT NULL,
    "is_test" BOOLEAN NOT NULL DEFAULT false,
    "title" TEXT NOT NULL,
    "event_count" INTEGER NOT NULL,
    "state" "NotificationState" NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "attempt_count" INTEGER NOT NULL DEFAULT 0,
    "next_attempt_at" TIMESTAMPTZ(3),
    "give_up_at" TIMESTAMPTZ(3) NOT NULL,
    "claimed_until" TIMESTAMPTZ(3),
    "settled_at" TIMESTAMPTZ(3),

    CONSTRAINT "notification_deliveries_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE INDEX "notification_deliveries_state_next_attempt_at_idx" ON "notification_deliveries"("state", "next_attempt_at");

-- CreateIndex
CREATE INDEX "notification_deliveries_target_id_created_at_id_idx" ON "notification_deliveries"("target_id", "created_at" DESC, "id" DESC);

-- CreateIndex
CREATE INDEX "notification_deliveries_created_at_id_idx" ON "notification_deliveries"("created_at" DESC, "id" DESC);

-- CreateIndex
CREATE INDEX "notification_attempts_delivery_id_at_idx" ON "notification_attempts"("delivery_id", "at");

-- CreateIndex
CREATE INDEX "notifications_delivery_id_target_id_created_at_idx" ON "notifications"("delivery_id", "target_id", "created_at");

-- AddForeignKey
ALTER TABLE "notifications" ADD CONSTRAINT "notifications_delivery_id_fkey" FOREIGN KEY ("delivery_id") REFERENCES "notification_deliveries"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "notification_deliveries" ADD CONSTRAINT "notification_deliveries_target_id_fkey" FOREIGN KEY ("target_id") REFERENCES "notification_targets"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "notification_attempts" ADD CONSTRAINT "notification_attempts_delivery_id_fkey" FOREIGN KEY ("delivery_id") REFERENCES "notification_deliveries"("id") ON DELETE CASCADE ON UPDATE CASCADE;
