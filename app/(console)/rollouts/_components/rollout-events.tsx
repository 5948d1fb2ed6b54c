"use client";
import { eventNames } from "#lib/client/rollout-view.ts";
import { formatAbsolute, formatClock } from "#lib/client/time.ts";
import type { RolloutEventKind, RolloutEventView } from "#lib/domain/rollouts/schemas.ts";
import { cn } from "../../../ui/class-names.ts";
import { useNow } from "../../../ui/clock.tsx";
import { StatusShape } from "../../../ui/status.tsx";

const tones: Partial<Record<RolloutEventKind, string>> = {
  aborted: "text-bad",
  "foreign-change": "text-warn",
  paused: "text-held",
};

const checkLooks = { passed: "healthy", failed: "down", unknown: "unknown" } as const;

/** What a check found, as a shape beside its words. */
export const CheckShape = ({ check }: { check: keyof typeof checkLooks }) => <StatusShape health={checkLooks[check]} />;

/** What happened, newest first. */
export function RolloutEvents({ events }: { events: readonly RolloutEventView[] }) {
  // The server's zone is not the viewer's: times are written once the page lives.
  const isLive = useNow() !== null;
  return (
    <ol aria-label="Events" className="scroll-thin max-h-64 overflow-y-auto">
      {[...events]
        .sort((a, b) => b.at.localeCompare(a.at) || b.id.localeCompare(a.id))
        .map((event) => (
          <li
            key={event.id}
            className="grid min-h-8 animate-[appear_400ms] grid-cols-[4.5rem_minmax(0,1fr)] items-baseline gap-x-3 border-b px-4 py-1 last:border-b-0 sm:grid-cols-[4.5rem_7rem_minmax(0,1fr)_auto]"
          >
            <time dateTime={event.at} title={isLive ? formatAbsolute(event.at) : undefined} className="text-ink-3">
              {isLive ? formatClock(event.at) : ""}
            </time>
            <span className={cn("inline-flex items-center gap-1.5 font-medium", tones[event.kind])}>
              {event.check && <CheckShape check={event.check} />}
              {eventNames[event.kind]}
              {event.check && <span className="sr-only">{event.check}</span>}
            </span>
            <span className="min-w-0 break-words text-ink-2 max-sm:col-start-2">{event.message}</span>
            <span className="text-xs text-ink-3 max-sm:col-start-2">{event.by}</span>
          </li>
        ))}
      {events.length === 0 && <li className="px-4 py-2 text-ink-3">Nothing has happened yet.</li>}
    </ol>
  );
}
