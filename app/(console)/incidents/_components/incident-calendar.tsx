"use client";
import { useQuery } from "@tanstack/react-query";
import Link from "next/link";
import { type CalendarDay, calendarOf } from "#lib/client/incident-calendar.ts";
import { incidentName } from "#lib/client/incident-view.ts";
import { latestIncidentsQuery } from "#lib/client/incidents.ts";
import type { Severity } from "#lib/domain/incidents/schemas.ts";
import { cn } from "../../../ui/class-names.ts";
import { useIsLive } from "../../../ui/clock.tsx";
import { Skeleton } from "../../../ui/notices.tsx";
import { SectionHeader } from "../../../ui/page-header.tsx";

const mostIncidents = 200;
const fills: Record<Severity, string> = {
  P1: "bg-bad-fill text-white",
  P2: "bg-bad-soft text-bad border border-bad-fill",
  P3: "border border-warn-fill text-warn",
  P4: "border border-line-strong text-quiet",
};

/** The days with the worst incident that began on each; drills are left out. */
export function IncidentCalendar({ days }: { days: number }) {
  const page = useQuery(latestIncidentsQuery({ drills: "without" }, mostIncidents)).data;
  const isLive = useIsLive();
  const knownFrom = page?.nextCursor ? (page.items.at(-1)?.clock.impactStartedAt ?? null) : null;
  return (
    <section aria-labelledby="calendar">
      <SectionHeader
        id="calendar"
        title="Calendar"
        aside={
          knownFrom
            ? `the newest ${mostIncidents} incidents, by the day on which the impact began`
            : "by the day on which the impact began"
        }
      />
      <div className="scroll-thin overflow-x-auto border-b px-4 py-3">
        {page && isLive ? (
          <div className="flex gap-1">
            {calendarOf(page.items, { now: Date.now(), days, knownFrom }).map((week) => (
              <div key={week.find((day) => day !== null)?.date} className="grid grid-rows-7 gap-1">
                {week.map((day, weekday) =>
                  day ? <Day key={day.date} day={day} /> : <span key={String(weekday)} className="size-5" />,
                )}
              </div>
            ))}
          </div>
        ) : (
          <Skeleton className="h-41 max-w-3xl" />
        )}
      </div>
    </section>
  );
}

const look = "grid size-5 place-items-center rounded-sm text-2xs font-semibold";

function Day({ day: { date, incidents } }: { day: CalendarDay }) {
  if (incidents === null) return <span title={`${date}: not known`} className={cn(look, "border border-dashed")} />;
  const [worst] = incidents;
  if (!worst) return <span title={`${date}: none`} className={cn(look, "bg-line/60")} />;
  const words = incidents.map((incident) => `${incidentName(incident)} ${incident.severity} ${incident.title}`).join("\n");
  return (
    <Link
      href={incidents.length === 1 ? `/incidents/${worst.id}` : "/incidents?state=all"}
      title={`${date}\n${words}`}
      aria-label={`${date}: ${words}`}
      className={cn(look, fills[worst.severity])}
    >
      {worst.severity}
    </Link>
  );
}
