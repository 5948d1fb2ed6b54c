"use client";
import { useMemo } from "react";
import { axisFigure } from "#lib/client/chart.ts";
import { chartHeight, type Plot, plotOf, xOf, yOf } from "#lib/client/chart-geometry.ts";
import { type Course, linePath } from "#lib/client/chart-paths.ts";
import { axisTicks, formatFigure } from "#lib/client/numbers.ts";
import { formatClock } from "#lib/client/time.ts";
import type { Unit } from "#lib/domain/metrics/schemas.ts";
import type { MeasurementView } from "#lib/domain/rollouts/schemas.ts";
import { Axes } from "../../../ui/chart/axes.tsx";
import { useWidth } from "../../../ui/use-width.ts";
import { trackColors } from "./track.ts";
import { VerdictGlyph, verdictWord } from "./verdict.tsx";

const verdicts: MeasurementView["verdict"][] = ["good", "bad", "no-data", "error"];

/** Half of a verdict's shape, in pixels: what is good needs no room of its own. */
const reachOf = ({ verdict }: MeasurementView) => (verdict === "good" ? 3 : 5);

type Properties = { title: string; unit: Unit; measurements: readonly MeasurementView[] };

/** The measurements of one metric over time: each with its verdict, stable's value in the same window, and the limit. */
export function MeasurementChart({ title, unit, measurements }: Properties) {
  const [box, width] = useWidth();
  const counts = verdicts.flatMap((verdict) => {
    const count = measurements.filter((each) => each.verdict === verdict).length;
    return count > 0 ? [`${count} ${verdictWord(verdict).toLowerCase()}`] : [];
  });
  const last = measurements.at(-1);
  return (
    <div
      ref={box}
      role="img"
      aria-label={`${title}: ${counts.join(", ")}; last ${formatFigure(last?.value, unit)}`}
      style={{ height: chartHeight }}
    >
      {width > 0 && <Drawing unit={unit} measurements={measurements} width={width} />}
    </div>
  );
}

function Drawing({ unit, measurements, width }: Omit<Properties, "title"> & { width: number }) {
  const { plot, ticks } = useMemo(() => frameOf(measurements, unit, width), [measurements, unit, width]);
  const course = (pick: (measurement: MeasurementView) => number | null): Course =>
    measurements.map((each) => ({ time: Date.parse(each.at) / 1000, high: pick(each), low: 0 }));
  const last = measurements.at(-1);
  return (
    <svg aria-hidden="true" width={width} height={chartHeight}>
      <Axes unit={unit} limit={null} states={null} ticks={ticks} plot={plot} />
      <path
        d={linePath(
          plot,
          course(({ limit }) => limit),
          true,
        )}
        fill="none"
        stroke="var(--bad-fill)"
        strokeWidth={1.2}
        strokeDasharray="4 3"
      />
      <path
        d={linePath(
          plot,
          course(({ stable }) => stable),
        )}
        fill="none"
        stroke={trackColors.stable}
        strokeWidth={1.5}
      />
      <path
        d={linePath(
          plot,
          course(({ value }) => value),
        )}
        fill="none"
        stroke={trackColors.candidate}
        strokeWidth={1.5}
      />
      {measurements.toSorted(goodFirst).map((each) => {
        const reach = reachOf(each);
        const x = xOf(plot, Date.parse(each.at) / 1000);
        const y = each.value === null ? plot.top + plot.height : yOf(plot, each.value);
        return (
          <g key={each.id} data-verdict={each.verdict} transform={`translate(${x - reach} ${y - reach}) scale(${reach / 6})`}>
            <title>{`${formatClock(each.at)} ${verdictWord(each.verdict)}: ${each.message}`}</title>
            <VerdictGlyph verdict={each.verdict} />
          </g>
        );
      })}
      {last && (
        <g className="text-2xs font-medium">
          {last.value !== null && <EndLabel plot={plot} value={last.value} unit={unit} color={trackColors.candidate} />}
          {last.stable !== null && isApart(plot, last) && (
            <EndLabel plot={plot} value={last.stable} unit={unit} color={trackColors.stable} />
          )}
        </g>
      )}
    </svg>
  );
}

/** What is not good is drawn over what is. */
const goodFirst = (a: MeasurementView, b: MeasurementView) => reachOf(a) - reachOf(b);

const EndLabel = ({ plot, value, unit, color }: { plot: Plot; value: number; unit: Unit; color: string }) => (
  <text x={plot.left + plot.width + 10} y={yOf(plot, value) + 4} fill={color}>
    {axisFigure(value, unit)}
  </text>
);

/** Whether the last figures of both versions can be read beside each other. */
function isApart(plot: Plot, { value, stable }: MeasurementView): boolean {
  return value === null || stable === null || Math.abs(yOf(plot, value) - yOf(plot, stable)) >= 13;
}

function frameOf(measurements: readonly MeasurementView[], unit: Unit, width: number) {
  const times = measurements.map(({ at }) => Date.parse(at) / 1000);
  const figures = measurements.flatMap(({ value, stable }) => [value ?? 0, stable ?? 0]);
  const highest = Math.max(0, ...figures);
  const lowest = Math.min(0, ...figures);
  // A limit far above what is measured would press the lines flat, unless nothing but it is there.
  const limit = Math.max(0, ...measurements.map((each) => each.limit ?? 0));
  const ticks = axisTicks(lowest, Math.max(highest, highest === 0 ? limit : Math.min(limit, highest * 4)), 3, unit);
  const from = Math.min(...times);
  const to = Math.max(...times);
  const plot = plotOf(
    width,
    { from: from - reachSeconds, to: Math.max(to, from + leastSeconds) + reachSeconds },
    { low: ticks[0] ?? 0, high: ticks.at(-1) ?? 1 },
  );
  return { plot, ticks };
}

/** Room at both ends for the shapes, and the shortest time that is drawn. */
const reachSeconds = 2;
const leastSeconds = 60;
