import type { Backup, Prisma } from "#lib/database/generated/client.ts";
import { toJson } from "#lib/database/storable.ts";
import about from "../../../../package.json" with { type: "json" };
import { type Manifest, manifestSchema } from "../archive/manifest.ts";
import { findSealingKey } from "../archive/open.ts";
import { packArchive } from "../archive/pack.ts";
import type { RecoveryContext } from "../context.ts";
import type { RecoveryCheck } from "../schemas.ts";
import { archiveKey, otherKey, removeArchive, requireKey, writeCompanion } from "./archives.ts";
import { beatBackup, releaseBackup } from "./claim.ts";
import { Cancelled, ClaimLost, underHeartbeat } from "./heartbeat.ts";
import { partsOf } from "./parts.ts";
import { readContents } from "./plans.ts";
import { Progress, readProgress } from "./progress.ts";
import { checkSize } from "./size-check.ts";
import { goodBackups } from "./states.ts";
import { describeMade } from "./texts.ts";
import { type Verification, verifyArchive } from "./verify.ts";

const mostAttempts = 3;

/**
 * Makes a backup that this process has claimed, reads it back, and says how it ended. What a killed process left is taken up: an archive
 * that is whole in the storage is verified, anything else is begun anew. Rejects with nothing but faults of the database.
 */
export async function carryOutBackup(context: RecoveryContext, claimed: Backup, signal: AbortSignal): Promise<void> {
  const { attempt } = readProgress(claimed.progress);
  const sources = partsOf(context, claimed);
  const progress = new Progress(attempt, sources, await lastManifest(context, claimed));
  const beat = () => beatBackup(context, claimed, progress.toStored());
  try {
    if (attempt > mostAttempts) {
      throw new Error(`It was begun ${mostAttempts} times, and its process ended each time: look at the controller's log.`);
    }
    await underHeartbeat({ beat, signal }, async (until) => {
      const former = claimed.storageKey;
      const isThere = claimed.state === "verifying" || (former !== null && (await context.storage.find(former)) !== null);
      // Whoever has been at it before may not know yet that it is his no more: what he still writes must not come over this.
      const key = former === null ? archiveKey(claimed, claimed.startedAt ?? context.clock()) : otherKey(former);
      const row = isThere
        ? await startVerifying(context, claimed, {})
        : await write(context, claimed, { key, progress, signal: until });
      await finish(context, row, await verify(context, row, until));
    });
  } catch (error) {
    await giveUp(context, claimed, { error, isStopping: signal.aborted });
  }
}

/** What the subject's last good backup holds: how much is to be expected. */
async function lastManifest({ db }: RecoveryContext, { subject }: Backup): Promise<Manifest | null> {
  const last = await db.backup.findFirst({ where: { subject, ...goodBackups }, orderBy: { takenAt: "desc" } });
  return manifestSchema.safeParse(last?.manifest).data ?? null;
}

type Writing = { key: string; progress: Progress; signal: AbortSignal };

async function write(context: RecoveryContext, backup: Backup, { key, progress, signal }: Writing): Promise<Backup> {
  const { storage, keyring, clock } = context;
  // From here on a process that takes this over knows where to look.
  await update(context, backup, { storage: storage.name, storageKey: key, message: "Its parts are being saved." });
  const { content, manifest } = packArchive({
    about: aboutBackup(backup),
    parts: partsOf(context, backup),
    keyring,
    now: clock,
    onProgress: progress.move,
    onPartEnd: progress.end,
    signal,
  });
  const { bytes, sha256 } = await storage.put(key, content, signal);
  const written = await manifest;
  if (!(await isMine(context, backup))) {
    await storage.remove(key);
    throw new ClaimLost("Another process has taken the backup over.");
  }
  const { keyId } = keyring;
  await writeCompanion(context, key, { archive: { bytes, sha256, keyId }, manifest: written });
  const { takenAt } = written;
  const data = { bytes, sha256, keyId, takenAt, manifest: toJson(written), progress: toJson(progress.toStored()) };
  return startVerifying(context, backup, data);
}

function aboutBackup(backup: Backup) {
  return {
    id: backup.id,
    number: backup.number,
    subject: backup.subject,
    purpose: backup.purpose,
    reason: backup.reason,
    requestedBy: backup.requestedByName,
    contents: readContents(backup),
    startedAt: (backup.startedAt ?? backup.createdAt).toISOString(),
    versions: [
      { name: "Switchyard", version: about.version },
      { name: "Node.js", version: process.versions.node },
    ],
  };
}

function startVerifying(context: RecoveryContext, backup: Backup, data: Prisma.BackupUncheckedUpdateInput): Promise<Backup> {
  return update(context, backup, { ...data, state: "verifying", message: "Its archive is written and is being read back." });
}

type Verified = Verification | { problem: string };

/** An archive that cannot be read back now is not shown to be damaged: it is not shown to be anything. */
async function verify(context: RecoveryContext, backup: Backup, signal: AbortSignal): Promise<Verified> {
  try {
    const verification = await verifyArchive(context, backup, { level: "checksums", signal });
    // What is about to be restored over may well be small: that is why. What lacks a part is, and says so.
    const isSmall = backup.purpose === "before_restore" || verification.manifest?.parts.some(({ error }) => error !== null);
    const size = isSmall ? [] : await checkSize(context.db, backup, verification.bytes);
    return { ...verification, checks: [...verification.checks, ...size] };
  } catch (error) {
    if (signal.aborted) throw error;
    context.logger.warn({ err: error, backup: backup.number }, "a backup could not be read back");
    return { problem: (error as Error).message };
  }
}

async function finish(context: RecoveryContext, backup: Backup, verified: Verified): Promise<void> {
  const now = context.clock();
  const ended = { runner: null, heartbeatAt: null, activeKey: null, finishedAt: now };
  const manifest = "manifest" in verified && verified.manifest ? verified.manifest : null;
  const known = manifest ?? manifestSchema.safeParse(backup.manifest).data ?? null;
  const checks = "checks" in verified ? verified.checks : [];
  const isWhole = checks.length > 0 && checks.every(({ passed }) => passed);
  const isDamaged = checks.length > 0 && !isWhole;
  const found =
    "checks" in verified && backup.sha256 === null && manifest ? await takeUp(context, backup, verified, manifest) : {};
  await context.db.$transaction([
    context.db.backup.update({
      where: { id: backup.id, runner: backup.runner },
      data: {
        ...ended,
        ...found,
        state: isDamaged ? "failed" : known?.parts.some(({ error }) => error !== null) ? "partial" : "completed",
        proof: isWhole ? "checksums" : isDamaged ? "failed" : "unverified",
        provenAt: isWhole ? now : null,
        message: describeMade(known, "problem" in verified ? verified : { failed: checks.filter(({ passed }) => !passed) }),
      },
    }),
    context.db.backupProofRun.create({ data: proofOf(backup, checks, verified, now) }),
  ]);
}

/** A row whose process died between writing the archive and telling of it learns of it from the archive. */
async function takeUp(context: RecoveryContext, backup: Backup, { bytes, sha256 }: Verification, manifest: Manifest) {
  const { storage, keyring } = context;
  const storageKey = requireKey(context, backup);
  // The key may have been changed since.
  const keyId = (await findSealingKey(await storage.get(storageKey), keyring)) ?? keyring.keyId;
  await writeCompanion(context, storageKey, { archive: { bytes, sha256, keyId }, manifest });
  return { bytes, sha256, keyId, takenAt: manifest.takenAt, manifest: toJson(manifest) };
}

function proofOf(
  backup: Backup,
  checks: RecoveryCheck[],
  verified: Verified,
  now: Date,
): Prisma.BackupProofRunUncheckedCreateInput {
  const failed = checks.filter(({ passed }) => !passed);
  const message =
    "problem" in verified ? verified.problem : failed.length === 0 ? "All checks passed." : describeMade(null, { failed });
  return {
    backupId: backup.id,
    level: "checksums",
    state: "problem" in verified || failed.length > 0 ? "failed" : "passed",
    message,
    checks: toJson(checks),
    requestedByName: backup.requestedByName,
    createdAt: now,
    startedAt: backup.startedAt,
    finishedAt: now,
  };
}

async function giveUp(context: RecoveryContext, claimed: Backup, { error, isStopping }: { error: unknown; isStopping: boolean }) {
  const { db, logger, clock } = context;
  if (error instanceof ClaimLost) return logger.warn({ backup: claimed.number }, error.message);
  if (isStopping) return releaseBackup(context, claimed);
  const { id, runner, number } = claimed;
  if (!(error instanceof Cancelled)) logger.error({ err: error, backup: number }, "a backup failed");
  const [ended] = await db.backup.updateManyAndReturn({
    where: { id, runner },
    data: {
      state: "failed",
      message: (error as Error).message,
      finishedAt: clock(),
      runner: null,
      heartbeatAt: null,
      activeKey: null,
    },
  });
  if (error instanceof Cancelled && ended) await removeArchive(context, ended);
}

async function isMine({ db }: RecoveryContext, { id, runner }: Backup): Promise<boolean> {
  return (await db.backup.count({ where: { id, runner } })) === 1;
}

/** Writes over the claim; throws ClaimLost when another process has it. */
async function update(
  context: RecoveryContext,
  { id, runner }: Backup,
  data: Prisma.BackupUncheckedUpdateInput,
): Promise<Backup> {
  const [row] = await context.db.backup.updateManyAndReturn({ where: { id, runner }, data });
  if (!row) throw new ClaimLost("Another process has taken the backup over.");
  return row;
}
