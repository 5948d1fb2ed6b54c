import type { BackupState, Coverage, ProofState } from "#lib/domain/recovery/backups/schemas.ts";
import type { DrillState, Guard, Verdict } from "#lib/domain/recovery/drills/schemas.ts";
import type { RestoreState, RestoreStep } from "#lib/domain/recovery/restores/schemas.ts";
import { cn } from "../class-names.ts";
import { OutcomeShape, StatusShape } from "../status.tsx";

type Shape = "healthy" | "degraded" | "down" | "unknown" | "progressing" | "paused" | "superseded" | "aborted" | "half";
type Look = { word: string; color: string; shape: Shape };

const good = "text-good";
const bad = "text-bad";
const quiet = "text-quiet";
const under = "text-accent";

const backupLooks: Record<BackupState, Look> = {
  queued: { word: "Queued", color: quiet, shape: "unknown" },
  running: { word: "Running", color: under, shape: "progressing" },
  verifying: { word: "Verifying", color: under, shape: "progressing" },
  completed: { word: "Completed", color: good, shape: "healthy" },
  partial: { word: "Partial", color: "text-warn", shape: "degraded" },
  failed: { word: "Failed", color: bad, shape: "down" },
  expired: { word: "Expired", color: quiet, shape: "superseded" },
  deleting: { word: "Deleting", color: quiet, shape: "superseded" },
  deleted: { word: "Deleted", color: quiet, shape: "superseded" },
};

const proofLooks: Record<ProofState, Look> = {
  unverified: { word: "Unverified", color: quiet, shape: "unknown" },
  checksums: { word: "Checksums good", color: good, shape: "half" },
  restored: { word: "Restore-tested", color: good, shape: "healthy" },
  failed: { word: "Proof failed", color: bad, shape: "down" },
};

const freshnessLooks: Record<Coverage["state"], Look> = {
  fresh: { word: "Fresh", color: good, shape: "healthy" },
  stale: { word: "Stale", color: "text-warn", shape: "degraded" },
  missing: { word: "No backup", color: bad, shape: "down" },
  none: { word: "No data", color: quiet, shape: "superseded" },
};

const runLooks: Record<RestoreState | DrillState, Look> = {
  queued: { word: "Queued", color: quiet, shape: "unknown" },
  running: { word: "Running", color: under, shape: "progressing" },
  completed: { word: "Completed", color: good, shape: "healthy" },
  failed: { word: "Failed", color: bad, shape: "down" },
  cancelled: { word: "Cancelled", color: quiet, shape: "superseded" },
  aborted: { word: "Aborted", color: bad, shape: "aborted" },
};

const verdictLooks: Record<Verdict, Look> = {
  met: { word: "Met", color: good, shape: "healthy" },
  missed: { word: "Missed", color: bad, shape: "down" },
  inconclusive: { word: "Inconclusive", color: quiet, shape: "unknown" },
};

const proofRunLooks: Record<"queued" | "running" | "passed" | "failed", Look> = {
  queued: { word: "Queued", color: quiet, shape: "unknown" },
  running: { word: "Running", color: under, shape: "progressing" },
  passed: { word: "Passed", color: good, shape: "healthy" },
  failed: { word: "Failed", color: bad, shape: "down" },
};

const guardLooks: Record<Guard["state"], Look> = {
  passed: { word: "Passed", color: good, shape: "healthy" },
  override: { word: "Needs an administrator's override", color: "text-warn", shape: "degraded" },
  blocked: { word: "Blocks", color: bad, shape: "down" },
};

const stepLooks: Record<RestoreStep["state"], Look> = {
  waiting: { word: "to come", color: quiet, shape: "unknown" },
  running: { word: "now", color: under, shape: "progressing" },
  done: { word: "done", color: good, shape: "healthy" },
  failed: { word: "failed", color: bad, shape: "down" },
  skipped: { word: "left out", color: quiet, shape: "superseded" },
};

function MarkShape({ shape, className }: { shape: Shape; className?: string }) {
  if (shape === "superseded" || shape === "aborted") return <OutcomeShape outcome={shape} />;
  if (shape !== "half") return <StatusShape health={shape} className={className} />;
  return (
    <svg viewBox="0 0 12 12" aria-hidden="true" className={cn("size-2.5 shrink-0", className)}>
      <circle cx="6" cy="6" r="4.4" fill="none" stroke="var(--good-fill)" strokeWidth="1.6" />
      <path d="M6 1.6a4.4 4.4 0 0 0 0 8.8Z" fill="var(--good-fill)" />
    </svg>
  );
}

function Mark({ look: { word, color, shape }, title, className }: { look: Look; title?: string; className?: string }) {
  return (
    <span title={title} className={cn("inline-flex items-center gap-1.5 whitespace-nowrap font-medium", color, className)}>
      <MarkShape shape={shape} />
      {word}
    </span>
  );
}

/** Where a backup is, or how it ended: the first of its two axes. */
export const BackupStateMark = ({ state, title }: { state: BackupState; title?: string }) => (
  <Mark look={backupLooks[state]} title={title} />
);
export const backupStateWord = (state: BackupState) => backupLooks[state].word;

/** What was shown of a backup: the second axis. */
export const ProofMark = ({ proof, title }: { proof: ProofState; title?: string }) => (
  <Mark look={proofLooks[proof]} title={title} />
);
export const proofWord = (proof: ProofState) => proofLooks[proof].word;

/** Whether the newest verified backup is young enough. */
export const FreshnessMark = ({ state }: { state: Coverage["state"] }) => <Mark look={freshnessLooks[state]} />;

/** Where a restore or a drill is, or how it ended. */
export const RunMark = ({ state }: { state: RestoreState | DrillState }) => <Mark look={runLooks[state]} />;
export const runWord = (state: RestoreState | DrillState) => runLooks[state].word;

/** Whether a drill's objective was met. */
export const VerdictMark = ({ verdict, className }: { verdict: Verdict; className?: string }) => (
  <Mark look={verdictLooks[verdict]} className={className} />
);
export const verdictWord = (verdict: Verdict) => verdictLooks[verdict].word;

export const ProofRunMark = ({ state }: { state: keyof typeof proofRunLooks }) => <Mark look={proofRunLooks[state]} />;

/** The shape of a guard rail or a step, with its word for who cannot see it. */
export function LineShape({ of, state }: { of: "guard"; state: Guard["state"] } | { of: "step"; state: RestoreStep["state"] }) {
  const { word, color, shape } = of === "guard" ? guardLooks[state] : stepLooks[state];
  return (
    <span title={word} className={cn("inline-flex", color)}>
      <MarkShape shape={shape} className="size-3" />
      <span className="sr-only">{word}</span>
    </span>
  );
}
