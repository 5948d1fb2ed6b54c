"use client";
import { Check, Minus } from "lucide-react";
import { stepShare, timeLeft } from "#lib/client/rollout-view.ts";
import type { RolloutDetail, StepView } from "#lib/domain/rollouts/schemas.ts";
import { cn } from "../../../ui/class-names.ts";
import { Elapsed, TimeAgo, useNow } from "../../../ui/clock.tsx";
import { StatusShape } from "../../../ui/status.tsx";

const stateWords: Record<StepView["state"], string> = {
  done: "done",
  current: "now",
  waiting: "to come",
  skipped: "left out",
};

/** The steps in their order: what is done, what is being done and how long it still takes, what comes. */
export function StepTimeline({ steps, isHeld }: Pick<RolloutDetail, "steps"> & { isHeld: boolean }) {
  return (
    <ol aria-label="Steps" className="py-2">
      {steps.map((step, index) => (
        <li
          // biome-ignore lint/suspicious/noArrayIndexKey: a step is its place
          key={index}
          aria-current={step.state === "current" ? "step" : undefined}
          className={cn("grid grid-cols-[1.25rem_minmax(0,1fr)_auto] gap-x-2 px-4", step.state === "current" && "bg-selected")}
        >
          <span aria-hidden="true" className="relative flex justify-center">
            {index < steps.length - 1 && (
              <span className={cn("absolute top-5 bottom-0 w-px", step.state === "done" ? "bg-good-fill" : "bg-line-strong")} />
            )}
            <StepShape state={step.state} isHeld={isHeld} />
          </span>
          <span className={cn("py-1", step.state === "current" && "font-medium", step.state === "waiting" && "text-ink-2")}>
            <span className={cn(step.state === "skipped" && "text-ink-3 line-through")}>{step.title}</span>
            <span className="sr-only">, {stateWords[step.state]}</span>
            {step.state === "current" && <StepClock step={step} isHeld={isHeld} />}
          </span>
          <span className="whitespace-nowrap py-1 text-xs leading-5 text-ink-3">
            {step.state === "current" && step.startedAt && <Elapsed from={step.startedAt} to={null} />}
            {step.state === "done" && step.startedAt && <TimeAgo at={step.startedAt} />}
            {step.state === "skipped" && stateWords.skipped}
          </span>
        </li>
      ))}
    </ol>
  );
}

/** A circle of the same size for each state; what is done is ticked, what is held shows the bars of a pause. */
function StepShape({ state, isHeld }: { state: StepView["state"]; isHeld: boolean }) {
  return (
    <span
      className={cn(
        "mt-1.5 grid size-4 place-items-center rounded-full border bg-canvas",
        state === "done" && "border-transparent bg-good-fill text-white",
        state === "current" && "border-transparent bg-transparent",
        (state === "waiting" || state === "skipped") && "border-line-strong text-ink-3",
      )}
    >
      {state === "done" && <Check className="size-3" strokeWidth={3} />}
      {state === "skipped" && <Minus className="size-3" />}
      {state === "current" && <StatusShape health={isHeld ? "paused" : "progressing"} className="size-3.5" />}
    </span>
  );
}

/** The time that a step has left, counting down, with a bar of what is over. */
function StepClock({ step, isHeld }: { step: StepView; isHeld: boolean }) {
  const now = useNow();
  if (step.endsAt === null || now === null) return null;
  const share = stepShare(step, now) ?? 0;
  return (
    <span className="flex items-center gap-2 pb-1 text-xs font-normal">
      <span aria-hidden="true" className="h-1 w-24 overflow-hidden rounded-full bg-line">
        <span
          className={cn(
            "block h-full rounded-full transition-[width] duration-1000 ease-linear",
            isHeld ? "bg-held" : "bg-accent-solid",
          )}
          style={{ width: `${share * 100}%` }}
        />
      </span>
      <span className="text-ink-2">{timeLeft(step.endsAt, now)}</span>
    </span>
  );
}
