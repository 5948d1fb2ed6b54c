"use client";
import { useSyncExternalStore } from "react";
import { formatAbsolute, formatAge, formatRelative } from "#lib/client/time.ts";
import { formatDuration } from "#lib/domain/duration.ts";

let now = 0;
let timer: ReturnType<typeof setInterval> | null = null;
const listeners = new Set<() => void>();

function subscribe(listener: () => void) {
  listeners.add(listener);
  timer ??= setInterval(() => {
    now = Date.now();
    for (const each of listeners) each();
  }, 1000);
  return () => {
    listeners.delete(listener);
    if (listeners.size === 0 && timer) {
      clearInterval(timer);
      timer = null;
    }
  };
}

function read() {
  const present = Date.now();
  // Also when it was set back.
  if (Math.abs(present - now) >= 1000) now = present;
  return now;
}

/** The time, ticking once a second for the whole page; null while the server renders, whose clock and zone are others. */
export const useNow = (): number | null => useSyncExternalStore<number | null>(subscribe, read, () => null);

const never = () => () => {};

/** Whether the page lives in a browser: the server that renders it first has another zone, and no stores. */
export const useIsLive = (): boolean =>
  useSyncExternalStore(
    never,
    () => true,
    () => false,
  );

/** "3 m ago", with the absolute time and zone on hover. */
export function TimeAgo({ at, className }: { at: string; className?: string }) {
  const present = useNow();
  return (
    <time dateTime={at} title={present === null ? undefined : formatAbsolute(at)} className={className}>
      {present === null ? "" : formatRelative(at, present)}
    </time>
  );
}

/** "5 h": how old something is, for columns. */
export function Age({ since, className }: { since: string; className?: string }) {
  const present = useNow();
  return (
    <time dateTime={since} title={present === null ? undefined : formatAbsolute(since)} className={className}>
      {present === null ? "" : formatAge(present - Date.parse(since))}
    </time>
  );
}

/** "3 m 12 s": how long something took, or has taken so far. */
export function Elapsed({ from, to }: { from: string; to: string | null }) {
  const present = useNow();
  const end = to ? Date.parse(to) : present;
  return (
    <span title={present === null ? undefined : `from ${formatAbsolute(from)}${to ? ` to ${formatAbsolute(to)}` : ""}`}>
      {end === null ? "" : formatDuration(end - Date.parse(from))}
    </span>
  );
}
