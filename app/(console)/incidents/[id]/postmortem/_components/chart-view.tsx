"use client";
import {
  layOut,
  markRowHeight,
  momentsOf,
  type PictureMark,
  pictureSize,
} from "#lib/domain/incidents/postmortem/chart-picture.ts";
import type { Chart, PostmortemFacts } from "#lib/domain/incidents/postmortem/schemas.ts";
import { useWidth } from "../../../../../ui/use-width.ts";

const height = 190;
const markLooks: Record<PictureMark["look"], [line: string, words: string]> = {
  bad: ["var(--bad-fill)", "fill-bad"],
  good: ["var(--good-fill)", "fill-good"],
  plain: ["var(--ink-3)", "fill-ink-2"],
};

/** A chart as it was kept: Prometheus may have forgotten it. */
export function ChartView({ chart, facts }: { chart: Chart; facts: PostmortemFacts }) {
  const [box, width] = useWidth();
  const picture = width === 0 ? null : layOut(chart, momentsOf(chart.service, facts), { ...pictureSize, width, height });
  return (
    <figure className="min-w-0">
      <div ref={box} style={{ height }}>
        {picture && (
          <svg role="img" aria-label={picture.caption} width={width} height={height} className="text-2xs">
            <path
              d={`M${pictureSize.left} ${picture.footY}H${width - pictureSize.right}M${pictureSize.left} ${picture.topY}V${picture.footY}`}
              className="fill-none stroke-line-strong"
            />
            <path
              d={`M${pictureSize.left} ${picture.limitY}H${width - pictureSize.right}`}
              className="fill-none"
              stroke="var(--bad-fill)"
              strokeDasharray="4 3"
            />
            <g className="fill-ink-3" textAnchor="end">
              <text x={pictureSize.left - 6} y={picture.topY + 8}>
                {picture.labels.top}
              </text>
              <text x={pictureSize.left - 6} y={picture.limitY + 4} className="fill-bad">
                {picture.labels.limit}
              </text>
              <text x={pictureSize.left - 6} y={picture.footY}>
                {picture.labels.foot}
              </text>
              <text x={width - pictureSize.right} y={height - 8}>
                {picture.labels.to}
              </text>
            </g>
            <text x={pictureSize.left} y={height - 8} className="fill-ink-3">
              {picture.labels.from}
            </text>
            {picture.marks.map((mark) => (
              <MarkLine key={`${mark.label} ${mark.x}`} mark={mark} footY={picture.footY} />
            ))}
            <path d={picture.line} className="fill-none" stroke="var(--accent-solid)" strokeWidth={1.5} strokeLinejoin="round" />
          </svg>
        )}
      </div>
      <figcaption className="text-xs text-ink-3">
        {chart.indicator.title} of <span className="name">{chart.service.split("/")[1]}</span>
      </figcaption>
    </figure>
  );
}

function MarkLine({ mark: { x, label, look, row, isEnd }, footY }: { mark: PictureMark; footY: number }) {
  const [line, words] = markLooks[look];
  return (
    <>
      <path d={`M${x} ${markRowHeight * row + 6}V${footY}`} className="fill-none" stroke={line} strokeOpacity={0.7} />
      <text x={isEnd ? x - 3 : x + 3} y={markRowHeight * (row + 1)} textAnchor={isEnd ? "end" : "start"} className={words}>
        {label}
      </text>
    </>
  );
}
