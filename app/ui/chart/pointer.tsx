"use client";
import { type KeyboardEvent, type PointerEvent, useRef, useState } from "react";
import { movedMoment, type Plot, timeAt, xOf } from "#lib/client/chart-geometry.ts";
import { useChartPage, useCursor } from "./cursor.ts";
import { useLongPress } from "./long-press.ts";
import { type Moment, momentOf, momentWords, Reading, type ReadProperties } from "./reading.tsx";

/** Nearer than this to where it began a drag is a click. */
const leastDragPixels = 6;

/**
 * The part of a chart that follows the pointer and the keys: the moment pointed at on every chart of the page, the span that
 * is being marked, and the zoom to it.
 */
export function PointerLayer({ title, width, ...chart }: ReadProperties & { title: string; width: number }) {
  const { cursor, onZoom, onZoomBack, isZoomed } = useChartPage();
  const { time, anchor } = useCursor(cursor);
  const began = useRef<number | null>(null);
  const hasFocus = useRef(false);
  // The chart that is pointed at says more than the others of the page.
  const [isHere, setHere] = useState(false);
  const { model, plot } = chart;
  const moment = time === null ? null : momentOf(chart, time);

  const timeOf = (event: PointerEvent) =>
    timeAt(plot, event.clientX - event.currentTarget.getBoundingClientRect().left + plot.left);
  const zoom = (from: number, to: number) => {
    began.current = null;
    cursor.leave();
    onZoom?.(Math.min(from, to), Math.max(from, to));
  };

  // A finger that moves over a chart reads it or scrolls the page: only one that was held marks a span.
  const press = useLongPress(() => {
    began.current = 0;
    cursor.mark(cursor.read().time);
  });

  const onPointerDown = (event: PointerEvent<HTMLDivElement>) => {
    if (event.pointerType === "touch") {
      setHere(true);
      cursor.point(timeOf(event));
      if (onZoom) press.begin(event);
      return;
    }
    if (event.button !== 0 || !onZoom) return;
    event.currentTarget.setPointerCapture?.(event.pointerId);
    began.current = event.clientX;
    cursor.point(timeOf(event));
  };
  const onPointerMove = (event: PointerEvent<HTMLDivElement>) => {
    press.move(event);
    const start = began.current;
    if (start !== null && anchor === null && Math.abs(event.clientX - start) >= leastDragPixels) {
      cursor.mark(cursor.read().time);
    }
    cursor.point(timeOf(event));
  };
  const onPointerUp = (event: PointerEvent<HTMLDivElement>) => {
    press.end();
    const isDrag = began.current !== null && anchor !== null;
    began.current = null;
    if (!isDrag || anchor === null) return;
    const to = timeOf(event);
    // Held and let go in one place: nothing was marked.
    if (Math.abs(xOf(plot, to) - xOf(plot, anchor)) < leastDragPixels) cursor.mark(null);
    else zoom(anchor, to);
  };
  const onPointerCancel = () => {
    press.end();
    began.current = null;
    cursor.leave();
  };
  const onPointerLeave = (event: PointerEvent) => {
    // What a finger pointed at stays to be read until another place is touched.
    if (event.pointerType === "touch") return;
    setHere(hasFocus.current);
    if (began.current === null && !hasFocus.current) cursor.leave();
  };

  const onKeyDown = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const next = movedMoment(model.times, time, event.key);
    if (next !== null) {
      if (event.shiftKey && anchor === null && onZoom) cursor.mark(moment?.time ?? next);
      if (!event.shiftKey) cursor.mark(null);
      cursor.point(next);
    } else if (event.key === "Enter" && anchor !== null && time !== null && anchor !== time) zoom(anchor, time);
    else if (event.key === "Escape" && anchor !== null) cursor.mark(null);
    else if (event.key === "Escape" && isZoomed && onZoomBack) onZoomBack();
    else return;
    event.preventDefault();
    event.stopPropagation();
  };

  const now = moment ?? momentOf(chart, plot.to);
  return (
    <>
      <svg aria-hidden="true" width={width} height="100%" className="pointer-events-none absolute inset-0 z-10">
        {anchor !== null && time !== null && <Marked plot={plot} from={anchor} to={time} />}
        {moment && <Crosshair plot={plot} moment={moment} />}
      </svg>
      <div
        ref={press.element}
        role="slider"
        tabIndex={0}
        aria-label={`${title}, moment`}
        aria-orientation="horizontal"
        aria-valuemin={plot.from}
        aria-valuemax={plot.to}
        aria-valuenow={now?.time ?? plot.to}
        aria-valuetext={now ? momentWords(chart, now) : "no data"}
        aria-keyshortcuts="ArrowLeft ArrowRight Home End Shift+ArrowLeft Shift+ArrowRight Enter Escape"
        onPointerDown={onPointerDown}
        onPointerEnter={() => setHere(true)}
        onPointerMove={onPointerMove}
        onPointerUp={onPointerUp}
        onPointerCancel={onPointerCancel}
        onPointerLeave={onPointerLeave}
        onDoubleClick={() => onZoomBack?.()}
        onFocus={(event) => {
          hasFocus.current = event.currentTarget.matches(":focus-visible");
          setHere(true);
          if (hasFocus.current && time === null) cursor.point(model.times.at(-1) ?? null);
        }}
        onBlur={() => {
          hasFocus.current = false;
          setHere(false);
          cursor.leave();
        }}
        onKeyDown={onKeyDown}
        className="absolute touch-pan-y select-none rounded-sm outline-offset-2"
        style={{
          left: plot.left,
          top: plot.top,
          width: plot.width,
          height: plot.height,
          cursor: onZoom ? "crosshair" : "default",
        }}
      />
      {moment && anchor === null && <Reading {...chart} moment={moment} width={width} isShort={!isHere} />}
    </>
  );
}

function Crosshair({ plot, moment }: { plot: Plot; moment: Moment }) {
  return (
    <>
      <line x1={moment.x} x2={moment.x} y1={plot.top} y2={plot.top + plot.height} stroke="var(--ink-3)" strokeDasharray="2 2" />
      {moment.values.map(
        ({ name, color, y }) =>
          y !== null && <circle key={name} cx={moment.x} cy={y} r={3} fill={color} stroke="var(--canvas)" strokeWidth={1} />,
      )}
    </>
  );
}

function Marked({ plot, from, to }: { plot: Plot; from: number; to: number }) {
  const [start, end] = [xOf(plot, Math.max(plot.from, Math.min(from, to))), xOf(plot, Math.min(plot.to, Math.max(from, to)))];
  return (
    <rect
      x={start}
      y={plot.top}
      width={Math.max(0, end - start)}
      height={plot.height}
      fill="var(--tint)"
      stroke="var(--accent)"
      strokeWidth={0.5}
    />
  );
}
