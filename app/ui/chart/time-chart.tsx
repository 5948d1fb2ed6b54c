"use client";
import { type KeyboardEvent, type PointerEvent, useEffect, useMemo, useRef, useState } from "react";
import { areaOf, lastValue, pathOf, runsOf, spreadLabels, stackSeries, topSeries, valueAt } from "#lib/client/chart.ts";
import { axisTicks, formatFigure } from "#lib/client/numbers.ts";
import { formatAxisTime, formatClock, timeTicks } from "#lib/client/time.ts";
import type { Panel } from "#lib/domain/metrics/schemas.ts";
import { mostSeries, seriesColor } from "./colors.ts";
import { pointAt, usePointedTime } from "./hover.ts";

const height = 148;
const margin = { top: 8, right: 64, bottom: 20, left: 56 };

/** The drawing of one panel. The moment pointed at is shared by all charts of the page. */
export function TimeChart({ panel, from, to }: { panel: Panel; from: number; to: number }) {
  const [box, width] = useWidth();
  const pointed = usePointedTime();
  const series = useMemo(() => topSeries(panel.series, mostSeries), [panel.series]);
  const drawn = useMemo(
    () => (panel.style === "stacked" ? stackSeries(series) : series.map((each) => ({ ...each, floor: null }))),
    [panel.style, series],
  );
  const values = drawn.flatMap((each) => each.points.flatMap(([, value]) => (value === null ? [] : [value])));
  const highest = Math.max(
    0,
    ...values,
    panel.limit && values.length > 0 ? Math.min(panel.limit.value, Math.max(...values) * 4) : 0,
  );
  const ticks = axisTicks(Math.min(0, ...values), highest, 3, panel.unit);
  const low = ticks[0] ?? 0;
  const high = ticks.at(-1) ?? 1;
  const right = Math.max(margin.left + 40, width - margin.right);
  const x = (time: number) => margin.left + ((time - from) / (to - from)) * (right - margin.left);
  const y = (value: number) => height - margin.bottom - ((value - low) / (high - low)) * (height - margin.bottom - margin.top);
  const ends = drawn.map((each, index) => {
    const last = lastValue(each, to, panel.stepSeconds);
    const shown = series[index] ? lastValue(series[index], to, panel.stepSeconds) : null;
    return { last, shown, color: seriesColor(panel.style, index, each.name) };
  });
  const endLabels = ends.filter((end) => end.last !== null).map((end) => ({ ...end, at: y(end.last ?? 0) }));
  const spread = spreadLabels(
    endLabels.map((label) => label.at),
    13,
    margin.top + 4,
    height - margin.bottom - 2,
  );
  const inside = pointed !== null && pointed >= from && pointed <= to ? snapped(pointed, panel, from) : null;

  const timeOf = (event: PointerEvent<SVGSVGElement>) => {
    const left = event.currentTarget.getBoundingClientRect().left;
    const share = (event.clientX - left - margin.left) / (right - margin.left);
    return share < -0.02 || share > 1.02 ? null : from + Math.min(1, Math.max(0, share)) * (to - from);
  };
  const onKeyDown = (event: KeyboardEvent<SVGSVGElement>) => {
    const step = event.key === "ArrowLeft" ? -1 : event.key === "ArrowRight" ? 1 : 0;
    if (step === 0) return;
    event.preventDefault();
    pointAt(Math.min(to, Math.max(from, (pointed ?? to) + step * panel.stepSeconds)));
  };
  const summary = series.map((each, index) => `${each.name} ${formatFigure(ends[index]?.shown, panel.unit)}`).join(", ");

  return (
    <div ref={box} className="relative" style={{ height }}>
      {width > 0 && (
        <svg
          role="img"
          aria-label={`${panel.title}, now: ${summary}`}
          // biome-ignore lint/a11y/noNoninteractiveTabindex: the arrow keys move the shared moment
          tabIndex={0}
          width={width}
          height={height}
          onPointerMove={(event) => pointAt(timeOf(event))}
          onPointerLeave={() => pointAt(null)}
          onBlur={() => pointAt(null)}
          onKeyDown={onKeyDown}
          className="block touch-pan-y select-none rounded-sm"
        >
          {ticks.map((tick) => (
            <g key={tick}>
              <line x1={margin.left} x2={right} y1={y(tick)} y2={y(tick)} stroke="var(--line)" />
              <text x={margin.left - 8} y={y(tick) + 4} textAnchor="end" className="fill-ink-3 text-2xs">
                {formatFigure(tick, panel.unit)}
              </text>
            </g>
          ))}
          {timeTicks(from, to, Math.max(2, Math.floor((right - margin.left) / 90))).map((tick) => (
            <text key={tick} x={x(tick)} y={height - 5} textAnchor="middle" className="fill-ink-3 text-2xs">
              {formatAxisTime(tick, to - from)}
            </text>
          ))}
          {panel.limit && panel.limit.value <= high && (
            <g>
              <line
                x1={margin.left}
                x2={right}
                y1={y(panel.limit.value)}
                y2={y(panel.limit.value)}
                stroke="var(--bad-fill)"
                strokeDasharray="4 3"
              />
              <text x={margin.left + 4} y={y(panel.limit.value) - 3} className="fill-bad text-2xs">
                {panel.limit.label}
              </text>
            </g>
          )}
          {drawn.map((each, index) => (
            <g key={each.name}>
              {runsOf(each.points, panel.stepSeconds).map((run) => (
                <g key={run[0]?.[0]}>
                  {each.floor && (
                    <path d={areaOf(run, (time) => each.floor?.get(time) ?? 0, x, y)} fill={ends[index]?.color} opacity={0.22} />
                  )}
                  <path
                    d={pathOf(run, x, y)}
                    fill="none"
                    stroke={ends[index]?.color}
                    strokeWidth={1.5}
                    strokeLinecap="round"
                    strokeLinejoin="round"
                  />
                </g>
              ))}
            </g>
          ))}
          {endLabels.map((label, index) => (
            <text
              key={`${label.color} ${label.at}`}
              x={right + 6}
              y={(spread[index] ?? label.at) + 4}
              className="text-2xs font-medium"
              fill="var(--ink)"
            >
              {formatFigure(label.shown, panel.unit)}
            </text>
          ))}
          {endLabels.map((label) => (
            <circle key={`${label.color} ${label.at}`} cx={right} cy={label.at} r={2} fill={label.color} />
          ))}
          {inside !== null && (
            <line
              x1={x(inside)}
              x2={x(inside)}
              y1={margin.top}
              y2={height - margin.bottom}
              stroke="var(--ink-3)"
              strokeDasharray="2 2"
            />
          )}
          {inside !== null &&
            drawn.map((each, index) => {
              const value = valueAt(each.points, inside, panel.stepSeconds / 2);
              return value === null ? null : (
                <circle key={each.name} cx={x(inside)} cy={y(value)} r={3} fill={ends[index]?.color} stroke="var(--canvas)" />
              );
            })}
        </svg>
      )}
      {inside !== null && (
        <div
          aria-hidden="true"
          className="pointer-events-none absolute top-1 z-10 min-w-28 rounded-md border bg-raised px-2 py-1 text-xs shadow-float"
          style={x(inside) > width / 2 ? { right: width - x(inside) + 8 } : { left: x(inside) + 8 }}
        >
          <p className="text-2xs text-ink-3">{formatClock(inside * 1000)}</p>
          {series.map((each, index) => (
            <p key={each.name} className="flex items-center gap-1.5 whitespace-nowrap">
              <span className="size-2 shrink-0 rounded-xs" style={{ background: ends[index]?.color }} />
              <span className="max-w-44 truncate text-ink-2">{each.name}</span>
              <span className="ml-auto pl-3 font-medium">
                {formatFigure(valueAt(each.points, inside, panel.stepSeconds / 2), panel.unit)}
              </span>
            </p>
          ))}
        </div>
      )}
    </div>
  );
}

const snapped = (time: number, panel: Panel, from: number) =>
  from + Math.round((time - from) / panel.stepSeconds) * panel.stepSeconds;

function useWidth() {
  const box = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(0);
  useEffect(() => {
    const element = box.current;
    if (!element) return;
    const observer = new ResizeObserver(() => setWidth(Math.floor(element.clientWidth)));
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  return [box, width] as const;
}
