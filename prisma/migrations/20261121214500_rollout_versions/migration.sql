-- AlterTable
ALTER TABLE "rollout_events" ADD COLUMN     "version" INTEGER NOT NULL DEFAULT 0;

-- AlterTable
ALTER TABLE "rollout_measurements" ADD COLUMN     "version" INTEGER NOT NULL DEFAULT 0;

-- Whoever writes a row first raises its rollout's version in the same transaction; who follows asks for what came after one.
CREATE FUNCTION take_rollout_version() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  SELECT "run_version" INTO NEW."version" FROM "rollouts" WHERE "id" = NEW."rollout_id";
  RETURN NEW;
END
$$;

CREATE TRIGGER "take_version" BEFORE INSERT ON "rollout_events" FOR EACH ROW EXECUTE FUNCTION take_rollout_version();
CREATE TRIGGER "take_version" BEFORE INSERT ON "rollout_measurements" FOR EACH ROW EXECUTE FUNCTION take_rollout_version();

-- CreateIndex
CREATE INDEX "rollout_measurements_rollout_id_version_idx" ON "rollout_measurements"("rollout_id", "version");
