"use client";
import { useQuery } from "@tanstack/react-query";
import Link from "next/link";
import { byWeight, incidentName, onServices } from "#lib/client/incident-view.ts";
import { latestIncidentsQuery } from "#lib/client/incidents.ts";
import { Elapsed } from "../clock.tsx";
import { DrillBadge, IncidentSeverity, IncidentStep } from "./incident-marks.tsx";

/** The incidents that are open on a service ("namespace/name"), a line each; nothing when there is none. */
export function OpenIncidents({ service }: { service: string | null }) {
  const open = useQuery(latestIncidentsQuery()).data?.items ?? [];
  const shown = service === null ? [] : onServices(open, [service]).sort(byWeight);
  if (shown.length === 0) return null;
  return (
    <ul aria-label="Open incidents" className="mt-2 grid gap-1">
      {shown.map((incident) => (
        <li key={incident.id} className="flex min-w-0 flex-wrap items-center gap-x-3">
          <IncidentSeverity severity={incident.severity} isBare />
          <Link href={`/incidents/${incident.id}`} className="min-w-0 truncate font-medium hover:underline">
            {incidentName(incident)} {incident.title}
          </Link>
          {incident.isDrill && <DrillBadge />}
          <span className="text-xs text-ink-2">
            <IncidentStep step={incident.step} />
          </span>
          <span className="text-xs text-ink-3">
            <Elapsed from={incident.clock.impactStartedAt} to={null} />
          </span>
        </li>
      ))}
    </ul>
  );
}
