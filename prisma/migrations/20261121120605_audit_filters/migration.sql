-- What the search for parts of words needs; a trusted extension, which the owner of the database may create.
CREATE EXTENSION IF NOT EXISTS pg_trgm;

-- CreateIndex
CREATE INDEX "audit_entries_target_namespace_at_idx" ON "audit_entries"("target_namespace", "at" DESC);

-- CreateIndex
CREATE INDEX "audit_entries_target_name_at_idx" ON "audit_entries"("target_name", "at" DESC);

-- CreateIndex
CREATE INDEX "audit_entries_verb_at_idx" ON "audit_entries"("verb", "at" DESC);

-- CreateIndex
CREATE INDEX "audit_entries_outcome_at_idx" ON "audit_entries"("outcome", "at" DESC);

-- CreateIndex
CREATE INDEX "audit_entries_search_idx" ON "audit_entries" USING GIN ("target_name" gin_trgm_ops, "reason" gin_trgm_ops, "verb" gin_trgm_ops, "actor_name" gin_trgm_ops);
