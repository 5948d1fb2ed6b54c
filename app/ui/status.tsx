import type { Health } from "#lib/domain/fleet/schemas.ts";
import type { RolloutState } from "#lib/domain/rollouts/schemas.ts";
import { cn } from "./class-names.ts";

const looks: Record<Health, { word: string; color: string; shape: React.ReactNode }> = {
  healthy: {
    word: "Healthy",
    color: "text-good",
    shape: <circle cx="6" cy="6" r="4.5" fill="var(--good-fill)" />,
  },
  degraded: {
    word: "Degraded",
    color: "text-warn",
    shape: <path d="M6 1 11.4 10.6H.6Z" fill="var(--warn-fill)" />,
  },
  down: {
    word: "Down",
    color: "text-bad",
    shape: (
      <>
        <rect x="1" y="1" width="10" height="10" rx="1.5" fill="var(--bad-fill)" />
        <path d="m3.8 3.8 4.4 4.4m0-4.4L3.8 8.2" stroke="var(--canvas)" strokeWidth="1.6" strokeLinecap="round" />
      </>
    ),
  },
  unknown: {
    word: "Unknown",
    color: "text-quiet",
    shape: <circle cx="6" cy="6" r="4" fill="none" stroke="currentColor" strokeWidth="1.6" strokeDasharray="2.6 2.43" />,
  },
  progressing: {
    word: "Progressing",
    color: "text-accent",
    shape: (
      <>
        <circle cx="6" cy="6" r="4.2" fill="none" stroke="currentColor" strokeWidth="1.5" />
        <path d="M6 1.8a4.2 4.2 0 0 1 0 8.4Z" fill="currentColor" />
      </>
    ),
  },
  paused: {
    word: "Paused",
    color: "text-held",
    shape: (
      <>
        <rect x="2" y="1.5" width="2.8" height="9" rx="0.8" fill="currentColor" />
        <rect x="7.2" y="1.5" width="2.8" height="9" rx="0.8" fill="currentColor" />
      </>
    ),
  },
};

/** The word for a health, as every page writes it. */
export const healthWord = (health: Health) => looks[health].word;

/** The shape alone, for places where the word stands beside it anyway. */
export function StatusShape({ health, className }: { health: Health; className?: string }) {
  return (
    <svg viewBox="0 0 12 12" aria-hidden="true" className={cn("size-2.5 shrink-0", looks[health].color, className)}>
      {looks[health].shape}
    </svg>
  );
}

/** The same shape as part of another drawing, 12 by 12 units large. */
export const StatusGlyph = ({ health }: { health: Health }) => <g className={looks[health].color}>{looks[health].shape}</g>;

/** A health as word, shape and colour; the same on every page. */
export function Status({ health, reason, className }: { health: Health; reason?: string; className?: string }) {
  return (
    <span
      className={cn("inline-flex items-center gap-1.5 whitespace-nowrap font-medium", looks[health].color, className)}
      title={reason}
    >
      <StatusShape health={health} />
      {looks[health].word}
    </span>
  );
}

type Outcome = RolloutState | "pending" | "succeeded" | "refused";
const outcomeLooks: Record<Outcome, { word: string; color: string; like: Health | "refused" | "superseded" }> = {
  progressing: { word: "Progressing", color: "text-accent", like: "progressing" },
  paused: { word: "Paused", color: "text-held", like: "paused" },
  complete: { word: "Complete", color: "text-good", like: "healthy" },
  succeeded: { word: "Succeeded", color: "text-good", like: "healthy" },
  failed: { word: "Failed", color: "text-bad", like: "down" },
  queued: { word: "Queued", color: "text-quiet", like: "unknown" },
  aborted: { word: "Aborted", color: "text-bad", like: "refused" },
  superseded: { word: "Superseded", color: "text-quiet", like: "superseded" },
  pending: { word: "Pending", color: "text-accent", like: "progressing" },
  refused: { word: "Refused", color: "text-warn", like: "refused" },
};

/** How an action or a rollout ended, or where it is. */
export function OutcomeStatus({ outcome, className }: { outcome: Outcome; className?: string }) {
  const look = outcomeLooks[outcome];
  return (
    <span className={cn("inline-flex items-center gap-1.5 whitespace-nowrap font-medium", look.color, className)}>
      <OutcomeShape outcome={outcome} />
      {look.word}
    </span>
  );
}

export function OutcomeShape({ outcome }: { outcome: Outcome }) {
  const look = outcomeLooks[outcome];
  if (look.like !== "refused" && look.like !== "superseded") return <StatusShape health={look.like} />;
  return (
    <svg viewBox="0 0 12 12" aria-hidden="true" className={cn("size-2.5 shrink-0", look.color)}>
      <circle cx="6" cy="6" r="4.4" fill="none" stroke="currentColor" strokeWidth="1.6" />
      {look.like === "refused" && <path d="m3 9 6-6" stroke="currentColor" strokeWidth="1.6" />}
    </svg>
  );
}
