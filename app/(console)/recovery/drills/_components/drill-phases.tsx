"use client";
import { phaseMs, phaseWords } from "#lib/client/drill-view.ts";
import { spanWords } from "#lib/client/recovery-view.ts";
import { formatAbsolute } from "#lib/client/time.ts";
import type { Phase } from "#lib/domain/recovery/drills/schemas.ts";
import { cn } from "../../../../ui/class-names.ts";
import { useNow } from "../../../../ui/clock.tsx";
import { phaseFills } from "./phase-colors.ts";

/** The phases: how long each took, and what ended it. One that never ended is told as that once the drill is over. */
export function DrillPhases({ phases, isRunning }: { phases: readonly Phase[]; isRunning: boolean }) {
  if (phases.length === 0)
    return <p className="border-t px-4 py-2 text-ink-3">{isRunning ? "The fault is still to come." : "There was no fault."}</p>;
  return (
    <ol aria-label="Phases" className="border-t">
      {phases.map((phase) => {
        const isCurrent = isRunning && phase.endedAt === null;
        return (
          <li
            key={phase.name}
            aria-current={isCurrent ? "step" : undefined}
            className={cn(
              "grid min-h-8 grid-cols-[0.75rem_6rem_1fr] items-center gap-x-3 sm:grid-cols-[0.75rem_6rem_5rem_1fr] border-b px-4 py-1 last:border-b-0",
              isCurrent && "bg-selected",
            )}
          >
            <span aria-hidden="true" className="size-3 rounded-xs" style={{ background: phaseFills[phase.name] }} />
            <span className="font-medium">{phaseWords[phase.name]}</span>
            <PhaseSpan phase={phase} isCurrent={isCurrent} />
            <span className="min-w-0 break-words text-ink-2 max-sm:col-span-2 max-sm:col-start-2">{phase.message}</span>
          </li>
        );
      })}
    </ol>
  );
}

function PhaseSpan({ phase, isCurrent }: { phase: Phase; isCurrent: boolean }) {
  const now = useNow();
  const from = now === null ? undefined : `from ${formatAbsolute(phase.startedAt)}`;
  const soFar = now === null ? "" : spanWords(Math.floor(phaseMs(phase, now) / 1000) * 1000);
  const span = phase.endedAt === null ? soFar : spanWords(phaseMs(phase, 0));
  return <span title={from}>{isCurrent || phase.endedAt !== null ? span : "not ended"}</span>;
}
