import type { Backup, BackupProofRun } from "#lib/database/generated/client.ts";
import { toJson } from "#lib/database/storable.ts";
import { reopenUnproven } from "../../incidents/action-items/watch.ts";
import type { RecoveryContext } from "../context.ts";
import type { RecoveryCheck } from "../schemas.ts";
import { ClaimLost, isDead, underHeartbeat } from "./heartbeat.ts";
import { openProofs } from "./in-use.ts";
import type { ProofLevel } from "./schemas.ts";
import { describeFailed } from "./texts.ts";
import { verifyArchive } from "./verify.ts";

/** A proof with the backup that it is of. */
export type ClaimedProof = BackupProofRun & { backup: Backup };

/** Takes the proof that has waited longest, or one whose process has died; null when there is none. */
export async function claimProof(
  { db, clock }: Pick<RecoveryContext, "db" | "clock">,
  runner: string,
): Promise<ClaimedProof | null> {
  const now = clock();
  const rows = await db.backupProofRun.findMany({
    where: openProofs,
    orderBy: { createdAt: "asc" },
    take: 50,
  });
  for (const row of rows) {
    if (row.state === "running" && !isDead(row, now)) continue;
    const { id, state, runner: last, heartbeatAt, startedAt } = row;
    const { count } = await db.backupProofRun.updateMany({
      where: { id, state, runner: last, heartbeatAt },
      data: { state: "running", message: "Its archive is being read.", runner, heartbeatAt: now, startedAt: startedAt ?? now },
    });
    if (count === 1) return db.backupProofRun.findUniqueOrThrow({ where: { id }, include: { backup: true } });
  }
  return null;
}

/** Carries out a proof that this process has claimed. It changes nothing but scratch, so that what a killed one left is begun anew. */
export async function carryOutProof(context: RecoveryContext, claimed: ClaimedProof, signal: AbortSignal): Promise<void> {
  const { db, clock, logger } = context;
  const { id, runner, backup } = claimed;
  const level = claimed.level as ProofLevel;
  const begun = performance.now();
  const beat = async () => {
    const { count } = await db.backupProofRun.updateMany({ where: { id, runner }, data: { heartbeatAt: clock() } });
    if (count === 0) throw new ClaimLost("Another process has taken the proof over.");
  };
  try {
    const { checks } = await underHeartbeat({ beat, signal }, (until) =>
      verifyArchive(context, backup, { level, signal: until }),
    );
    await settle(context, claimed, { checks, durationMs: Math.round(performance.now() - begun) });
  } catch (error) {
    if (error instanceof ClaimLost) return logger.warn({ proof: id }, error.message);
    if (signal.aborted) {
      const message = "It waits for its turn: Switchyard was stopped meanwhile.";
      await db.backupProofRun.updateMany({
        where: { id, runner },
        data: { state: "queued", message, runner: null, heartbeatAt: null },
      });
      return;
    }
    // What could not be asked proves nothing, neither way: the backup stays what it was.
    logger.error({ err: error, proof: id, backup: backup.number }, "a proof could not be carried out");
    const message = `It could not be carried out: ${(error as Error).message}`;
    const data = { state: "failed", message, finishedAt: clock(), runner: null, heartbeatAt: null };
    await db.backupProofRun.updateMany({ where: { id, runner }, data });
  }
}

type Result = { checks: RecoveryCheck[]; durationMs: number };

async function settle(context: RecoveryContext, { id, runner, backup, level }: ClaimedProof, { checks, durationMs }: Result) {
  const now = context.clock();
  const [first, ...others] = checks.filter(({ passed }) => !passed);
  const message = first ? describeFailed(first, others.length) : `All ${checks.length} checks passed.`;
  const isSettled = await context.db.$transaction(async (transaction) => {
    const { count } = await transaction.backupProofRun.updateMany({
      where: { id, runner },
      data: {
        state: first ? "failed" : "passed",
        message,
        checks: toJson(checks),
        finishedAt: now,
        durationMs,
        runner: null,
        heartbeatAt: null,
      },
    });
    if (count === 0) return false;
    // Reading back takes nothing from what a restore has shown; a fault always does.
    const keeps = first === undefined && level === "checksums" ? { proof: { not: "restored" as const } } : {};
    const proof = first ? "failed" : level === "restored" ? "restored" : "checksums";
    await transaction.backup.updateMany({ where: { id: backup.id, ...keeps }, data: { proof } });
    await transaction.backup.updateMany({ where: { id: backup.id }, data: first ? { message } : { provenAt: now } });
    return true;
  });
  if (isSettled && first) await reopenUnproven(context, { kind: "restore", name: backup.subject, message, at: now });
}
