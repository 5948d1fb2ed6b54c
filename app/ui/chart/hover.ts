"use client";
import { useSyncExternalStore } from "react";

let time: number | null = null;
const listeners = new Set<() => void>();

/** Points all charts of the page at one moment, in unix seconds; null at none. */
export function pointAt(next: number | null) {
  if (next === time) return;
  time = next;
  for (const listener of listeners) listener();
}

const subscribe = (listener: () => void) => {
  listeners.add(listener);
  return () => listeners.delete(listener);
};

/** The moment that any chart of the page is pointed at. */
export const usePointedTime = () =>
  useSyncExternalStore(
    subscribe,
    () => time,
    () => null,
  );
