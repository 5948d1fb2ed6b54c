import type { Backup, Prisma } from "#lib/database/generated/client.ts";
import { toJson } from "#lib/database/storable.ts";
import { isUniqueViolation } from "../../context.ts";
import type { RecoveryContext } from "../context.ts";
import { Cancelled, ClaimLost, isDead } from "./heartbeat.ts";
import { readProgress, type StoredProgress } from "./progress.ts";

type Reader = Pick<RecoveryContext, "db" | "clock">;

/** What waits: ordered and not begun, or let go of by a process that stopped while it verified. */
const waiting = { state: { in: ["queued", "verifying"] }, runner: null } satisfies Prisma.BackupWhereInput;

/**
 * Takes the backup that has waited longest, or one whose process has died; those that a restore waits for come first. Null when there is
 * none. No other process gets the same one, and one of a subject is made at a time.
 */
export async function claimBackup({ db, clock }: Reader, runner: string): Promise<Backup | null> {
  const now = clock();
  const taken = { state: { in: ["running", "verifying"] }, runner: { not: null } } satisfies Prisma.BackupWhereInput;
  const rows = await db.backup.findMany({ where: { OR: [waiting, taken] }, orderBy: { createdAt: "asc" }, take: 100 });
  const free = rows.filter((row) => row.runner === null || isDead(row, now));
  const urgentFirst = [...free.filter(isUrgent), ...free.filter((row) => !isUrgent(row))];
  for (const row of urgentFirst) {
    const { attempt, parts } = readProgress(row.progress);
    const state = row.state === "queued" ? "running" : row.state;
    const claimed = await tryTake(db, row, {
      runner,
      heartbeatAt: now,
      startedAt: row.startedAt ?? now,
      activeKey: row.subject,
      state,
      progress: toJson({ attempt: attempt + 1, parts }),
    });
    if (claimed) return claimed;
  }
  return null;
}

function isUrgent({ purpose }: Backup): boolean {
  return purpose === "before_restore";
}

async function tryTake(
  db: RecoveryContext["db"],
  { id, runner, heartbeatAt, state }: Backup,
  data: Prisma.BackupUncheckedUpdateInput,
): Promise<Backup | null> {
  try {
    const [claimed] = await db.backup.updateManyAndReturn({ where: { id, runner, heartbeatAt, state }, data });
    return claimed ?? null;
  } catch (error) {
    // Another one of the subject is made now.
    if (isUniqueViolation(error)) return null;
    throw error;
  }
}

/** Says that a backup is worked on, and how far it is. Throws ClaimLost or Cancelled when that must end. */
export async function beatBackup(
  { db, clock }: Reader,
  { id, runner }: Pick<Backup, "id" | "runner">,
  progress: StoredProgress,
): Promise<void> {
  const [row] = await db.backup.updateManyAndReturn({
    where: { id, runner },
    data: { heartbeatAt: clock(), progress: toJson(progress) },
    select: { cancelledByName: true },
  });
  if (!row) throw new ClaimLost("Another process has taken the backup over.");
  if (row.cancelledByName !== null) throw new Cancelled(row.cancelledByName);
}

/** Gives a backup back when its process stops: the next one begins where it makes sense, without counting this try. */
export async function releaseBackup({ db }: Reader, { id, runner, progress }: Backup): Promise<void> {
  const { attempt, parts } = readProgress(progress);
  const free = { runner: null, heartbeatAt: null, progress: toJson({ attempt: Math.max(0, attempt - 1), parts }) };
  await db.backup.updateMany({ where: { id, runner, state: "verifying" }, data: free });
  await db.backup.updateMany({
    where: { id, runner, state: "running" },
    data: { ...free, state: "queued", activeKey: null, message: "It waits to be made: Switchyard was stopped meanwhile." },
  });
}
