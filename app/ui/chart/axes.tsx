import { memo } from "react";
import { axisFigure } from "#lib/client/chart.ts";
import { type Plot, xOf, yOf } from "#lib/client/chart-geometry.ts";
import { formatAxisTime, timeTicks } from "#lib/client/time.ts";
import type { Panel } from "#lib/domain/metrics/schemas.ts";

const tickPixels = 90;
const tickLook = "fill-ink-3 text-2xs";

type Properties = Pick<Panel, "unit" | "limit" | "states"> & { ticks: number[]; plot: Plot };

/** Grid, the figures of both axes, and the limit. */
export const Axes = memo(function Axes({ unit, limit, states, ticks, plot }: Properties) {
  const { left, top, width, height, from, to, high } = plot;
  const right = left + width;
  const nameOf = (value: number) => states?.find((state) => state.value === value)?.label ?? axisFigure(value, unit);
  return (
    <>
      {ticks.map((value) => (
        <g key={value}>
          <line x1={left} x2={right} y1={yOf(plot, value)} y2={yOf(plot, value)} stroke="var(--line)" />
          <text x={left - (states ? 3 : 8)} y={yOf(plot, value)} dy="0.355em" textAnchor="end" className={tickLook}>
            {nameOf(value)}
          </text>
        </g>
      ))}
      {unit === "cores" && (
        <text x={left - 8} y={top - 8} textAnchor="end" className={tickLook}>
          {unit}
        </text>
      )}
      {timeTicks(from, to, Math.max(2, Math.floor(width / tickPixels))).map((time) => (
        <text key={time} x={xOf(plot, time)} y={top + height + 6} dy="0.71em" textAnchor="middle" className={tickLook}>
          {formatAxisTime(time, to - from)}
        </text>
      ))}
      {limit && limit.value <= high && (
        <>
          <line
            x1={left}
            x2={right}
            y1={yOf(plot, limit.value)}
            y2={yOf(plot, limit.value)}
            stroke="var(--bad-fill)"
            strokeDasharray="4 3"
          />
          <text
            x={left + 4}
            y={yOf(plot, limit.value) - 4}
            className="fill-bad stroke-canvas stroke-3 text-2xs [paint-order:stroke]"
          >
            {limit.label}
          </text>
        </>
      )}
    </>
  );
});
