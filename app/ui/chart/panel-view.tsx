"use client";
import { Table2, TriangleAlert } from "lucide-react";
import type { ReactNode } from "react";
import { topSeries } from "#lib/client/chart.ts";
import { mostSeries } from "#lib/client/chart-model.ts";
import { formatAge, formatClock } from "#lib/client/time.ts";
import { comparisonNames } from "#lib/client/time-range.ts";
import type { AlertSpan } from "#lib/domain/alerts/schemas.ts";
import type { LedgerMark } from "#lib/domain/ledger/schemas.ts";
import type { Comparison, Panel } from "#lib/domain/metrics/schemas.ts";
import { Button } from "../button.tsx";
import { seriesColor } from "./colors.ts";
import { ExpressionPopover } from "./expression-popover.tsx";
import { PanelTable } from "./panel-table.tsx";
import { TimeChart } from "./time-chart.tsx";

type Properties = {
  panel: Panel;
  from: number;
  to: number;
  compare: Comparison | null;
  marks: readonly LedgerMark[];
  spans: readonly AlertSpan[];
  asTable: boolean;
  onToggleTable: (id: string) => void;
  menu?: ReactNode;
  /** A problem that the page says already, for all its charts. */
  saidProblem?: string | null;
};

/** One panel: its name, legend, drawing or table, and why there is nothing when there is nothing. */
export function PanelView(properties: Properties) {
  const { panel, from, to, compare, marks, spans, asTable, onToggleTable, menu, saidProblem = null } = properties;
  const series = topSeries(panel.series, mostSeries);
  const hasData = series.some((each) => each.points.some(([, value]) => value !== null));
  return (
    <section aria-label={panel.title} className="min-w-0 border-b px-4 pb-2 pt-2.5 lg:odd:border-r">
      <header className="flex min-h-6 items-center gap-3">
        <h3 className="min-w-0 truncate font-medium" title={panel.title}>
          {panel.title}
        </h3>
        {panel.origin !== "kind" && (
          <span className="shrink-0 rounded-sm bg-hover px-1 text-2xs text-ink-2">
            {panel.origin === "replaced" ? "changed" : "own"}
          </span>
        )}
        {hasData && <Legend panel={{ ...panel, series }} compare={compare} />}
        <span className="ml-auto flex shrink-0 items-center">
          <ExpressionPopover panel={panel} />
          <Button
            size="icon"
            look="ghost"
            className="size-6"
            aria-pressed={asTable}
            aria-label={`${panel.title} as a table`}
            title="As a table (t: all)"
            onClick={() => onToggleTable(panel.id)}
          >
            <Table2 aria-hidden="true" />
          </Button>
          {menu}
        </span>
      </header>
      {hasData && panel.problem && panel.problem !== saidProblem && <PanelProblem panel={panel} to={to} />}
      {!hasData ? (
        <div className="grid h-37 place-items-center px-6 text-center">
          <p className="max-w-sm text-ink-3">
            {panel.problem ?? "No data in this range: Prometheus knows no such series for this service yet."}
          </p>
        </div>
      ) : asTable ? (
        <PanelTable panel={{ ...panel, series }} compare={compare} />
      ) : (
        <TimeChart panel={panel} from={from} to={to} compare={compare} marks={marks} spans={spans} />
      )}
    </section>
  );
}

function Legend({ panel, compare }: { panel: Panel; compare: Comparison | null }) {
  const hasBefore = compare !== null && panel.compared !== null;
  if (panel.series.length < 2 && !hasBefore) return null;
  return (
    <ul className="flex h-4 min-w-0 flex-1 flex-wrap gap-x-3 overflow-hidden text-2xs text-ink-2">
      {panel.series.length > 1 &&
        panel.series.map((each, index) => (
          <li key={each.name} className="flex min-w-0 items-center gap-1">
            <span
              aria-hidden="true"
              className="h-0.5 w-3 shrink-0 rounded-full"
              style={{ background: seriesColor(panel.style, index, each.name) }}
            />
            <span className="max-w-40 truncate" title={each.name}>
              {each.name}
            </span>
          </li>
        ))}
      {hasBefore && compare && (
        <li className="flex items-center gap-1">
          <span aria-hidden="true" className="w-3 shrink-0 border-t border-dashed border-ink-3" />
          {comparisonNames[compare]}
          {panel.style === "stacked" && panel.series.length > 1 && ", together"}
        </li>
      )}
    </ul>
  );
}

/** What stands in the way of newer data, and how old that shown is. */
function PanelProblem({ panel, to }: { panel: Panel; to: number }) {
  const behind = to - panel.dataTo;
  return (
    <p className="flex items-start gap-1.5 text-xs text-warn">
      <TriangleAlert aria-hidden="true" className="mt-0.5 size-3 shrink-0" />
      <span>
        {panel.problem}
        {behind > panel.stepSeconds &&
          ` What is drawn ends at ${formatClock(panel.dataTo * 1000)}, ${formatAge(behind * 1000)} before now.`}
      </span>
    </p>
  );
}
