import { usePlotArea, useYAxisScale } from "recharts";
import { axisFigure, spreadLabels, stackTops } from "#lib/client/chart.ts";
import type { Unit } from "#lib/domain/metrics/schemas.ts";

type End = { name: string; color: string; last: number | null };

/** The last value of each line at its right end, moved apart where lines end close together. */
export function EndLabels({ ends, unit, stacked }: { ends: End[]; unit: Unit; stacked: boolean }) {
  const plot = usePlotArea();
  const scale = useYAxisScale();
  if (!plot || !scale) return null;
  const right = plot.x + plot.width;
  const bottom = plot.y + plot.height;
  const tops = stacked ? stackTops(ends.map((end) => end.last)) : ends.map((end) => end.last);
  // From the last to the first: of labels at one height the later one, which lies higher in a stack, stays above.
  const labels = ends
    .flatMap(({ name, color, last }, index) =>
      last === null ? [] : [{ name, color, last, at: scale(tops[index] ?? last) ?? bottom }],
    )
    .reverse();
  const spread = spreadLabels(
    labels.map((label) => label.at),
    13,
    plot.y,
    bottom - 2,
  );
  return labels.map(({ name, color, last, at }, index) => (
    <g key={name}>
      <circle cx={right} cy={at} r={2} fill={color} />
      <text x={right + 6} y={(spread[index] ?? at) + 4} className="fill-ink text-2xs font-medium">
        {axisFigure(last, unit)}
      </text>
    </g>
  ));
}
