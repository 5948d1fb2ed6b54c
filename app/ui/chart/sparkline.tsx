"use client";
import { Line, LineChart, XAxis, YAxis } from "recharts";
import { rowsOf } from "#lib/client/chart.ts";
import type { Series } from "#lib/domain/metrics/schemas.ts";

/** A line without axes; beside a figure that says the value. */
export function Sparkline({ series, from, to }: { series: Series; from: number; to: number }) {
  const values = series.points.flatMap(([, value]) => (value === null ? [] : [value]));
  if (values.length < 2) return null;
  const high = Math.max(...values) || 1;
  // From near the smallest value, but never so near that a steady line looks restless.
  const low = Math.max(0, Math.min(...values, high * 0.7) - high * 0.05);
  return (
    <LineChart
      width={96}
      height={20}
      data={rowsOf([series])}
      margin={{ top: 1.5, bottom: 1.5 }}
      accessibilityLayer={false}
      aria-hidden="true"
      className="pointer-events-none text-ink-3"
    >
      <XAxis hide dataKey="time" type="number" domain={[from, to]} allowDataOverflow />
      <YAxis hide domain={[low, high]} />
      <Line
        dataKey="values.0"
        type="linear"
        stroke="currentColor"
        strokeWidth={1.2}
        strokeLinejoin="round"
        strokeLinecap="round"
        dot={false}
        isAnimationActive={false}
      />
    </LineChart>
  );
}
