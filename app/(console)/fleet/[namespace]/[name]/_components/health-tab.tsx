"use client";
import { useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { panelsQuery } from "#lib/client/fleet.ts";
import { type Range, ranges } from "#lib/domain/metrics/schemas.ts";
import { Button } from "../../../../../ui/button.tsx";
import { PanelView } from "../../../../../ui/chart/panel-view.tsx";
import { cn } from "../../../../../ui/class-names.ts";
import { TimeAgo } from "../../../../../ui/clock.tsx";
import { Empty, ErrorNotice, Skeleton } from "../../../../../ui/notices.tsx";

export function HealthTab({ id, range, onRange }: { id: string; range: Range; onRange: (range: Range) => void }) {
  const { data, error, refetch, errorUpdatedAt, dataUpdatedAt, isPlaceholderData } = useQuery(panelsQuery(id, range));
  const [tables, setTables] = useState<ReadonlySet<string>>(new Set());
  const allTables = data?.panels.every((panel) => tables.has(panel.id)) ?? false;

  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent) => {
      if (event.key !== "t" || event.ctrlKey || event.metaKey || event.altKey || !data) return;
      if (event.target instanceof HTMLElement && event.target.closest("input,textarea,select,[role=dialog]")) return;
      setTables(new Set(allTables ? [] : data.panels.map((panel) => panel.id)));
    };
    window.addEventListener("keydown", onKeyDown);
    return () => window.removeEventListener("keydown", onKeyDown);
  }, [data, allTables]);

  const toggle = (panel: string) => {
    const next = new Set(tables);
    if (!next.delete(panel)) next.add(panel);
    setTables(next);
  };

  return (
    <>
      <div className="flex min-h-10 flex-wrap items-center gap-2 border-b px-4 py-1.5">
        <fieldset className="flex overflow-hidden rounded-md border border-line-strong">
          <legend className="sr-only">Time range</legend>
          {(Object.keys(ranges) as Range[]).map((each) => (
            <button
              key={each}
              type="button"
              aria-pressed={each === range}
              onClick={() => onRange(each)}
              className={cn(
                "h-6.5 border-r border-line-strong px-2.5 text-xs text-ink-2 last:border-r-0 hover:bg-hover",
                each === range && "bg-selected font-medium text-accent",
              )}
            >
              {each}
            </button>
          ))}
        </fieldset>
        <Button
          size="small"
          look="ghost"
          aria-keyshortcuts="t"
          aria-pressed={allTables}
          onClick={() => data && setTables(new Set(allTables ? [] : data.panels.map((panel) => panel.id)))}
        >
          {allTables ? "Charts" : "Tables"} <kbd className="text-2xs text-ink-3">t</kbd>
        </Button>
        {dataUpdatedAt > 0 && (
          <span className="ml-auto text-xs text-ink-3">
            asked <TimeAgo at={new Date(dataUpdatedAt).toISOString()} />
          </span>
        )}
      </div>
      {error && (
        <ErrorNotice
          className="m-4"
          what="The charts could not be read"
          error={error}
          since={errorUpdatedAt}
          still={data ? "They show what was last read." : "Instances, revisions, logs and actions still work."}
          onRetry={() => refetch()}
        />
      )}
      {!data && !error && <ChartSkeletons />}
      {data && (
        <div className={cn("grid lg:grid-cols-2", isPlaceholderData && "opacity-60")}>
          {data.panels.map((panel) => (
            <PanelView
              key={panel.id}
              panel={panel}
              from={data.from}
              to={data.to}
              asTable={tables.has(panel.id)}
              onToggleTable={() => toggle(panel.id)}
            />
          ))}
          {data.panels.length === 0 && <Empty title="No charts for this kind" className="col-span-full" />}
        </div>
      )}
    </>
  );
}

const ChartSkeletons = () => (
  <div role="status" aria-label="Loading charts" className="grid lg:grid-cols-2">
    {["a", "b", "c", "d"].map((name) => (
      <div key={name} className="border-b px-4 py-3 lg:odd:border-r">
        <Skeleton className="h-3 w-28" />
        <Skeleton className="mt-3 h-32" />
      </div>
    ))}
  </div>
);
