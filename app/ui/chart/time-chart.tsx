"use client";
import { memo, type RefObject, useEffect, useMemo, useState } from "react";
import { chartHeight, plotOf } from "#lib/client/chart-geometry.ts";
import { chartModel } from "#lib/client/chart-model.ts";
import { formatFigure } from "#lib/client/numbers.ts";
import type { AlertSpan } from "#lib/domain/alerts/schemas.ts";
import type { LedgerMark } from "#lib/domain/ledger/schemas.ts";
import type { Comparison, Panel } from "#lib/domain/metrics/schemas.ts";
import { useWidth } from "../use-width.ts";
import { Axes } from "./axes.tsx";
import { EndLabels } from "./end-labels.tsx";
import { Lines } from "./lines.tsx";
import { MarkLane } from "./marks.tsx";
import { PointerLayer } from "./pointer.tsx";
import { ShadeStrips, Shades } from "./shades.tsx";

const noMarks: readonly LedgerMark[] = [];
const noSpans: readonly AlertSpan[] = [];

export type TimeChartProperties = {
  panel: Panel;
  from: number;
  to: number;
  compare?: Comparison | null;
  marks?: readonly LedgerMark[];
  spans?: readonly AlertSpan[];
};

/** The drawing of one panel, which waits with what is new while it is out of view. */
export const TimeChart = memo(function TimeChart(properties: TimeChartProperties) {
  const [box, width] = useWidth();
  const isSeen = useSeen(box);
  return (
    <div ref={box} className="relative" style={{ height: chartHeight }}>
      {width > 0 && <Chart {...properties} width={width} isSeen={isSeen} />}
    </div>
  );
}, isSameChart);

type ChartProperties = TimeChartProperties & { width: number; isSeen: boolean };

const Chart = memo(
  function Chart({ panel, from, to, compare = null, marks = noMarks, spans = noSpans, width }: ChartProperties) {
    const { unit, style, limit, states, series, compared, stepSeconds } = panel;
    const model = useMemo(
      () => chartModel({ series, compared, style, unit, limit, states, stepSeconds }, to),
      [series, compared, style, unit, limit, states, stepSeconds, to],
    );
    const low = model.ticks[0] ?? 0;
    const high = model.ticks.at(-1) ?? 1;
    const plot = useMemo(() => plotOf(width, { from, to }, { low, high }), [width, from, to, low, high]);
    const chart = { unit, style, states, model, plot };
    const summary = model.lines.map(({ name, last }) => `${name} ${formatFigure(last, unit)}`).join(", ");
    return (
      <>
        <svg aria-hidden="true" width={width} height={chartHeight} className="pointer-events-none absolute inset-0">
          <Shades spans={spans} plot={plot} />
        </svg>
        <div role="img" aria-label={`${panel.title}, now: ${summary}`} className="pointer-events-none absolute inset-0">
          <svg aria-hidden="true" width={width} height={chartHeight} className="absolute inset-0">
            <Axes unit={unit} limit={limit} states={states} ticks={model.ticks} plot={plot} />
            <Lines style={style} states={states} model={model} plot={plot} />
            <EndLabels {...chart} />
          </svg>
        </div>
        <PointerLayer {...chart} title={panel.title} width={width} spans={spans} compare={compare} />
        <ShadeStrips spans={spans} plot={plot} />
        <MarkLane marks={marks} plot={plot} title={panel.title} />
      </>
    );
  },
  (drawn, next) => !next.isSeen || (drawn.width === next.width && isSameChart(drawn, next)),
);

/** Whether two charts would be drawn alike: an answer's time and its problem are told elsewhere. */
export function isSameChart(a: TimeChartProperties, b: TimeChartProperties): boolean {
  const { limit, states, ...own } = a.panel;
  const other = b.panel;
  return (
    a.from === b.from &&
    a.to === b.to &&
    a.compare === b.compare &&
    a.marks === b.marks &&
    a.spans === b.spans &&
    own.series === other.series &&
    own.compared === other.compared &&
    own.title === other.title &&
    own.unit === other.unit &&
    own.style === other.style &&
    own.stepSeconds === other.stepSeconds &&
    limit?.value === other.limit?.value &&
    limit?.label === other.limit?.label &&
    JSON.stringify(states) === JSON.stringify(other.states)
  );
}

/** Pixels around what is visible in which a chart is drawn too, so that it is there when it is scrolled to. */
const nearPixels = 200;

function useSeen(box: RefObject<HTMLElement | null>): boolean {
  const [isSeen, setSeen] = useState(true);
  useEffect(() => {
    if (!box.current || typeof IntersectionObserver === "undefined") return;
    const observer = new IntersectionObserver((entries) => setSeen(entries.at(-1)?.isIntersecting ?? true), {
      rootMargin: `${nearPixels}px`,
    });
    observer.observe(box.current);
    return () => observer.disconnect();
  }, [box]);
  return isSeen;
}
