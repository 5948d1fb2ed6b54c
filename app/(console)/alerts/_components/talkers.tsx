"use client";
import Link from "next/link";
import type { BlindWindowView, FlappingAlert, TopTalker } from "#lib/domain/alerts/schemas.ts";
import { formatDuration } from "#lib/domain/duration.ts";
import { Elapsed, TimeAgo } from "../../../ui/clock.tsx";
import { Skeleton } from "../../../ui/notices.tsx";
import { SeverityShape } from "../../../ui/severity.tsx";
import { FlappingBadge } from "./flapping-badge.tsx";

const most = 5;

/** The room of three lines, on their way. */
export const TalkersSkeleton = () => (
  <div className="grid gap-1.5 border-b px-4 pb-3 pt-2 md:grid-cols-2 lg:grid-cols-3">
    <div className="grid gap-3">
      <Skeleton className="h-3 w-20" />
      <Skeleton className="h-3 w-full" />
      <Skeleton className="h-3 w-full" />
    </div>
  </div>
);

/** What came most, what comes and goes, and when nobody could know. */
export function Talkers({
  topTalkers,
  flapping,
  blindWindows,
  onName,
}: {
  topTalkers: TopTalker[];
  flapping: FlappingAlert[];
  blindWindows: BlindWindowView[];
  onName: (name: string) => void;
}) {
  if (topTalkers.length === 0 && flapping.length === 0 && blindWindows.length === 0) return <div className="border-b" />;
  const highest = Math.max(1, ...topTalkers.map((talker) => talker.episodes));
  return (
    <div className="grid gap-x-8 gap-y-3 border-b px-4 pb-3 pt-1 md:grid-cols-2 lg:grid-cols-3">
      {topTalkers.length > 0 && (
        <section aria-labelledby="talkers" className="min-w-0">
          <h2 id="talkers" className="text-xs font-medium text-ink-3">
            Fired most
          </h2>
          <ul>
            {topTalkers.slice(0, most).map((talker) => (
              <li key={`${talker.name} ${talker.namespace} ${talker.service} ${talker.severity}`}>
                <button
                  type="button"
                  onClick={() => onName(talker.name)}
                  title={`Only ${talker.name}; it fired for ${formatDuration(talker.firingSeconds * 1000)} in all`}
                  className="grid h-6 w-full grid-cols-[minmax(0,1fr)_3.5rem_2.5rem_4.5rem] items-center gap-2 rounded-sm text-left hover:bg-hover"
                >
                  <span className="flex min-w-0 items-center gap-1.5">
                    <SeverityShape severity={talker.severity} />
                    <span className="name truncate">
                      {talker.name} <span className="text-ink-3">{talker.service}</span>
                    </span>
                  </span>
                  <span aria-hidden="true" className="h-1 overflow-hidden rounded-full bg-line">
                    <span className="block h-full bg-ink-3" style={{ width: `${(talker.episodes / highest) * 100}%` }} />
                  </span>
                  <span className="text-right font-medium">{talker.episodes.toLocaleString("en-US")}×</span>
                  <span className="truncate text-right text-ink-3">{formatDuration(talker.firingSeconds * 1000)}</span>
                </button>
              </li>
            ))}
          </ul>
        </section>
      )}
      {flapping.length > 0 && (
        <section aria-labelledby="flapping" className="min-w-0">
          <h2 id="flapping" className="text-xs font-medium text-ink-3">
            Comes and goes
          </h2>
          <ul>
            {flapping.slice(0, most).map((alert) => (
              <li key={`${alert.source} ${alert.fingerprint}`} className="flex h-6 min-w-0 items-center gap-1.5">
                <FlappingBadge />
                <Link href={`/alerts/${alert.id}`} className="name min-w-0 flex-1 truncate hover:underline">
                  {alert.name} <span className="text-ink-3">{alert.instance ?? alert.service}</span>
                </Link>
                <span className="shrink-0 font-medium">{alert.episodes}×</span>
                <TimeAgo at={alert.lastStartsAt} className="w-16 shrink-0 text-right text-ink-3" />
              </li>
            ))}
          </ul>
        </section>
      )}
      {blindWindows.length > 0 && (
        <section aria-labelledby="blind" className="min-w-0">
          <h2 id="blind" className="text-xs font-medium text-ink-3">
            Not heard
          </h2>
          <ul>
            {blindWindows.slice(0, most).map((window) => (
              <li key={`${window.source} ${window.beganAt}`} className="flex h-6 min-w-0 items-center gap-2">
                <span className="min-w-0 flex-1 truncate" title={window.reason}>
                  {window.source}: <span className="text-ink-2">{window.reason}</span>
                </span>
                <span className="shrink-0">
                  <Elapsed from={window.beganAt} to={window.endedAt} />
                </span>
                <TimeAgo at={window.beganAt} className="w-16 shrink-0 text-right text-ink-3" />
              </li>
            ))}
            {blindWindows.length > most && <li className="text-ink-3">and {blindWindows.length - most} more</li>}
          </ul>
        </section>
      )}
    </div>
  );
}
