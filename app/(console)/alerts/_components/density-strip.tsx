"use client";
import { type CSSProperties, type KeyboardEvent, type PointerEvent, useId, useRef, useState } from "react";
import { barsOf, brushed, severitiesOf, type TimeSpan, totalOf, unknownSpans } from "#lib/client/density.ts";
import { countOf } from "#lib/client/numbers.ts";
import { formatAbsolute, formatAxisTime, timeTicks } from "#lib/client/time.ts";
import type { DensityBucket } from "#lib/domain/alerts/schemas.ts";
import { Skeleton } from "../../../ui/notices.tsx";
import { severityFill, severityWord } from "../../../ui/severity.tsx";

const height = 52;

/**
 * How many alerts began when, by severity, with the times in which alerts could have come unseen hatched. Dragging over a
 * part of it, or Shift with the arrow keys and Enter, chooses that part.
 */
export function DensityStrip({
  from,
  to,
  stepSeconds,
  buckets,
  onZoom,
}: {
  from: number;
  to: number;
  stepSeconds: number;
  buckets: DensityBucket[];
  onZoom: (span: TimeSpan) => void;
}) {
  const hatch = useId();
  const box = useRef<HTMLDivElement>(null);
  const [brush, setBrush] = useState<{ start: number; end: number } | null>(null);
  const [pointed, setPointed] = useState<number | null>(null);
  const stepMs = stepSeconds * 1000;
  const length = Math.max(1, to - from);
  const highest = Math.max(0, ...buckets.map(totalOf));
  const share = (time: number) => (time - from) / length;
  const clamped = (time: number) => Math.min(1, Math.max(0, share(time)));
  const shareAt = (event: PointerEvent) => {
    const bounds = box.current?.getBoundingClientRect();
    return bounds && bounds.width > 0 ? Math.min(1, Math.max(0, (event.clientX - bounds.left) / bounds.width)) : 0;
  };
  const dragged = brush && brushed({ from, to }, stepMs, brush.start, brush.end);
  const finish = () => {
    setBrush(null);
    if (dragged) onZoom(dragged);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const step = event.key === "ArrowRight" ? stepMs / length : event.key === "ArrowLeft" ? -stepMs / length : 0;
    if (step !== 0) {
      const cursor = Math.min(1, Math.max(0, (brush?.end ?? pointed ?? 1) + step));
      setPointed(cursor);
      setBrush(event.shiftKey ? { start: brush?.start ?? cursor - step, end: cursor } : null);
    } else if (event.key === "Enter" && dragged) finish();
    else if (event.key === "Escape" && (brush || pointed !== null)) {
      setBrush(null);
      setPointed(null);
    } else return;
    event.preventDefault();
  };
  const reading =
    pointed === null ? undefined : buckets.find(({ at }) => isWithin(from + pointed * length, Date.parse(at), stepMs));
  const total = buckets.reduce((sum, bucket) => sum + totalOf(bucket), 0);
  const blind = unknownSpans(buckets, stepMs);

  return (
    <div className="select-none px-4 pb-1 pt-2">
      <div
        ref={box}
        role="slider"
        tabIndex={0}
        aria-label={`${countOf(total, "alert")} began from ${formatAbsolute(from)} to ${formatAbsolute(to)}${
          blind.length > 0 ? `, ${countOf(blind.length, "span")} unknown` : ""
        }. Drag, or Shift with the arrow keys and Enter, zooms.`}
        aria-valuemin={0}
        aria-valuemax={100}
        aria-valuenow={Math.round((pointed ?? 1) * 100)}
        aria-valuetext={reading ? readingText(reading) : undefined}
        onPointerDown={(event) => {
          if (event.button !== 0) return;
          event.currentTarget.setPointerCapture?.(event.pointerId);
          setBrush({ start: shareAt(event), end: shareAt(event) });
        }}
        onPointerMove={(event) => {
          setPointed(shareAt(event));
          if (brush) setBrush({ start: brush.start, end: shareAt(event) });
        }}
        onPointerUp={finish}
        onPointerCancel={() => setBrush(null)}
        onPointerLeave={() => !brush && setPointed(null)}
        onBlur={() => setPointed(null)}
        onKeyDown={onKeyDown}
        className="relative cursor-crosshair touch-pan-y border-b border-line-strong"
        style={{ height }}
      >
        <svg
          viewBox={`0 0 1000 ${height}`}
          preserveAspectRatio="none"
          aria-hidden="true"
          className="absolute inset-0 size-full overflow-visible"
        >
          {buckets.map((bucket) => {
            const start = clamped(Date.parse(bucket.at)) * 1000;
            const width = Math.max(1, clamped(Date.parse(bucket.at) + stepMs) * 1000 - start);
            return barsOf(bucket, highest).map((bar) => (
              <rect
                key={`${bucket.at} ${bar.severity}`}
                x={start}
                width={Math.max(1, width * 0.86)}
                y={height - (bar.bottom + bar.height) * (height - 4)}
                height={Math.max(1.5, bar.height * (height - 4))}
                fill={severityFill(bar.severity)}
              />
            ));
          })}
        </svg>
        <svg aria-hidden="true" className="pointer-events-none absolute inset-0 size-full">
          <defs>
            <pattern id={hatch} width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
              <rect width="6" height="6" fill="var(--sunken)" fillOpacity="0.7" />
              <path d="M0 0v6" stroke="var(--ink-3)" strokeWidth="1.4" strokeOpacity="0.6" />
            </pattern>
          </defs>
          {blind.map((span) => (
            <rect
              key={span.from}
              x={`${clamped(span.from) * 100}%`}
              width={`${(clamped(span.to) - clamped(span.from)) * 100}%`}
              y="0"
              height="100%"
              fill={`url(#${hatch})`}
            />
          ))}
        </svg>
        {dragged && (
          <span
            className="pointer-events-none absolute inset-y-0 border-x border-accent-solid bg-[var(--tint)]"
            style={{ left: `${share(dragged.from) * 100}%`, width: `${(share(dragged.to) - share(dragged.from)) * 100}%` }}
          />
        )}
        {pointed !== null && reading && (
          <span
            className="pointer-events-none absolute -top-1 z-10 whitespace-nowrap rounded-md border bg-raised px-2 py-0.5 text-xs shadow-float"
            style={pointed > 0.5 ? { right: `${(1 - pointed) * 100}%` } : { left: `${pointed * 100}%` }}
          >
            <span className="text-ink-3">{formatAbsolute(reading.at)}</span> {readingText(reading)}
          </span>
        )}
      </div>
      <div aria-hidden="true" className="relative mt-1 h-4 overflow-hidden text-2xs text-ink-3">
        {timeTicks(from / 1000, to / 1000, 6).map((tick) => (
          <span key={tick} className="absolute whitespace-nowrap" style={tickPlace(share(tick * 1000))}>
            {formatAxisTime(tick, length / 1000)}
          </span>
        ))}
      </div>
    </div>
  );
}

/** Centred below its time, but never beyond an end of the axis. */
const tickPlace = (share: number): CSSProperties =>
  share > 0.94
    ? { right: 0 }
    : { left: `${Math.max(0, share) * 100}%`, transform: share < 0.06 ? undefined : "translateX(-50%)" };

/** The room of a strip whose counts are on their way. */
export const DensitySkeleton = () => (
  <div className="px-4 pb-1 pt-2">
    <div className="flex items-end" style={{ height }}>
      <Skeleton className="h-4 w-full" />
    </div>
    <div className="mt-1 h-4" />
  </div>
);

/** What the colours and the hatching mean, with how many there are of each. */
export function DensityLegend({ buckets }: { buckets: DensityBucket[] }) {
  return (
    <ul className="flex flex-wrap gap-x-3 text-2xs text-ink-2">
      {severitiesOf(buckets).map((severity) => (
        <li key={severity} className="inline-flex items-center gap-1">
          <span aria-hidden="true" className="size-2 rounded-xs" style={{ background: severityFill(severity) }} />
          {severityWord(severity)} {buckets.reduce((sum, bucket) => sum + (bucket.bySeverity[severity] ?? 0), 0)}
        </li>
      ))}
      {buckets.some((bucket) => bucket.unknown) && (
        <li className="inline-flex items-center gap-1">
          <span
            aria-hidden="true"
            className="h-2 w-4 rounded-xs bg-[repeating-linear-gradient(135deg,var(--ink-3)_0_1px,transparent_1px_4px)]"
          />
          Unknown: not heard
        </li>
      )}
    </ul>
  );
}

const isWithin = (time: number, start: number, length: number) => time >= start && time < start + length;

function readingText(bucket: DensityBucket): string {
  const counts = severitiesOf([bucket]).map(
    (severity) => `${bucket.bySeverity[severity]} ${severityWord(severity).toLowerCase()}`,
  );
  if (counts.length === 0) return bucket.unknown ? "unknown" : "none began";
  return `${counts.join(", ")}${bucket.unknown ? ", may be more: not heard all the time" : ""}`;
}
