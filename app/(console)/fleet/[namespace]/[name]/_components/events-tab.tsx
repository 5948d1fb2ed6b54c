"use client";
import type { ServiceEvent } from "#lib/domain/fleet/schemas.ts";
import { TimeAgo } from "../../../../../ui/clock.tsx";
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

export function EventsTab({ events }: { events: ServiceEvent[] }) {
  return (
    <DataTable
      label="Events"
      columns={columns}
      rows={events}
      keyOf={(event) => event.uid}
      stickyTop="top-9"
      empty={
        <Empty title="No events">
          Kubernetes keeps events for about an hour. What happens to this service and its instances appears here.
        </Empty>
      }
    />
  );
}
