"use client";
import { useQuery } from "@tanstack/react-query";
import dynamic from "next/dynamic";
import { useCallback, useEffect, useMemo, useState } from "react";
import { marksQuery, panelsQuery, spansQuery } from "#lib/client/metrics.ts";
import type { Panel } from "#lib/domain/metrics/schemas.ts";
import { Button } from "../../../../../ui/button.tsx";
import { ChartCursor, ChartPageContext } from "../../../../../ui/chart/cursor.ts";
import { DataAge } from "../../../../../ui/chart/data-age.tsx";
import { PanelView } from "../../../../../ui/chart/panel-view.tsx";
import { TimeRangeBar } from "../../../../../ui/chart/time-range-bar.tsx";
import type { useTimeRange } from "../../../../../ui/chart/use-time-range.ts";
import { cn } from "../../../../../ui/class-names.ts";
import { Empty, ErrorNotice, Skeleton } from "../../../../../ui/notices.tsx";
import { useToggled } from "../../../../../ui/use-toggled.ts";
import { ChangesStrip } from "./changes-strip.tsx";
import { ChartsMenu } from "./charts-menu.tsx";
import { PanelMenu } from "./panel-menu.tsx";

// The editor brings CodeMirror along: only who opens it loads that.
const PanelEditor = dynamic(() => import("./panel-editor.tsx").then((module) => module.PanelEditor), { ssr: false });

const noMarks: never[] = [];

export function HealthTab({ id, time }: { id: string; time: ReturnType<typeof useTimeRange> }) {
  const { range, compare, setRange, setCompare, zoom, zoomBack, isZoomed } = time;
  const { data, error, refetch, errorUpdatedAt, isPlaceholderData, dataUpdatedAt } = useQuery(panelsQuery(id, range, compare));
  const marks = useQuery(marksQuery(id, range)).data?.marks ?? noMarks;
  const spans = useQuery(spansQuery(id, range)).data?.spans ?? noMarks;
  const { toggled: tables, toggle, setToggled: setTables } = useToggled();
  const [edited, setEdited] = useState<Panel | "new" | null>(null);
  const [cursor] = useState(() => new ChartCursor());
  const page = useMemo(() => ({ cursor, onZoom: zoom, onZoomBack: zoomBack, isZoomed }), [cursor, zoom, zoomBack, isZoomed]);
  const allTables = data !== undefined && data.panels.length > 0 && data.panels.every((panel) => tables.has(panel.id));

  const problem = data ? commonProblem(data.panels) : null;

  const toggleAll = useCallback(
    () => data && setTables(new Set(allTables ? [] : data.panels.map((panel) => panel.id))),
    [data, allTables, setTables],
  );
  useKeys(toggleAll, isZoomed ? zoomBack : null);

  return (
    <ChartPageContext value={page}>
      <div className="flex min-h-10 flex-wrap items-center gap-x-3 gap-y-1.5 border-b px-4 py-1.5">
        <TimeRangeBar range={range} onRange={setRange} compare={compare} onCompare={setCompare} />
        <span className="ml-auto flex flex-wrap items-center gap-x-2 gap-y-1.5">
          {data && <DataAge answer={data} askedAt={dataUpdatedAt} />}
          <Button size="small" look="ghost" aria-keyshortcuts="t" aria-pressed={allTables} onClick={toggleAll}>
            {allTables ? "Charts" : "Tables"} <kbd className="text-2xs text-ink-3 max-md:hidden">t</kbd>
          </Button>
          <ChartsMenu id={id} hidden={data?.hidden ?? noMarks} onAdd={() => setEdited("new")} />
        </span>
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
      {data?.notice && (
        <p role="status" className="border-b bg-warn-soft px-4 py-1.5 text-xs text-warn">
          {data.notice}
        </p>
      )}
      {problem && (
        <p role="status" className="border-b bg-warn-soft px-4 py-1.5 text-xs text-warn">
          {problem} The charts end where the last answer did; the shades and marks go on.
        </p>
      )}
      <ChangesStrip marks={marks} spans={spans} />
      {data && (
        <p className="hidden border-b px-4 py-1 text-2xs text-ink-3 pointer-coarse:block">
          Hold on a chart, then drag, to zoom in.
        </p>
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
              compare={data.compare}
              marks={marks}
              spans={spans}
              asTable={tables.has(panel.id)}
              onToggleTable={toggle}
              saidProblem={problem}
              menu={<PanelMenu id={id} panel={panel} onEdit={setEdited} />}
            />
          ))}
          {data.panels.length === 0 && (
            <Empty title="No charts for this kind" className="col-span-full">
              Add one: any expression that Prometheus answers.
            </Empty>
          )}
        </div>
      )}
      {edited && <PanelEditor id={id} panel={edited === "new" ? null : edited} range={range} onClose={() => setEdited(null)} />}
    </ChartPageContext>
  );
}

/** What keeps more than half of the charts from newer data: said once above them. */
function commonProblem(panels: Panel[]): string | null {
  const problems = panels.flatMap(({ problem, series }) => (problem && series.length > 0 ? [problem] : []));
  const [first] = problems;
  const alike = problems.filter((each) => each === first).length;
  return first && alike > 1 && alike > panels.length / 2 ? first : null;
}

/** `t` turns charts into tables; Escape undoes a zoom before it leaves the page. */
function useKeys(onTables: () => void, onZoomBack: (() => void) | null) {
  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent) => {
      if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
      const isElsewhere = event.target instanceof HTMLElement && event.target.closest("input,textarea,select,[contenteditable]");
      if (isElsewhere || document.querySelector("[role=dialog],[role=menu]")) return;
      if (event.key === "t") onTables();
      else if (event.key === "Escape" && onZoomBack) {
        // Before the console's own Escape, which leaves the page.
        event.preventDefault();
        onZoomBack();
      }
    };
    document.addEventListener("keydown", onKeyDown);
    return () => document.removeEventListener("keydown", onKeyDown);
  }, [onTables, onZoomBack]);
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
