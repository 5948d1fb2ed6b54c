import { stackTops } from "#lib/client/chart.ts";
import { nearestIndex, type Plot, xOf, yOf } from "#lib/client/chart-geometry.ts";
import { formatDelta, spansAt } from "#lib/client/chart-marks.ts";
import type { ChartModel } from "#lib/client/chart-model.ts";
import { formatFigure } from "#lib/client/numbers.ts";
import { formatAbsolute, formatClock } from "#lib/client/time.ts";
import { comparisonNames } from "#lib/client/time-range.ts";
import type { AlertSpan } from "#lib/domain/alerts/schemas.ts";
import type { Comparison, Panel } from "#lib/domain/metrics/schemas.ts";
import { SeverityShape } from "../severity.tsx";
import { seriesColor } from "./colors.ts";

export type ReadProperties = Pick<Panel, "unit" | "style" | "states"> & {
  model: ChartModel;
  plot: Plot;
  spans: readonly AlertSpan[];
  compare: Comparison | null;
};

type Value = { name: string; color: string; value: number | null; before: number | null; y: number | null };
export type Moment = { time: number; x: number; values: Value[] };

/** What a chart shows at the point nearest to a time; null outside of it or without points. */
export function momentOf({ model, plot, style }: ReadProperties, time: number): Moment | null {
  const row = model.rows[nearestIndex(model.times, time)];
  if (!row || row.time < plot.from || row.time > plot.to) return null;
  const own = model.lines.map(({ index }) => row.values[index] ?? null);
  const heights = style === "stacked" ? stackTops(own) : own;
  const values = model.lines.map(({ name, index }, position): Value => {
    const height = heights[position] ?? null;
    const before = style === "stacked" ? undefined : model.before[position];
    return {
      name,
      color: seriesColor(style, index, name),
      value: own[position] ?? null,
      before: before ? (row.values[before.index] ?? null) : null,
      y: height === null || height > plot.high ? null : yOf(plot, height),
    };
  });
  const whole = style === "stacked" ? model.before[0] : null;
  if (whole) {
    const sum = own.reduce<number | null>((all, value) => (value === null ? all : (all ?? 0) + value), null);
    values.push({ name: "together", color: "var(--ink-3)", value: sum, before: row.values[whole.index] ?? null, y: null });
  }
  return { time: row.time, x: xOf(plot, row.time), values };
}

/** The values of a moment in words, for whoever hears the chart. */
export function momentWords({ unit, states }: ReadProperties, { time, values }: Moment): string {
  return `${formatClock(time * 1000)}: ${values.map(({ name, value }) => `${name} ${valueText(value, unit, states)}`).join(", ")}`;
}

function valueText(value: number | null, unit: Panel["unit"], states: Panel["states"]): string {
  return states?.find((state) => state.value === value)?.label ?? formatFigure(value, unit);
}

/** What the lines say at the moment pointed at, beside what they are compared with; a stack is listed from its top. */
export function Reading({
  moment,
  width,
  isShort,
  ...chart
}: ReadProperties & { moment: Moment; width: number; isShort: boolean }) {
  const { unit, states, plot, style, spans, compare } = chart;
  const isLong = plot.to - plot.from > 86_400;
  const values = style === "stacked" ? moment.values.toReversed() : moment.values;
  const isEmpty = values.every(({ value, before }) => value === null && before === null);
  const hasBefore = compare !== null && !isShort && values.some(({ before }) => before !== null);
  const alerts = isShort ? [] : spansAt(spans, moment.time);
  const isLeft = moment.x > width / 2;
  return (
    <div
      aria-hidden="true"
      className="pointer-events-none absolute top-5 z-20 w-max min-w-28 rounded-md border bg-raised px-2 py-1 text-xs shadow-float"
      style={isLeft ? { right: width - moment.x + 10 } : { left: moment.x + 10 }}
    >
      <p className="flex items-baseline gap-3 whitespace-nowrap text-2xs text-ink-3">
        {isLong ? formatAbsolute(moment.time * 1000) : formatClock(moment.time * 1000)}
        {hasBefore && compare && <span className="ml-auto">against {comparisonNames[compare]}</span>}
      </p>
      {isEmpty && <p className="text-ink-2">no data</p>}
      <table className="w-full">
        <tbody>
          {(isEmpty ? [] : values).map(({ name, color, value, before }) => (
            <tr key={name}>
              <td className="max-w-40 truncate pr-3 text-ink-2">
                <span className="mr-1.5 inline-block size-2 rounded-xs align-baseline" style={{ background: color }} />
                {name}
              </td>
              <td className="whitespace-nowrap text-right font-medium">{valueText(value, unit, states)}</td>
              {hasBefore && (
                <>
                  <td className="whitespace-nowrap pl-3 text-right text-ink-3">
                    {before === null ? "" : valueText(before, unit, states)}
                  </td>
                  <td className="whitespace-nowrap pl-2 text-right text-ink-2">{formatDelta(before, value) ?? ""}</td>
                </>
              )}
            </tr>
          ))}
        </tbody>
      </table>
      {alerts.map((alert) => (
        <p key={alert.id} className="flex items-center gap-1.5 whitespace-nowrap text-ink-2">
          <SeverityShape severity={alert.severity} className="size-2.5" />
          <span className="truncate">{alert.name}</span>
        </p>
      ))}
    </div>
  );
}
