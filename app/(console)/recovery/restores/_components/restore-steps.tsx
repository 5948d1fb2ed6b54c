"use client";
import type { RestoreStep } from "#lib/domain/recovery/restores/schemas.ts";
import { cn } from "../../../../ui/class-names.ts";
import { Elapsed } from "../../../../ui/clock.tsx";
import { LineShape } from "../../../../ui/recovery/marks.tsx";

/** The steps in their order, each with what came of it and how long it took. */
export function RestoreSteps({ steps }: { steps: readonly RestoreStep[] }) {
  if (steps.length === 0) return <p className="px-4 py-3 text-ink-3">It waits for a controller to take it.</p>;
  return (
    <ol aria-label="Steps" className="py-2">
      {steps.map((step) => (
        <li
          key={step.name}
          aria-current={step.state === "running" ? "step" : undefined}
          className={cn("grid grid-cols-[1rem_minmax(0,1fr)_auto] gap-x-3 px-4 py-1", step.state === "running" && "bg-selected")}
        >
          <span className="mt-1">
            <LineShape of="step" state={step.state} />
          </span>
          <span className="min-w-0">
            <span
              className={cn(
                step.state === "running" && "font-medium",
                step.state === "waiting" && "text-ink-2",
                step.state === "skipped" && "text-ink-3",
              )}
            >
              {step.name}
            </span>
            {step.message && (
              <span className={cn("block break-words text-xs", step.state === "failed" ? "text-bad" : "text-ink-2")}>
                {step.message}
              </span>
            )}
          </span>
          <span className="text-xs leading-5 text-ink-3">
            {step.startedAt && <Elapsed from={step.startedAt} to={step.finishedAt} />}
          </span>
        </li>
      ))}
    </ol>
  );
}
