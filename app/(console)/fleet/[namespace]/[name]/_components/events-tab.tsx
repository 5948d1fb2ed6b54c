"use client";
import { countOf } from "#lib/client/numbers.ts";
import { isWithin } from "#lib/client/time-range.ts";
import type { ServiceEvent } from "#lib/domain/fleet/schemas.ts";
import { TimeRangeBar } from "../../../../../ui/chart/time-range-bar.tsx";
import type { useTimeRange } from "../../../../../ui/chart/use-time-range.ts";
import { TimeAgo, useNow } from "../../../../../ui/clock.tsx";
import { type Column, DataTable } from "../../../../../ui/data-table.tsx";
import { Identifier } from "../../../../../ui/identifier.tsx";
import { Empty } from "../../../../../ui/notices.tsx";
import { StatusShape } from "../../../../../ui/status.tsx";

const columns: Column<ServiceEvent>[] = [
  {
    id: "last",
    header: "Last",
    width: "w-24",
    essential: true,
    cell: (event) => <TimeAgo at={event.lastAt} className="text-ink-2" />,
  },
  {
    id: "reason",
    header: "Reason",
    width: "w-48 max-md:w-34",
    essential: true,
    cell: (event) => (
      <span className={event.type === "Normal" ? "text-ink" : "font-medium text-warn"}>
        {event.type !== "Normal" && <StatusShape health="degraded" className="mr-1.5 inline-block" />}
        {event.reason}
        {event.type !== "Normal" && <span className="sr-only"> ({event.type})</span>}
      </span>
    ),
  },
  {
    id: "message",
    header: "Message",
    essential: true,
    cell: (event) => (
      <span title={event.message} className="text-ink-2">
        {event.message}
      </span>
    ),
  },
  {
    id: "object",
    header: "Object",
    width: "w-72",
    cell: (event) => (
      <span className="flex gap-2">
        <span className="text-ink-3">{event.objectKind}</span>
        <Identifier name={event.objectName} />
      </span>
    ),
  },
  { id: "count", header: "Count", width: "w-16", align: "right", cell: (event) => event.count },
  {
    id: "first",
    header: "First",
    width: "w-24",
    align: "right",
    cell: (event) => <TimeAgo at={event.firstAt} className="text-ink-3" />,
  },
];

type Properties = { events: ServiceEvent[]; time: Pick<ReturnType<typeof useTimeRange>, "range" | "setRange"> };

export function EventsTab({ events, time }: Properties) {
  const now = useNow();
  const shown = now === null ? events : events.filter((event) => isWithin(time.range, now / 1000, event));
  const others = events.length - shown.length;
  return (
    <>
      <div className="flex min-h-10 flex-wrap items-center gap-x-3 gap-y-1.5 border-b px-4 py-1.5">
        <TimeRangeBar range={time.range} onRange={time.setRange} />
        <span className="ml-auto text-xs text-ink-3" role="status">
          {others > 0 && `${countOf(others, "event")} of other times not shown. `}Kubernetes keeps events for about an hour.
        </span>
      </div>
      <DataTable
        label="Events"
        columns={columns}
        rows={shown}
        keyOf={(event) => event.uid}
        stickyTop="top-9"
        empty={
          <Empty title={others > 0 ? "No events in this time" : "No events"}>
            What happens to this service and its instances appears here.
          </Empty>
        }
      />
    </>
  );
}
