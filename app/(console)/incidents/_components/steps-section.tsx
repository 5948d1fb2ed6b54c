"use client";
import { ChevronRight } from "lucide-react";
import { useState } from "react";
import { putCheck } from "#lib/client/incidents.ts";
import type { IncidentDetail } from "#lib/domain/incidents/schemas.ts";
import { type Step, stepInfos, steps } from "#lib/domain/incidents/steps.ts";
import { Check } from "../../../ui/check.tsx";
import { cn } from "../../../ui/class-names.ts";
import { TimeAgo } from "../../../ui/clock.tsx";
import { ErrorNotice } from "../../../ui/notices.tsx";
import { SectionHeader } from "../../../ui/page-header.tsx";
import { useRoleRefusal } from "../../../ui/session.tsx";
import { useIncidentWrite } from "./use-incident-write.ts";

/** The five steps with their checklists; the one that is under way is open. */
export function StepsSection({ incident }: { incident: IncidentDetail }) {
  const [opened, setOpened] = useState<Step | "none" | null>(null);
  const current = incident.step === "done" ? "none" : incident.step;
  const shown = opened ?? current;
  const done = new Map(incident.checks.map((check) => [check.item, check]));
  return (
    <section aria-labelledby="steps">
      <SectionHeader id="steps" title="Steps" aside="the runbook's, each with what is to be looked at" />
      <ol>
        {steps.map((step, index) => {
          const { title, checks } = stepInfos[step];
          const count = checks.filter(({ id }) => done.has(id)).length;
          const isShown = shown === step;
          const isOver = incident.step === "done" || index < steps.indexOf(incident.step);
          return (
            <li key={step} className="border-b" aria-current={current === step ? "step" : undefined}>
              <button
                type="button"
                aria-expanded={isShown}
                onClick={() => setOpened(isShown ? "none" : step)}
                className="flex h-8 w-full items-center gap-2 px-4 text-left hover:bg-hover"
              >
                <span
                  className={cn(
                    "grid size-4.5 shrink-0 place-items-center rounded-full border text-2xs",
                    isOver && "border-transparent bg-line text-ink-2",
                    current === step && "border-transparent bg-accent-solid font-semibold text-accent-ink",
                  )}
                >
                  {index + 1}
                </span>
                <span className={cn(current === step ? "font-semibold" : isOver ? "text-ink-2" : "")}>{title}</span>
                {current === step && <span className="text-xs text-accent">now</span>}
                <span className="ml-auto text-xs text-ink-3">
                  {count} of {checks.length}
                </span>
                <ChevronRight
                  aria-hidden="true"
                  className={cn("size-3.5 text-ink-3 transition-transform", isShown && "rotate-90")}
                />
              </button>
              {isShown && <Checks step={step} incident={incident} done={done} />}
            </li>
          );
        })}
      </ol>
    </section>
  );
}

function Checks({
  step,
  incident,
  done,
}: {
  step: Step;
  incident: IncidentDetail;
  done: ReadonlyMap<string, IncidentDetail["checks"][number]>;
}) {
  const refusal = useRoleRefusal("operator");
  const write = useIncidentWrite();
  const { about, checks } = stepInfos[step];
  return (
    <div className="grid gap-1.5 px-4 pb-3 pl-10.5">
      <p className="text-ink-2">{about}</p>
      <ul className="grid gap-1" title={refusal ?? undefined}>
        {checks.map(({ id, title }) => {
          const check = done.get(id);
          return (
            <li key={id}>
              <Check
                checked={check !== undefined}
                disabled={refusal !== null || write.isPending}
                onChange={(isDone) => write.mutate(() => putCheck(incident.id, { item: id, isDone }))}
                label={
                  <>
                    {title}
                    {check && (
                      <span className="text-xs text-ink-3">
                        {" "}
                        {check.by}, <TimeAgo at={check.doneAt} />
                      </span>
                    )}
                  </>
                }
              />
            </li>
          );
        })}
      </ul>
      {write.error !== null && <ErrorNotice what="Not kept" error={write.error} />}
    </div>
  );
}
