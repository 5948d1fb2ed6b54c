import { memo } from "react";
import { axisFigure, spreadLabels } from "#lib/client/chart.ts";
import { type Plot, xOf, yOf } from "#lib/client/chart-geometry.ts";
import type { ChartModel } from "#lib/client/chart-model.ts";
import type { Panel } from "#lib/domain/metrics/schemas.ts";
import { seriesColor } from "./colors.ts";

type Properties = Pick<Panel, "unit" | "style" | "states"> & { model: ChartModel; plot: Plot };

/** The last value of each line at its right end, moved apart where lines end close together; and points without a line. */
export const EndLabels = memo(function EndLabels({ unit, style, states, model, plot }: Properties) {
  const right = plot.left + plot.width;
  const bottom = plot.top + plot.height;
  // From the last to the first: of labels at one height the later one, which lies higher in a stack, stays above.
  const labels = model.lines
    .flatMap(({ name, index, last, course }) => {
      const height = course.findLast(({ high }) => high !== null)?.high ?? last;
      return last === null || height === null
        ? []
        : [{ name, last, color: seriesColor(style, index, name), at: yOf(plot, height) }];
    })
    .reverse();
  const spread = spreadLabels(
    labels.map(({ at }) => at),
    13,
    plot.top,
    bottom - 2,
  );
  return (
    <>
      {labels.map(({ name, color, last, at }, index) => (
        <g key={name}>
          <circle cx={right} cy={at} r={2} fill={color} />
          <text x={right + 6} y={(spread[index] ?? at) + 4} className="fill-ink text-2xs font-medium">
            {states?.find((state) => state.value === last)?.label ?? axisFigure(last, unit)}
          </text>
        </g>
      ))}
      {model.lines.flatMap(({ name, index, lone }) =>
        lone.map(([time, height]) => (
          <circle
            key={`${name} ${time}`}
            cx={xOf(plot, time)}
            cy={yOf(plot, height)}
            r={1.2}
            fill={seriesColor(style, index, name)}
          />
        )),
      )}
    </>
  );
});
