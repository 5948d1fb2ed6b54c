"use client";
import { phaseMs, phaseWords } from "#lib/client/drill-view.ts";
import { spanWords } from "#lib/client/recovery-view.ts";
import { formatAbsolute } from "#lib/client/time.ts";
import type { Phase } from "#lib/domain/recovery/drills/schemas.ts";
import { cn } from "../../../../ui/class-names.ts";
import { useNow } from "../../../../ui/clock.tsx";
import { phaseFills } from "./phase-colors.ts";

/** The phases one after the other: how long each took, and what ended it. */
export function DrillPhases({ phases }: { phases: readonly Phase[] }) {
  const now = useNow();
  if (phases.length === 0) return <p className="border-t px-4 py-2 text-ink-3">The fault is still to come.</p>;
  return (
    <ol aria-label="Phases" className="border-t">
      {phases.map((phase) => (
        <li
          key={phase.name}
          aria-current={phase.endedAt === null ? "step" : undefined}
          className={cn(
            "grid min-h-8 grid-cols-[0.75rem_6rem_1fr] items-center gap-x-3 sm:grid-cols-[0.75rem_6rem_5rem_1fr] border-b px-4 py-1 last:border-b-0",
            phase.endedAt === null && "bg-selected",
          )}
        >
          <span aria-hidden="true" className="size-3 rounded-xs" style={{ background: phaseFills[phase.name] }} />
          <span className="font-medium">{phaseWords[phase.name]}</span>
          <span title={now === null ? undefined : `from ${formatAbsolute(phase.startedAt)}`}>
            {phase.endedAt === null
              ? now === null
                ? ""
                : spanWords(Math.floor(phaseMs(phase, now) / 1000) * 1000)
              : spanWords(phaseMs(phase, 0))}
          </span>
          <span className="min-w-0 break-words text-ink-2 max-sm:col-span-2 max-sm:col-start-2">{phase.message}</span>
        </li>
      ))}
    </ol>
  );
}
