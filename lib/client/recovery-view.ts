import { formatDuration } from "#lib/domain/duration.ts";
import type {
  BackupDetail,
  BackupPurpose,
  BackupView,
  Contents,
  Coverage,
  Retention,
} from "#lib/domain/recovery/backups/schemas.ts";
import type { DrillView } from "#lib/domain/recovery/drills/schemas.ts";
import type { RestoreMode, RestoreView } from "#lib/domain/recovery/restores/schemas.ts";
import { countOf, noFigure } from "./numbers.ts";

export const backupName = ({ number }: { number: number }) => `B-${number}`;
export const restoreName = ({ number }: { number: number }) => `R-${number}`;
export const drillName = ({ number }: { number: number }) => `DR-${number}`;

export const backupAddress = ({ id }: { id: string }) => `/recovery/backups/${id}`;
export const restoreAddress = ({ id }: { id: string }) => `/recovery/restores/${id}`;
export const drillAddress = ({ id }: { id: string }) => `/recovery/drills/${id}`;
export const planAddress = (subject: string) => `/recovery/plans/${subject}`;

export const ownSubject = "switchyard";

/** A subject as people call it: the service's name, or "Switchyard itself". */
export const subjectTitle = (subject: string) =>
  subject === ownSubject ? "Switchyard itself" : (subject.split("/")[1] ?? subject);

export const purposeWords: Record<BackupPurpose, string> = {
  requested: "Requested",
  scheduled: "Scheduled",
  before_restore: "Before a restore",
  drill: "For a drill",
};

export const modeNames: Record<RestoreMode, string> = {
  scratch: "Scratch",
  namespace: "Another namespace",
  "in-place": "In place",
};

export const modeMeanings: Record<RestoreMode, string> = {
  scratch: "Beside everything, to see whether it can be restored. It is asked the same questions as the original, then removed.",
  namespace: "Its objects into another namespace, and its data into servers that came along. Nothing of the present is touched.",
  "in-place": "Over the present. A backup of the present is made first.",
};

/** A limit or a measured span in milliseconds: tenths of a second below a minute. */
export function spanWords(ms: number | null): string {
  if (ms === null) return noFigure;
  if (ms === 0) return "0 s";
  return ms < 1000 || ms >= 60_000 ? formatDuration(ms) : `${Number((ms / 1000).toFixed(1))} s`;
}

/** What is put into a backup, in a few words. */
export function contentsWords({ postgres, redis, objects, logHours }: Contents): string[] {
  return [
    ...(postgres ? [postgres.tables ? `PostgreSQL (${countOf(postgres.tables.length, "table")})` : "PostgreSQL"] : []),
    ...(postgres?.walArchive ? ["its base backup"] : []),
    ...(redis ? ["Redis"] : []),
    ...(objects ? ["Kubernetes objects"] : []),
    ...(logHours ? [`Logs of ${logHours} h`] : []),
  ];
}

/** A retention in words: "the last 7, 7 daily, 4 weekly". */
export function retentionWords({ keepLast, keepDaily, keepWeekly, keepMonthly }: Retention): string {
  return [
    `the last ${keepLast}`,
    ...(keepDaily > 0 ? [`${keepDaily} daily`] : []),
    ...(keepWeekly > 0 ? [`${keepWeekly} weekly`] : []),
    ...(keepMonthly > 0 ? [`${keepMonthly} monthly`] : []),
  ].join(", ");
}

export type Progress = {
  bytes: number;
  /** Null while a part's size is not known. */
  totalBytes: number | null;
  bytesPerSecond: number | null;
  /** How long it still takes at this rate; null when nobody can know. */
  secondsLeft: number | null;
};

/** How far a backup is, over all of its parts; `now` in milliseconds. */
export function progressOf({ backup, progress }: Pick<BackupDetail, "backup" | "progress">, now: number): Progress {
  const bytes = progress.reduce((sum, part) => sum + part.bytes, 0);
  const open = progress.filter(({ state }) => state === "waiting" || state === "running");
  const isKnown = open.every(({ totalBytes }) => totalBytes !== null);
  const left = open.reduce((sum, part) => sum + Math.max(0, (part.totalBytes ?? 0) - part.bytes), 0);
  const seconds = backup.startedAt === null ? 0 : (now - Date.parse(backup.startedAt)) / 1000;
  const bytesPerSecond = seconds >= 1 && bytes > 0 ? bytes / seconds : null;
  return {
    bytes,
    totalBytes: isKnown ? bytes + left : null,
    bytesPerSecond,
    secondsLeft: isKnown && bytesPerSecond !== null ? left / bytesPerSecond : null,
  };
}

const urgency: Record<Coverage["state"], number> = { missing: 0, stale: 1, fresh: 2, none: 3 };

/** Problems first; among equals the longest exposure, then by name. */
export function byExposure(a: Coverage, b: Coverage): number {
  return (
    urgency[a.state] - urgency[b.state] ||
    (b.exposureSeconds ?? 0) / b.rpoSeconds - (a.exposureSeconds ?? 0) / a.rpoSeconds ||
    a.subject.localeCompare(b.subject)
  );
}

/** The newest drill that ended of each scenario on each subject: misses first, then what says nothing. */
export function newestByScenario(drills: readonly DrillView[]): DrillView[] {
  const weight = { missed: 0, inconclusive: 1, met: 2 };
  const newest = new Map<string, DrillView>();
  for (const drill of drills) {
    const key = `${drill.scenario} ${drill.subject}`;
    const held = newest.get(key);
    if (drill.verdict !== null && (!held || drill.createdAt > held.createdAt)) newest.set(key, drill);
  }
  return [...newest.values()].sort(
    (a, b) =>
      weight[a.verdict ?? "met"] - weight[b.verdict ?? "met"] ||
      a.scenario.localeCompare(b.scenario) ||
      a.subject.localeCompare(b.subject),
  );
}

/** Why a backup cannot be restored at all; null when it can. */
export function restoreRefusal({ state, proof, storage }: BackupView): string | null {
  if (state === "failed") return "It failed: there is nothing to restore.";
  if (state === "expired" || state === "deleting" || state === "deleted") return "Its archive is removed.";
  if (state !== "completed" && state !== "partial") return "It is not finished yet.";
  if (storage === null) return "Its archive is missing.";
  if (proof === "unverified") return "It is not verified: verify it first.";
  return proof === "failed" ? "It is damaged, or cannot be restored: its proof failed." : null;
}

/** Parts that are put back by themselves: logs are kept to be read, and a base backup is what an instant is reached from. */
export const isRestorablePart = (name: string) => name === "postgres" || name === "redis" || name === "objects";

/** A restore in a line: "In place from B-12". */
export function restoreTitle({ mode, backup, intoNamespace }: Pick<RestoreView, "mode" | "backup" | "intoNamespace">): string {
  const where = mode === "namespace" ? `Into ${intoNamespace ?? "another namespace"}` : modeNames[mode];
  return `${mode === "scratch" ? "Into scratch" : where} from ${backupName(backup)}`;
}
