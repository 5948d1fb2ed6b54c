"use client";
import { type PointerEvent, useEffect, useRef } from "react";

const holdMs = 450;
/** A finger that moves farther than this before the time is up reads or scrolls. */
const restPixels = 8;

/** Tells when a finger was held still on an element; from then until it lifts the page does not scroll under it. */
export function useLongPress(onHeld: () => void) {
  const element = useRef<HTMLDivElement>(null);
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  const start = useRef<{ x: number; y: number } | null>(null);
  const isHeld = useRef(false);

  useEffect(() => {
    const target = element.current;
    const keepStill = (event: Event) => {
      if (isHeld.current || (event.type === "contextmenu" && start.current)) event.preventDefault();
    };
    target?.addEventListener("touchmove", keepStill, { passive: false });
    target?.addEventListener("contextmenu", keepStill);
    return () => {
      clearTimeout(timer.current);
      target?.removeEventListener("touchmove", keepStill);
      target?.removeEventListener("contextmenu", keepStill);
    };
  }, []);

  const end = () => {
    clearTimeout(timer.current);
    start.current = null;
    isHeld.current = false;
  };
  const begin = ({ clientX, clientY }: PointerEvent) => {
    end();
    start.current = { x: clientX, y: clientY };
    timer.current = setTimeout(() => {
      isHeld.current = true;
      onHeld();
    }, holdMs);
  };
  const move = ({ clientX, clientY }: PointerEvent) => {
    if (!start.current || isHeld.current) return;
    if (Math.hypot(clientX - start.current.x, clientY - start.current.y) > restPixels) clearTimeout(timer.current);
  };
  return { element, begin, move, end };
}
