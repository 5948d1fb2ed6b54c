"use client";
import { type ReactNode, useEffect, useRef } from "react";
import { exactFigure, formatFigure } from "#lib/client/numbers.ts";
import type { Unit } from "#lib/domain/metrics/schemas.ts";
import { cn } from "./class-names.ts";

/** A figure with its unit, rounded; exact on hover. */
export function Figure({ value, unit, alarm = false }: { value: number | null | undefined; unit: Unit; alarm?: boolean }) {
  const nothing = value === null || value === undefined;
  return (
    <span title={exactFigure(value, unit)} className={cn(nothing && "text-ink-3", alarm && "font-medium text-bad")}>
      {formatFigure(value, unit)}
    </span>
  );
}

/** Tints its content for a moment when `value` changes, and never when it first appears. */
export function Tint({ value, children, className }: { value: unknown; children: ReactNode; className?: string }) {
  const element = useRef<HTMLSpanElement>(null);
  const known = useRef(value);
  useEffect(() => {
    if (Object.is(known.current, value)) return;
    known.current = value;
    element.current?.animate?.([{ backgroundColor: "var(--tint)" }, { backgroundColor: "transparent" }], {
      duration: 1400,
      easing: "ease-out",
    });
  }, [value]);
  return (
    <span ref={element} className={cn("-mx-1 rounded-sm px-1", className)}>
      {children}
    </span>
  );
}

/** Ready of desired with a bar of fixed width; the bar says nothing that the figures do not. */
export function ReadyBar({ ready, desired }: { ready: number; desired: number }) {
  const share = desired === 0 ? 1 : Math.min(1, ready / desired);
  const fill = desired === 0 ? "bg-line-strong" : share === 1 ? "bg-good-fill" : ready === 0 ? "bg-bad-fill" : "bg-warn-fill";
  return (
    <span className="inline-flex items-center gap-2 whitespace-nowrap align-middle leading-none">
      <span aria-hidden="true" className="h-1 w-10 overflow-hidden rounded-full bg-line">
        <span
          className={cn("block h-full rounded-full transition-[width] duration-500", fill)}
          style={{ width: `${Math.max(share * 100, desired > 0 ? 6 : 0)}%` }}
        />
      </span>
      <Tint value={`${ready}/${desired}`}>
        {ready}
        <span className="text-ink-3">/{desired}</span>
      </Tint>
    </span>
  );
}
