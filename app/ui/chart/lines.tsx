import { memo } from "react";
import type { Plot } from "#lib/client/chart-geometry.ts";
import type { ChartModel } from "#lib/client/chart-model.ts";
import { areaPath, linePath } from "#lib/client/chart-paths.ts";
import type { Panel } from "#lib/domain/metrics/schemas.ts";
import { seriesColor } from "./colors.ts";

type Properties = Pick<Panel, "style" | "states"> & { model: ChartModel; plot: Plot };

/** The lines of a chart, what they are compared with fainter and dashed; a stack's areas below its lines. */
export const Lines = memo(function Lines({ style, states, model, plot }: Properties) {
  const stepped = states !== null;
  return (
    <>
      {style === "stacked" &&
        model.lines.map(({ name, index, course }) => (
          <Path key={`area ${name}`} d={areaPath(plot, course, stepped)} fill={seriesColor(style, index, name)} />
        ))}
      {model.lines.map(({ name, index, course }) => (
        <Path key={name} d={linePath(plot, course, stepped)} stroke={seriesColor(style, index, name)} />
      ))}
      {model.before.map(
        (line, index) =>
          line && (
            <Path
              key={`before ${line.name}`}
              d={linePath(plot, line.course, stepped)}
              stroke={style === "stacked" ? "var(--ink-3)" : seriesColor(style, index, line.name)}
              isBefore
            />
          ),
      )}
    </>
  );
});

type PathProperties = { d: string; stroke?: string; fill?: string; isBefore?: boolean };

/** One path of the drawing; the same text is the same path, which is not drawn again. */
const Path = memo(function Path({ d, stroke, fill, isBefore }: PathProperties) {
  if (fill) return <path d={d} fill={fill} fillOpacity={0.22} />;
  const faint = isBefore && { strokeOpacity: 0.6, strokeDasharray: "4 3", strokeWidth: 1.2 };
  return <path d={d} fill="none" stroke={stroke} strokeWidth={1.5} strokeLinecap="round" strokeLinejoin="round" {...faint} />;
});
