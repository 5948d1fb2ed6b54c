-- AlterTable
ALTER TABLE "postmortem_comments" ADD COLUMN "by_id" UUID,
ADD COLUMN "by_kind" "ActorKind" NOT NULL;
