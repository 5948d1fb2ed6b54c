"use client";
import { memo } from "react";
import { Area, CartesianGrid, ComposedChart, Line, ReferenceLine, XAxis, YAxis } from "recharts";
import { axisFigure } from "#lib/client/chart.ts";
import { axisHeight, axisWidth, chartHeight, chartMargin, type Plot } from "#lib/client/chart-geometry.ts";
import type { ChartModel } from "#lib/client/chart-model.ts";
import { formatAxisTime, timeTicks } from "#lib/client/time.ts";
import type { Panel } from "#lib/domain/metrics/schemas.ts";
import { seriesColor } from "./colors.ts";

const tick = { className: "fill-ink-3 text-2xs" };
const axis = { axisLine: false, tickLine: false, tickSize: 0, tick, interval: 0 } as const;
const tickPixels = 90;

type Properties = Pick<Panel, "unit" | "style" | "limit" | "states"> & { model: ChartModel; plot: Plot; width: number };

/** Axes, lines and the limit: what stays the same until there is new data. */
export const Drawing = memo(function Drawing({ unit, style, limit, states, model, plot, width }: Properties) {
  const { from, to, low, high } = plot;
  const curve = states ? "stepAfter" : "linear";
  const nameOf = (value: number) => states?.find((state) => state.value === value)?.label ?? axisFigure(value, unit);
  return (
    <ComposedChart width={width} height={chartHeight} data={model.rows} margin={chartMargin} accessibilityLayer={false}>
      <CartesianGrid vertical={false} stroke="var(--line)" />
      <XAxis
        {...axis}
        dataKey="time"
        type="number"
        domain={[from, to]}
        allowDataOverflow
        ticks={timeTicks(from, to, Math.max(2, Math.floor(plot.width / tickPixels)))}
        height={axisHeight}
        tickMargin={6}
        tickFormatter={(value: number) => formatAxisTime(value, to - from)}
      />
      <YAxis
        {...axis}
        domain={[low, high]}
        ticks={model.ticks}
        width={axisWidth}
        tickMargin={states ? 3 : 8}
        tickFormatter={nameOf}
        label={unit === "cores" ? { value: unit, position: "top", offset: 8, className: tick.className } : undefined}
      />
      {model.lines.map(({ name, index }) => {
        const color = seriesColor(style, index, name);
        return style === "stacked" ? (
          <Area
            {...stroke}
            key={name}
            type={curve}
            dataKey={`values.${index}`}
            stackId="all"
            stroke={color}
            fill={color}
            fillOpacity={0.22}
          />
        ) : (
          <Line {...stroke} key={name} type={curve} dataKey={`values.${index}`} stroke={color} />
        );
      })}
      {model.before.map(
        (line, index) =>
          line && (
            <Line
              {...stroke}
              key={`before ${line.name}`}
              type={curve}
              dataKey={`values.${line.index}`}
              stroke={style === "stacked" ? "var(--ink-3)" : seriesColor(style, index, line.name)}
              strokeOpacity={0.6}
              strokeDasharray="4 3"
              strokeWidth={1.2}
            />
          ),
      )}
      {limit && limit.value <= high && (
        <ReferenceLine
          y={limit.value}
          stroke="var(--bad-fill)"
          strokeDasharray="4 3"
          label={{
            value: limit.label,
            position: "insideBottomLeft",
            offset: 4,
            className: "fill-bad stroke-canvas stroke-3 text-2xs [paint-order:stroke]",
          }}
        />
      )}
    </ComposedChart>
  );
});

const stroke = {
  strokeWidth: 1.5,
  strokeLinecap: "round",
  strokeLinejoin: "round",
  dot: false,
  activeDot: false,
  connectNulls: false,
  isAnimationActive: false,
} as const;
