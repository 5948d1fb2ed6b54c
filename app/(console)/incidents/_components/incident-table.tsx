"use client";
import { useRouter } from "next/navigation";
import type { ReactNode } from "react";
import { incidentName, isOpen } from "#lib/client/incident-view.ts";
import type { IncidentView } from "#lib/domain/incidents/schemas.ts";
import { Elapsed, TimeAgo } from "../../../ui/clock.tsx";
import { type Column, DataTable } from "../../../ui/data-table.tsx";
import { Tint } from "../../../ui/figure.tsx";
import { DrillBadge, IncidentSeverity, IncidentStep } from "../../../ui/incidents/incident-marks.tsx";

const columns: Column<IncidentView>[] = [
  {
    id: "severity",
    header: "Severity",
    width: "w-28 max-md:w-16",
    essential: true,
    cell: ({ severity }) => (
      <Tint value={severity}>
        <IncidentSeverity severity={severity} isBare="narrow" />
      </Tint>
    ),
  },
  {
    id: "number",
    header: "Number",
    width: "w-20",
    cell: (incident) => <span className="font-mono text-xs text-ink-2">{incidentName(incident)}</span>,
  },
  {
    id: "title",
    header: "What is wrong",
    essential: true,
    cell: ({ title, isDrill }) => (
      <span title={title} className="font-medium">
        {isDrill && <DrillBadge />} {title}
      </span>
    ),
  },
  {
    id: "services",
    header: "Services",
    width: "w-36",
    cell: ({ services }) => {
      const names = services.map(({ name }) => name).join(", ");
      return (
        <span className="name" title={names}>
          {names || "–"}
        </span>
      );
    },
  },
  {
    id: "step",
    header: "Step",
    width: "w-36",
    cell: ({ step }) => (
      <Tint value={step}>
        <IncidentStep step={step} />
      </Tint>
    ),
  },
  {
    id: "commander",
    header: "Commander",
    width: "w-28",
    cell: ({ commander, clock }) =>
      commander ?? <span className={clock.resolvedAt === null ? "text-warn" : "text-ink-3"}>nobody</span>,
  },
  {
    id: "impact",
    header: "Impact since",
    width: "w-28",
    cell: ({ clock }) => <TimeAgo at={clock.impactStartedAt} className="text-ink-2" />,
  },
  {
    id: "took",
    header: "Took",
    width: "w-24 max-md:w-20",
    align: "right",
    essential: true,
    cell: (incident) => (
      <span className={isOpen(incident) ? "font-medium" : "text-ink-2"}>
        <Elapsed from={incident.clock.impactStartedAt} to={incident.clock.resolvedAt} />
      </span>
    ),
  },
  {
    id: "postmortem",
    header: "Postmortem",
    width: "w-28",
    cell: ({ needsPostmortem, step }) =>
      needsPostmortem ? (
        <span className="text-warn">Required</span>
      ) : (
        <span className="text-ink-3">{step === "done" ? "Done" : "–"}</span>
      ),
  },
];

/** Incidents as rows; each opens under its address. */
export function IncidentTable({ incidents, empty }: { incidents: IncidentView[]; empty: ReactNode }) {
  const router = useRouter();
  return (
    <DataTable
      label="Incidents"
      columns={columns}
      rows={incidents}
      keyOf={(incident) => incident.id}
      nameOf={(incident) => `${incidentName(incident)} ${incident.severity} ${incident.title}`}
      onOpen={(incident) => router.push(`/incidents/${incident.id}`)}
      empty={empty}
    />
  );
}
