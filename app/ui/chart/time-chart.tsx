"use client";
import { useMemo } from "react";
import {
  Area,
  CartesianGrid,
  ComposedChart,
  Line,
  ReferenceLine,
  Tooltip,
  type TooltipContentProps,
  usePlotArea,
  XAxis,
  YAxis,
} from "recharts";
import { axisFigure, highestOf, lastValue, rowsOf, topSeries } from "#lib/client/chart.ts";
import { axisTicks, formatFigure } from "#lib/client/numbers.ts";
import { formatAxisTime, formatClock, timeTicks } from "#lib/client/time.ts";
import type { Panel, Unit } from "#lib/domain/metrics/schemas.ts";
import { mostSeries, seriesColor } from "./colors.ts";
import { EndLabels } from "./end-labels.tsx";

const margin = { top: 18, right: 60, bottom: 0, left: 0 };
const tick = { className: "fill-ink-3 text-2xs" };
const axis = { axisLine: false, tickLine: false, tickSize: 0, tick, interval: 0 } as const;

/** The drawing of one panel. The moment pointed at is shared by all charts of the page. */
export function TimeChart({ panel, from, to }: { panel: Panel; from: number; to: number }) {
  const { unit, limit, stepSeconds } = panel;
  const stacked = panel.style === "stacked";
  const series = useMemo(() => topSeries(panel.series, mostSeries), [panel.series]);
  const rows = useMemo(() => rowsOf(series), [series]);
  const lines = series.map((each, index) => ({
    name: each.name,
    dataKey: `values.${index}`,
    color: seriesColor(panel.style, index, each.name),
    last: lastValue(each, to, stepSeconds),
  }));
  const highest = highestOf(rows, stacked);
  const lowest = Math.min(0, ...rows.flatMap(({ values }) => values.map((value) => value ?? 0)));
  const ticks = axisTicks(lowest, Math.max(highest, limit ? Math.min(limit.value, highest * 4) : 0), 3, unit);
  const domain = [ticks[0] ?? 0, ticks.at(-1) ?? 1];
  const summary = lines.map((line) => `${line.name} ${formatFigure(line.last, unit)}`).join(", ");

  return (
    <ComposedChart
      responsive
      data={rows}
      margin={margin}
      syncId="time"
      syncMethod="value"
      role="img"
      aria-label={`${panel.title}, now: ${summary}`}
      // The keyboard's moment begins with focus; a click must not leave one behind.
      onMouseDown={(_, event) => event.preventDefault()}
      className="touch-pan-y select-none"
      style={{ width: "100%", height: 148 }}
    >
      <CartesianGrid vertical={false} stroke="var(--line)" />
      <TimeAxis from={from} to={to} />
      <YAxis
        {...axis}
        domain={domain}
        ticks={ticks}
        width={56}
        tickMargin={8}
        tickFormatter={(value: number) => axisFigure(value, unit)}
        label={unit === "cores" ? { value: unit, position: "top", offset: 8, className: tick.className } : undefined}
      />
      {lines.map(({ name, dataKey, color }) =>
        stacked ? (
          <Area
            {...stroke}
            key={dataKey}
            dataKey={dataKey}
            name={name}
            stackId="all"
            stroke={color}
            fill={color}
            fillOpacity={0.22}
          />
        ) : (
          <Line {...stroke} key={dataKey} dataKey={dataKey} name={name} stroke={color} />
        ),
      )}
      {limit && limit.value <= (domain[1] ?? 1) && (
        <ReferenceLine
          y={limit.value}
          stroke="var(--bad-fill)"
          strokeDasharray="4 3"
          label={{ value: limit.label, position: "insideBottomLeft", offset: 4, className: "fill-bad text-2xs" }}
        />
      )}
      <EndLabels ends={lines} unit={unit} stacked={stacked} />
      <Tooltip
        content={(props) => <Reading {...props} unit={unit} stacked={stacked} />}
        cursor={{ stroke: "var(--ink-3)", strokeDasharray: "2 2" }}
        position={{ y: 4 }}
        filterNull={false}
        isAnimationActive={false}
        wrapperStyle={{ zIndex: 10 }}
      />
    </ComposedChart>
  );
}

const stroke = {
  type: "linear",
  strokeWidth: 1.5,
  strokeLinecap: "round",
  strokeLinejoin: "round",
  dot: false,
  activeDot: { r: 3, stroke: "var(--canvas)", strokeWidth: 1 },
  connectNulls: false,
  isAnimationActive: false,
} as const;

function TimeAxis({ from, to }: { from: number; to: number }) {
  const plot = usePlotArea();
  return (
    <XAxis
      {...axis}
      dataKey="time"
      type="number"
      domain={[from, to]}
      allowDataOverflow
      ticks={timeTicks(from, to, Math.max(2, Math.floor((plot?.width ?? 0) / 90)))}
      height={20}
      tickMargin={6}
      tickFormatter={(value: number) => formatAxisTime(value, to - from)}
    />
  );
}

/** What the lines say at the moment pointed at; a stack is listed from its top. */
function Reading({ active, label, payload, unit, stacked }: TooltipContentProps & { unit: Unit; stacked: boolean }) {
  if (!active || payload.length === 0) return null;
  return (
    <div aria-hidden="true" className="min-w-28 rounded-md border bg-raised px-2 py-1 text-xs shadow-float">
      <p className="text-2xs text-ink-3">{formatClock(Number(label) * 1000)}</p>
      {(stacked ? payload.toReversed() : payload).map((each) => (
        <p key={String(each.dataKey)} className="flex items-center gap-1.5 whitespace-nowrap">
          <span className="size-2 shrink-0 rounded-xs" style={{ background: each.color }} />
          <span className="max-w-44 truncate text-ink-2">{each.name}</span>
          <span className="ml-auto pl-3 font-medium">
            {formatFigure(typeof each.value === "number" ? each.value : null, unit)}
          </span>
        </p>
      ))}
    </div>
  );
}
