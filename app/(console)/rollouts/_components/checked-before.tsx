"use client";
import { useQuery } from "@tanstack/react-query";
import { ChevronRight, CircleAlert, Hourglass, ShieldAlert } from "lucide-react";
import { useId, useState } from "react";
import { type PreflightSummary, summarisePreflight } from "#lib/client/preflight-words.ts";
import { rolloutPreflightQuery } from "#lib/client/rollouts.ts";
import type { ChecklistItem, PreflightRecord } from "#lib/domain/rollouts/start/start-schemas.ts";
import { CheckLine, Checklist, DryRun } from "../../../ui/checklist.tsx";
import { cn } from "../../../ui/class-names.ts";
import { TimeAgo } from "../../../ui/clock.tsx";

/** What preflight found before it began, in a line with what did not pass; all of it when it is opened. */
export function CheckedBefore({ id }: { id: string }) {
  const record = useQuery(rolloutPreflightQuery(id)).data;
  const [isOpen, setOpen] = useState(false);
  const detailsId = useId();
  if (!record) return null;
  const summary = summarisePreflight(record);
  return (
    <section aria-label="Checked before" className="border-b">
      <button
        type="button"
        aria-expanded={isOpen}
        aria-controls={detailsId}
        onClick={() => setOpen(!isOpen)}
        className="flex min-h-8 w-full items-start gap-1.5 px-4 py-1.5 text-left hover:bg-hover"
      >
        <ChevronRight
          aria-hidden="true"
          className={cn("mt-0.5 size-4 shrink-0 text-ink-3 transition-transform", isOpen && "rotate-90")}
        />
        <span className="min-w-0">
          <span className="font-medium">Checked before:</span> <span className="text-ink-2">{summary.words.join(", ")}</span>
        </span>
      </button>
      {!isOpen && <Exceptions summary={summary} />}
      <div id={detailsId} hidden={!isOpen}>
        {isOpen && <Details record={record} blockers={summary.blockers} />}
      </div>
    </section>
  );
}

/** What somebody who reads one line only has to know all the same. */
function Exceptions({ summary: { failed, blockers } }: { summary: PreflightSummary }) {
  const overridden = blockers.filter(({ fate }) => fate === "overridden");
  if (failed.length === 0 && overridden.length === 0) return null;
  return (
    <ul className="grid gap-0.5 pb-2 pl-[38px] pr-4 text-xs">
      {overridden.map(({ id, message }) => (
        <li key={id} className="text-bad">
          Overridden: {message}
        </li>
      ))}
      {failed.map(({ id, title, detail }) => (
        <li key={id} className="text-warn">
          <CircleAlert aria-label="Failed" className="mr-1 inline size-3.5 align-[-2px]" />
          {title}: {detail}
        </li>
      ))}
    </ul>
  );
}

const titles: Record<ChecklistItem["group"], string> = {
  change: "The change",
  workload: "The workload",
  service: "The service then",
  manual: "Answered by a person",
};

function Details({ record, blockers }: { record: PreflightRecord; blockers: PreflightSummary["blockers"] }) {
  const { at, dryRun, checklist, ticks, override } = record;
  return (
    <>
      <div className="grid gap-1.5 px-4 pb-3 pt-1">
        <div className="flex flex-wrap gap-x-3">
          <DryRun dryRun={dryRun} />
          <TimeAgo at={at} className="text-ink-3" />
        </div>
        {blockers.length > 0 && (
          <ul aria-label="What stood against it" className="grid gap-1">
            {blockers.map(({ id, message, fate }) => (
              <li key={id} className="flex items-start gap-2">
                {fate === "overridden" ? (
                  <ShieldAlert aria-label="Overridden" className="mt-0.5 size-4 shrink-0 text-bad" />
                ) : (
                  <Hourglass aria-label="Waited for" className="mt-0.5 size-4 shrink-0 text-ink-3" />
                )}
                <span>
                  {message}{" "}
                  {fate === "overridden" && override ? (
                    <span className="text-bad">
                      Overridden by {override.by}, <TimeAgo at={override.at} />: {override.reason}
                    </span>
                  ) : (
                    <span className="text-ink-2">It waited for that in the queue.</span>
                  )}
                </span>
              </li>
            ))}
          </ul>
        )}
      </div>
      <Checklist items={checklist} titles={titles}>
        {(item) => {
          const tick = ticks.find(({ id }) => id === item.id);
          return (
            <CheckLine item={item}>
              {tick ? (
                <>
                  {tick.by}, <TimeAgo at={tick.at} />
                </>
              ) : item.state === "manual" ? (
                "Nobody answered for it."
              ) : undefined}
            </CheckLine>
          );
        }}
      </Checklist>
    </>
  );
}
