import type { Backup, BackupProofRun } from "#lib/database/generated/client.ts";
import type { RecoveryCheck } from "../schemas.ts";
import type { BackupView, ProofLevel, ProofRunView } from "./schemas.ts";
import { hasEnded } from "./states.ts";

/** A backup as pages and scripts see it. */
export function viewBackup(row: Backup): BackupView {
  return {
    id: row.id,
    number: row.number,
    subject: row.subject,
    namespace: row.namespace,
    service: row.service,
    purpose: row.purpose,
    state: row.state,
    proof: row.proof,
    message: row.message,
    reason: row.reason,
    requestedBy: row.requestedByName,
    createdAt: row.createdAt.toISOString(),
    startedAt: row.startedAt?.toISOString() ?? null,
    takenAt: row.takenAt?.toISOString() ?? null,
    finishedAt: row.finishedAt?.toISOString() ?? null,
    provenAt: row.provenAt?.toISOString() ?? null,
    bytes: row.bytes === null ? null : Number(row.bytes),
    storage: row.storage,
    keyId: row.keyId,
    pinned: row.pinnedAt && { at: row.pinnedAt.toISOString(), by: row.pinnedByName ?? "", reason: row.pinReason ?? "" },
    isActive: row.runner !== null && !hasEnded(row),
  };
}

/** One climb of the ladder of proofs. */
export function viewProof(row: BackupProofRun): ProofRunView {
  return {
    id: row.id,
    level: row.level as ProofLevel,
    state: row.state as ProofRunView["state"],
    message: row.message,
    checks: (row.checks ?? []) as RecoveryCheck[],
    requestedBy: row.requestedByName,
    createdAt: row.createdAt.toISOString(),
    startedAt: row.startedAt?.toISOString() ?? null,
    finishedAt: row.finishedAt?.toISOString() ?? null,
    durationMs: row.durationMs,
  };
}
