"use client";
import { Table2 } from "lucide-react";
import { rowsOf, topSeries } from "#lib/client/chart.ts";
import { exactFigure, formatFigure } from "#lib/client/numbers.ts";
import { formatAbsolute, formatClock } from "#lib/client/time.ts";
import type { Panel } from "#lib/domain/metrics/schemas.ts";
import { Button } from "../button.tsx";
import { CopyButton } from "../identifier.tsx";
import { mostSeries, seriesColor } from "./colors.ts";
import { TimeChart } from "./time-chart.tsx";

/** One panel: its name, legend, drawing or table, and why there is nothing when there is nothing. */
export function PanelView(props: { panel: Panel; from: number; to: number; asTable: boolean; onToggleTable: () => void }) {
  const { panel, from, to, asTable, onToggleTable } = props;
  const series = topSeries(panel.series, mostSeries);
  const hasData = series.some((each) => each.points.some(([, value]) => value !== null));
  return (
    <section aria-label={panel.title} className="min-w-0 border-b px-4 pb-2 pt-2.5 lg:odd:border-r">
      <header className="flex min-h-6 items-center gap-3">
        <h3 className="font-medium">{panel.title}</h3>
        {hasData && series.length > 1 && (
          <ul className="flex min-w-0 flex-1 flex-wrap gap-x-3 text-2xs text-ink-2 h-4 overflow-hidden">
            {series.map((each, index) => (
              <li key={each.name} className="flex min-w-0 items-center gap-1">
                <span
                  aria-hidden="true"
                  className="h-0.5 w-3 shrink-0 rounded-full"
                  style={{ background: seriesColor(panel.style, index, each.name) }}
                />
                <span className="max-w-40 truncate">{each.name}</span>
              </li>
            ))}
          </ul>
        )}
        <span className="ml-auto flex shrink-0 items-center gap-1">
          <CopyButton
            text={panel.expressions.map((each) => each.expr).join("\n")}
            label={`Copy the expression: ${panel.expressions.map((each) => each.expr).join(" ; ")}`}
            className="size-6 justify-center rounded-md hover:bg-hover"
          />
          <Button
            size="icon"
            look="ghost"
            className="size-6"
            aria-pressed={asTable}
            aria-label={`${panel.title} as a table`}
            onClick={onToggleTable}
          >
            <Table2 aria-hidden="true" />
          </Button>
        </span>
      </header>
      {panel.problem && hasData && <p className="text-xs text-warn">{panel.problem}</p>}
      {!hasData ? (
        <div className="grid h-37 place-items-center px-6 text-center">
          <p className="max-w-sm text-ink-3">
            {panel.problem ?? "No data in this range: Prometheus knows no such series for this service yet."}
          </p>
        </div>
      ) : asTable ? (
        <PanelTable panel={{ ...panel, series }} />
      ) : (
        <TimeChart panel={panel} from={from} to={to} />
      )}
    </section>
  );
}

function PanelTable({ panel }: { panel: Panel }) {
  const rows = rowsOf(panel.series).reverse();
  return (
    <section
      className="scroll-thin h-37 overflow-auto rounded-sm border text-xs"
      // biome-ignore lint/a11y/noNoninteractiveTabindex: scrolled by keyboard
      tabIndex={0}
      aria-label={`${panel.title}, values`}
    >
      <table className="w-full">
        <thead className="sticky top-0 bg-sunken text-ink-3">
          <tr>
            <th className="px-2 text-left font-medium">Time</th>
            {panel.series.map((each) => (
              <th key={each.name} className="truncate px-2 text-right font-medium">
                {each.name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map(({ time, values }) => (
            <tr key={time} className="border-t">
              <td className="px-2 text-ink-2" title={formatAbsolute(time * 1000)}>
                {formatClock(time * 1000)}
              </td>
              {panel.series.map((each, index) => (
                <td key={each.name} className="px-2 text-right" title={exactFigure(values[index], panel.unit)}>
                  {formatFigure(values[index], panel.unit)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
