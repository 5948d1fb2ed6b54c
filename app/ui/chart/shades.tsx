import Link from "next/link";
import { memo } from "react";
import type { Plot } from "#lib/client/chart-geometry.ts";
import { joinedShades, shadesOf } from "#lib/client/chart-marks.ts";
import { formatAbsolute } from "#lib/client/time.ts";
import type { AlertSpan } from "#lib/domain/alerts/schemas.ts";
import { severityFill, severityWord } from "../severity.tsx";
import { Tooltip } from "../tooltip.tsx";

const stripPixels = 4;
const mostRows = 3;

/** When alerts fired, behind the lines. */
export const Shades = memo(function Shades({ spans, plot }: { spans: readonly AlertSpan[]; plot: Plot }) {
  return joinedShades(plot, spans, ({ severity, acknowledged }) => `${severity} ${acknowledged}`).map(({ span, x, width }) => (
    <rect
      key={span.id}
      x={x}
      y={plot.top}
      width={width}
      height={plot.height}
      fill={severityFill(span.severity)}
      opacity={span.acknowledged ? 0.05 : 0.12}
    />
  ));
});

/** A strip at the foot of each shade, that names the alert and leads to it. */
export const ShadeStrips = memo(function ShadeStrips({ spans, plot }: { spans: readonly AlertSpan[]; plot: Plot }) {
  return shadesOf(plot, spans)
    .filter(({ row }) => row < mostRows)
    .map(({ span, x, width, row }) => (
      <Tooltip key={span.id} text={spanWords(span)}>
        <Link
          href={`/alerts/${span.id}`}
          aria-label={spanWords(span)}
          className="absolute z-10 rounded-xs opacity-80 before:absolute before:inset-x-0 before:-inset-y-0.5 hover:opacity-100"
          style={{
            left: x,
            width,
            top: plot.top + plot.height - (row + 1) * (stripPixels + 1),
            height: stripPixels,
            background: severityFill(span.severity),
          }}
        />
      </Tooltip>
    ));
});

/** An alert's span in words. */
export function spanWords({ name, severity, startsAt, endsAt, acknowledged }: AlertSpan): string {
  const end = endsAt === null ? "still firing" : `to ${formatAbsolute(endsAt)}`;
  return `${name}, ${severityWord(severity).toLowerCase()}, from ${formatAbsolute(startsAt)}, ${end}${acknowledged ? ", acknowledged" : ""}`;
}
