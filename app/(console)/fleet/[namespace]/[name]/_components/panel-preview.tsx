"use client";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { messageOf, problemOf } from "#lib/client/api.ts";
import { type PanelFields, panelPreviewQuery } from "#lib/client/metrics.ts";
import { describeRange, type TimeRange } from "#lib/client/time-range.ts";
import { ChartCursor, ChartPageContext } from "../../../../../ui/chart/cursor.ts";
import { TimeChart } from "../../../../../ui/chart/time-chart.tsx";
import { cn } from "../../../../../ui/class-names.ts";
import { Skeleton } from "../../../../../ui/notices.tsx";

/** The chart as it would be drawn, of what Prometheus has. */
export function PanelPreview({ id, fields, range }: { id: string; fields: PanelFields | null; range: TimeRange }) {
  const { data, error, isFetching } = useQuery(panelPreviewQuery(id, fields, range));
  const [page] = useState(() => ({ cursor: new ChartCursor(), onZoom: null, onZoomBack: null, isZoomed: false }));
  const hasData = data?.panel.series.some(({ points }) => points.some(([, value]) => value !== null)) ?? false;
  return (
    <section aria-label="Preview" className="rounded-md border">
      <h3 className="flex items-center gap-2 border-b px-3 py-1 text-xs font-medium text-ink-2">
        Preview <span className="font-normal text-ink-3">{describeRange(range)}</span>
        {isFetching && <span className="ml-auto font-normal text-ink-3">asking Prometheus</span>}
      </h3>
      <div className={cn("min-h-37 px-2 py-1", isFetching && data && "opacity-60")}>
        {fields === null ? (
          <Note>Give a title and an expression, and the chart appears here.</Note>
        ) : error ? (
          <Note>
            {problemOf(error)?.status === 422 ? "" : "The preview cannot be read. "}
            {messageOf(error)}
          </Note>
        ) : !data ? (
          <Skeleton className="m-2 h-28" />
        ) : hasData ? (
          <ChartPageContext value={page}>
            <TimeChart panel={data.panel} from={data.from} to={data.to} />
          </ChartPageContext>
        ) : (
          <Note>{data.panel.problem ?? "Prometheus answers, but with no series in this time."}</Note>
        )}
      </div>
    </section>
  );
}

const Note = ({ children }: { children: React.ReactNode }) => (
  <p className="grid h-35 place-items-center px-6 text-center text-ink-3">{children}</p>
);
