"use client";
import { axisFigure } from "#lib/client/chart.ts";
import { axisWidth, chartMargin, type Plot, xOf, yOf } from "#lib/client/chart-geometry.ts";
import { type Course, linePath } from "#lib/client/chart-paths.ts";
import { countProbes, type Frame, frameOf, offsetWords, phaseWords, ticksAround } from "#lib/client/drill-view.ts";
import { axisTicks } from "#lib/client/numbers.ts";
import { spanWords } from "#lib/client/recovery-view.ts";
import { formatClock } from "#lib/client/time.ts";
import type { DrillDetail, Phase, SeriesPoint } from "#lib/domain/recovery/drills/schemas.ts";
import { useNow } from "../../../../ui/clock.tsx";
import { useWidth } from "../../../../ui/use-width.ts";
import { phaseFills } from "./phase-colors.ts";

const height = 208;
const bandTop = 20;
const bandHeight = 16;
const plotTop = 48;
const axisHeight = 22;
const tickLook = "fill-ink-3 text-2xs";
const seconds = (at: string) => Date.parse(at) / 1000;

/** What clients saw through the drill, with its phases above on the same time, and where its objective ends. */
export function DrillChart({ detail }: { detail: DrillDetail }) {
  const [box, width] = useWidth();
  const now = useNow();
  const frame = now === null ? null : frameOf(detail, now / 1000);
  const series = detail.report?.series ?? [];
  const { ok, failed } = countProbes(series);
  const marks = marksOf(detail.drill);
  const rto = detail.drill.rtoMs === null ? "not measured yet" : spanWords(detail.drill.rtoMs);
  return (
    <figure className="px-2 pt-2">
      <div
        ref={box}
        role="img"
        aria-label={`What clients saw: ${ok} answered, ${failed} failed. Away for ${rto}; objective ${spanWords(detail.drill.rtoObjectiveMs)}.`}
        style={{ height }}
      >
        {width > 0 && frame && <Drawing detail={detail} frame={frame} width={width} />}
      </div>
      <figcaption className="flex flex-wrap items-center gap-x-4 px-2 pb-2 text-xs text-ink-2">
        <Legend color="var(--good-fill)" words="answered a second" />
        <Legend color="var(--bad-fill)" words="failed a second" />
        {marks.length > 0 && <span className="text-ink-3">dotted: {marks.map(({ label }) => label).join(", ")}</span>}
        {frame && frame.objectiveAt === null && frame.zero !== null && (
          <span className="text-ink-3">The objective, {spanWords(detail.drill.rtoObjectiveMs)}, lies far to the right.</span>
        )}
        {now !== null && series.length > 0 && <AsTable series={series} zero={frame?.zero ?? null} />}
      </figcaption>
    </figure>
  );
}

const Legend = ({ color, words }: { color: string; words: string }) => (
  <span className="inline-flex items-center gap-1.5">
    <span aria-hidden="true" className="h-0.5 w-4" style={{ background: color }} />
    {words}
  </span>
);

function Drawing({ detail: { drill, report }, frame, width }: { detail: DrillDetail; frame: Frame; width: number }) {
  const series = report?.series ?? [];
  const ticks = axisTicks(0, Math.max(1, ...series.flatMap(({ ok, failed }) => [ok, failed])), 3, "count");
  const plot: Plot = {
    left: axisWidth,
    top: plotTop,
    width: Math.max(0, width - axisWidth - chartMargin.right),
    height: height - plotTop - axisHeight,
    from: frame.from,
    to: frame.to,
    low: 0,
    high: ticks.at(-1) ?? 1,
  };
  const bottom = plot.top + plot.height;
  const course = (pick: (point: SeriesPoint) => number): Course => coursesOf(series, pick);
  const marks = marksOf(drill);
  return (
    <svg aria-hidden="true" width={width} height={height}>
      {ticks.map((value) => (
        <g key={value}>
          <line x1={plot.left} x2={plot.left + plot.width} y1={yOf(plot, value)} y2={yOf(plot, value)} stroke="var(--line)" />
          <text x={plot.left - 8} y={yOf(plot, value)} dy="0.355em" textAnchor="end" className={tickLook}>
            {axisFigure(value, "per-second")}
          </text>
        </g>
      ))}
      {ticksAround(frame, Math.max(2, Math.floor(plot.width / 80))).map(({ at, label }) => (
        <text key={at} x={xOf(plot, at)} y={bottom + 6} dy="0.71em" textAnchor="middle" className={tickLook}>
          {label}
        </text>
      ))}
      {(report?.phases ?? []).map((phase) => (
        <PhaseBand key={phase.name} phase={phase} plot={plot} />
      ))}
      {marks.map(({ at, label }) => (
        <line
          key={label}
          data-mark={label}
          x1={xOf(plot, at)}
          x2={xOf(plot, at)}
          y1={bandTop}
          y2={bottom}
          stroke="var(--ink-3)"
          strokeDasharray="2 3"
        />
      ))}
      {frame.objectiveAt !== null && (
        <g data-objective={frame.objectiveAt}>
          <line
            x1={xOf(plot, frame.objectiveAt)}
            x2={xOf(plot, frame.objectiveAt)}
            y1={bandTop - 4}
            y2={bottom}
            stroke="var(--bad-fill)"
            strokeWidth={1.5}
            strokeDasharray="5 3"
          />
          <text x={xOf(plot, frame.objectiveAt)} y={bandTop - 8} textAnchor="end" className="fill-bad text-2xs">
            objective {spanWords(drill.rtoObjectiveMs)}
          </text>
        </g>
      )}
      <path
        d={linePath(
          plot,
          course(({ ok }) => ok),
          true,
        )}
        fill="none"
        stroke="var(--good-fill)"
        strokeWidth={1.6}
      />
      <path
        d={linePath(
          plot,
          course(({ failed }) => failed),
          true,
        )}
        fill="none"
        stroke="var(--bad-fill)"
        strokeWidth={1.6}
      />
    </svg>
  );
}

function marksOf({ faultAt, detectedAt, recoveredAt }: DrillDetail["drill"]): { at: number; label: string }[] {
  return [
    ...(faultAt ? [{ at: seconds(faultAt), label: "fault" }] : []),
    ...(detectedAt ? [{ at: seconds(detectedAt), label: "detected" }] : []),
    ...(recoveredAt ? [{ at: seconds(recoveredAt), label: "recovered" }] : []),
  ];
}

const gapSeconds = 3;

/** Points as a course; where nothing was told for a while there is a gap, for nobody knows what clients saw. */
function coursesOf(series: readonly SeriesPoint[], pick: (point: SeriesPoint) => number): Course {
  return series.flatMap((point, index) => {
    const time = seconds(point.at);
    const before = series[index - 1];
    const isGap = before !== undefined && time - seconds(before.at) > gapSeconds;
    return [...(isGap ? [{ time: time - 0.001, high: null, low: 0 }] : []), { time, high: pick(point), low: 0 }];
  });
}

const leastLabelPixels = 64;

function PhaseBand({ phase, plot }: { phase: Phase; plot: Plot }) {
  const from = Math.max(plot.from, seconds(phase.startedAt));
  const to = Math.min(plot.to, phase.endedAt ? seconds(phase.endedAt) : plot.to);
  const x = xOf(plot, from);
  const width = Math.max(1, xOf(plot, to) - x);
  return (
    <g data-phase={phase.name}>
      <title>{`${phaseWords[phase.name]}: ${phase.message}`}</title>
      <rect
        x={x}
        y={bandTop}
        width={width}
        height={bandHeight}
        fill={phaseFills[phase.name]}
        opacity={phase.endedAt ? 0.9 : 0.5}
      />
      {width >= leastLabelPixels && (
        <text x={x + 6} y={bandTop + bandHeight / 2} dy="0.355em" className="fill-white text-2xs font-medium">
          {phaseWords[phase.name]}
        </text>
      )}
    </g>
  );
}

/** The same figures as a table, for reading and copying. */
function AsTable({ series, zero }: { series: readonly SeriesPoint[]; zero: number | null }) {
  return (
    <details className="ml-auto print:hidden">
      <summary className="text-accent">As a table</summary>
      <div className="scroll-thin max-h-64 overflow-y-auto">
        <table aria-label="What clients saw" className="w-full text-right">
          <thead>
            <tr className="text-2xs text-ink-3">
              {["Time", "From the fault", "Answered", "Failed", "p95"].map((name) => (
                <th key={name} scope="col" className="px-3 font-medium">
                  {name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {series.map(({ at, ok, failed, p95Ms }) => (
              <tr key={at} className="border-t">
                <th scope="row" className="px-3 font-normal">
                  {formatClock(at)}
                </th>
                <td className="px-3">{zero === null ? "–" : offsetWords(seconds(at) - zero)}</td>
                <td className="px-3">{ok}</td>
                <td className={failed > 0 ? "px-3 font-medium text-bad" : "px-3"}>{failed}</td>
                <td className="px-3">{p95Ms === null ? "–" : `${Math.round(p95Ms)} ms`}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </details>
  );
}
