"use client";
import { formatAbsolute, formatClockMs } from "#lib/client/time.ts";
import type { DrillDetail } from "#lib/domain/recovery/drills/schemas.ts";
import { useIsLive } from "../../../../ui/clock.tsx";

/** What happened, newest first. */
export function DrillEvents({ events }: Pick<DrillDetail, "events">) {
  const isLive = useIsLive();
  return (
    <ol aria-label="Events" className="scroll-thin max-h-80 overflow-y-auto print:max-h-none">
      {events.toReversed().map((event) => (
        <li
          key={event.id}
          className="grid min-h-8 animate-[appear_400ms] grid-cols-[6.5rem_minmax(0,1fr)] items-baseline gap-x-3 border-b px-4 py-1 last:border-b-0"
        >
          <time dateTime={event.at} title={isLive ? formatAbsolute(event.at) : undefined} className="text-ink-3">
            {isLive ? formatClockMs(event.at) : ""}
          </time>
          <span className="min-w-0 break-words">
            <span className="text-ink-3">{event.kind}</span> {event.message}
          </span>
        </li>
      ))}
      {events.length === 0 && <li className="px-4 py-2 text-ink-3">Nothing has happened yet.</li>}
    </ol>
  );
}
