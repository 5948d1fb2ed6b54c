"use client";
import { chartHeight, type Plot, plotOf, xOf, yOf } from "#lib/client/chart-geometry.ts";
import { type Course, linePath } from "#lib/client/chart-paths.ts";
import { axisTicks, formatFigure } from "#lib/client/numbers.ts";
import type { Recovery } from "#lib/domain/incidents/schemas.ts";
import { Axes } from "../../../ui/chart/axes.tsx";
import { useWidth } from "../../../ui/use-width.ts";

export type Mark = { at: string; label: string; color: string };

/** The indicator over the incident, with its limit, the impact's start and the recovery; a gap where nobody could know. */
export function RecoveryChart({ recovery, marks }: { recovery: Recovery; marks: readonly Mark[] }) {
  const [box, width] = useWidth();
  const { indicator } = recovery;
  const points = shownPoints(recovery.points, marks[0]?.at);
  const known = points.filter(({ value }) => value !== null);
  const gaps = points.length - known.length;
  if (points.length === 0) return null;
  return (
    <div
      ref={box}
      role="img"
      aria-label={`${indicator.title}: ${known.length} values, ${gaps} without data; limit ${formatFigure(indicator.limit, indicator.unit)}`}
      style={{ height: chartHeight }}
    >
      {width > 0 && <Drawing recovery={{ ...recovery, points }} marks={marks} width={width} />}
    </div>
  );
}

const seconds = (at: string) => Date.parse(at) / 1000;
const leastBeforeSeconds = 600;

/** What came before takes no more room than what has been since the impact, and begins with what is known. */
function shownPoints(points: Recovery["points"], impactAt: string | undefined): Recovery["points"] {
  const began = impactAt === undefined ? 0 : seconds(impactAt);
  const last = seconds(points.at(-1)?.at ?? "");
  const from = began - Math.max(leastBeforeSeconds, last - began);
  const first = points.findIndex(({ at, value }) => value !== null && seconds(at) >= from);
  return points.slice(Math.max(0, first));
}

function Drawing({
  recovery: { indicator, points },
  marks,
  width,
}: {
  recovery: Recovery;
  marks: readonly Mark[];
  width: number;
}) {
  const values = points.flatMap(({ value }) => (value === null ? [] : [value]));
  const ticks = axisTicks(Math.min(0, ...values), Math.max(...values, indicator.limit * 1.1), 3, indicator.unit);
  const from = Math.min(...points.map(({ at }) => seconds(at)));
  const to = Math.max(...points.map(({ at }) => seconds(at)), from + 60);
  const plot = plotOf(width, { from, to }, { low: ticks[0] ?? 0, high: ticks.at(-1) ?? 1 });
  const course: Course = points.map(({ at, value }) => ({ time: seconds(at), high: value, low: 0 }));
  const limit = { value: indicator.limit, label: `limit ${formatFigure(indicator.limit, indicator.unit)}` };
  const last = points.at(-1)?.value ?? null;
  return (
    <svg aria-hidden="true" width={width} height={chartHeight}>
      <Axes unit={indicator.unit} limit={limit} states={null} ticks={ticks} plot={plot} />
      {marks.map((mark, index) => (
        <MarkLine key={mark.label} mark={mark} plot={plot} isLast={index === marks.length - 1} />
      ))}
      <path d={linePath(plot, course)} fill="none" stroke="var(--accent-solid)" strokeWidth={1.6} strokeLinejoin="round" />
      {last !== null && (
        <text x={plot.left + plot.width + 6} y={yOf(plot, last) + 4} className="fill-accent text-2xs font-medium">
          {formatFigure(last, indicator.unit)}
        </text>
      )}
    </svg>
  );
}

/** The words of the last mark stand after its line, those of one before it in front of theirs, so that close ones stay apart. */
function MarkLine({ mark: { at, label, color }, plot, isLast }: { mark: Mark; plot: Plot; isLast: boolean }) {
  const time = seconds(at);
  if (time < plot.from || time > plot.to) return null;
  const x = xOf(plot, time);
  return (
    <>
      <line x1={x} x2={x} y1={plot.top - 4} y2={plot.top + plot.height} stroke={color} />
      <text x={x} y={plot.top - 8} textAnchor={isLast || x < plot.left + 40 ? "start" : "end"} className="fill-ink-2 text-2xs">
        {label}
      </text>
    </>
  );
}
