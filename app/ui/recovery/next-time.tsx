"use client";
import { formatAbsolute, formatAge, formatRelative } from "#lib/client/time.ts";
import { useNow } from "../clock.tsx";

/** When something comes by itself: "in 3 h". What should have come tells since when it is due: nobody carries it out. */
export function NextTime({ at }: { at: string }) {
  const now = useNow();
  if (now === null) return null;
  const late = now - Date.parse(at);
  const isLate = late > 60_000;
  return (
    <time dateTime={at} title={formatAbsolute(at)} className={isLate ? "text-warn" : "text-ink-2"}>
      {isLate ? `due for ${formatAge(late)}` : formatRelative(at, now)}
    </time>
  );
}
