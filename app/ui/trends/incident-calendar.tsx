"use client";
import Link from "next/link";
import { type CalendarDay, calendarOf } from "#lib/client/incident-calendar.ts";
import { incidentName } from "#lib/client/incident-view.ts";
import type { Severity } from "#lib/domain/incidents/schemas.ts";
import type { IncidentCalendar as Calendar } from "#lib/domain/incidents/trends/schemas.ts";
import { cn } from "../class-names.ts";
import { useIsLive } from "../clock.tsx";
import { Skeleton } from "../notices.tsx";
import { SectionHeader } from "../page-header.tsx";

const fills: Record<Severity, string> = {
  P1: "bg-bad-fill text-white",
  P2: "bg-bad-soft text-bad border border-bad-fill",
  P3: "border border-warn-fill text-warn",
  P4: "border border-line-strong text-quiet",
};

/** The days with the worst incident whose impact began on each; `listHref` shows those of a day with several. */
export function IncidentCalendar({ calendar, days, listHref }: { calendar: Calendar; days: number; listHref: string }) {
  const isLive = useIsLive();
  const newest = calendar.knownFrom === null ? "" : `the newest ${calendar.starts.length} incidents, `;
  return (
    <section aria-labelledby="calendar">
      <SectionHeader id="calendar" title="Calendar" aside={`${newest}by the day on which the impact began`} />
      <div className="scroll-thin overflow-x-auto border-b px-4 py-3">
        {isLive ? (
          <div className="flex gap-1">
            {calendarOf(calendar, { now: Date.now(), days }).map((week) => (
              <div key={week.find((day) => day !== null)?.date} className="grid grid-rows-7 gap-1">
                {week.map((day, weekday) =>
                  day ? <Day key={day.date} day={day} listHref={listHref} /> : <span key={String(weekday)} className="size-5" />,
                )}
              </div>
            ))}
          </div>
        ) : (
          <div style={{ width: `${Math.ceil(days / 7 + 1) * 1.5}rem` }}>
            <Skeleton className="h-41 w-full" />
          </div>
        )}
      </div>
    </section>
  );
}

const look = "grid size-5 place-items-center rounded-sm text-2xs font-semibold";

function Day({ day: { date, incidents }, listHref }: { day: CalendarDay; listHref: string }) {
  if (incidents === null) return <span title={`${date}: not known`} className={cn(look, "border border-dashed")} />;
  const [worst] = incidents;
  if (!worst) return <span title={`${date}: none`} className={cn(look, "bg-line/60")} />;
  const words = incidents.map((incident) => `${incidentName(incident)} ${incident.severity} ${incident.title}`).join("\n");
  return (
    <Link
      href={incidents.length === 1 ? `/incidents/${worst.id}` : listHref}
      title={`${date}\n${words}`}
      aria-label={`${date}: ${words}`}
      className={cn(look, fills[worst.severity])}
    >
      {worst.severity}
    </Link>
  );
}
