import { pathOf, runsOf } from "#lib/client/chart.ts";
import type { Series } from "#lib/domain/metrics/schemas.ts";

const width = 96;
const height = 20;

/** A line without axes; beside a figure that says the value. */
export function Sparkline({ series, from, to, stepSeconds }: { series: Series; from: number; to: number; stepSeconds: number }) {
  const values = series.points.flatMap(([, value]) => (value === null ? [] : [value]));
  if (values.length < 2) return null;
  const high = Math.max(...values) || 1;
  // From near the smallest value, but never so near that a steady line looks restless.
  const low = Math.max(0, Math.min(...values, high * 0.7) - high * 0.05);
  const x = (time: number) => ((time - from) / (to - from)) * width;
  const y = (value: number) => height - 1.5 - ((value - low) / (high - low)) * (height - 3);
  return (
    <svg aria-hidden="true" viewBox={`0 0 ${width} ${height}`} className="h-5 w-24 align-middle text-ink-3">
      {runsOf(series.points, stepSeconds).map((run) => (
        <path
          key={run[0]?.[0]}
          d={pathOf(run, x, y)}
          fill="none"
          stroke="currentColor"
          strokeWidth={1.2}
          strokeLinejoin="round"
          strokeLinecap="round"
        />
      ))}
    </svg>
  );
}
