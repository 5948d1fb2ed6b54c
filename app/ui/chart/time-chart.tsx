"use client";
import { memo, useLayoutEffect, useMemo, useRef, useState } from "react";
import { chartHeight, plotOf } from "#lib/client/chart-geometry.ts";
import { chartModel } from "#lib/client/chart-model.ts";
import { formatFigure } from "#lib/client/numbers.ts";
import type { AlertSpan } from "#lib/domain/alerts/schemas.ts";
import type { LedgerMark } from "#lib/domain/ledger/schemas.ts";
import type { Comparison, Panel } from "#lib/domain/metrics/schemas.ts";
import { Drawing } from "./drawing.tsx";
import { EndLabels } from "./end-labels.tsx";
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

/** The drawing of one panel. The moment pointed at is shared by all charts of the page. */
export const TimeChart = memo(function TimeChart(properties: TimeChartProperties) {
  const { panel, from, to, compare = null, marks = noMarks, spans = noSpans } = properties;
  const { unit, style, limit, states, series, compared, stepSeconds } = panel;
  const [box, width] = useWidth();
  const model = useMemo(
    () => chartModel({ series, compared, style, unit, limit, states, stepSeconds }, to),
    [series, compared, style, unit, limit, states, stepSeconds, to],
  );
  const plot = useMemo(
    () => plotOf(width, { from, to }, { low: model.ticks[0] ?? 0, high: model.ticks.at(-1) ?? 1 }),
    [width, from, to, model],
  );
  const chart = { unit, style, states, model, plot };
  const summary = model.lines.map(({ name, last }) => `${name} ${formatFigure(last, unit)}`).join(", ");

  return (
    <div ref={box} className="relative" style={{ height: chartHeight }}>
      {width > 0 && (
        <>
          <svg aria-hidden="true" width={width} height={chartHeight} className="pointer-events-none absolute inset-0">
            <Shades spans={spans} plot={plot} />
          </svg>
          <div role="img" aria-label={`${panel.title}, now: ${summary}`} className="pointer-events-none absolute inset-0">
            <Drawing {...chart} limit={limit} width={width} />
            <svg aria-hidden="true" width={width} height={chartHeight} className="absolute inset-0">
              <EndLabels {...chart} />
            </svg>
          </div>
          <PointerLayer {...chart} title={panel.title} width={width} spans={spans} compare={compare} />
          <ShadeStrips spans={spans} plot={plot} />
          <MarkLane marks={marks} plot={plot} title={panel.title} />
        </>
      )}
    </div>
  );
}, isSameChart);

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

function useWidth() {
  const box = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(0);
  useLayoutEffect(() => {
    const element = box.current;
    if (!element) return;
    const measure = () => setWidth(Math.floor(element.getBoundingClientRect().width));
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  return [box, width] as const;
}
