"use client";
import { createContext, useContext } from "react";
import type { ReportDraft } from "#lib/client/incident-view.ts";

export type Incidents = {
  /** Opens the report's dialog; without a draft it begins with what the page where one is knows. */
  report: (draft?: ReportDraft) => void;
};

export const IncidentContext = createContext<Incidents | null>(null);

/** Opens the report's dialog, which the IncidentProvider holds. */
export function useIncidents(): Incidents {
  const incidents = useContext(IncidentContext);
  if (!incidents) throw new Error("useIncidents belongs inside the console.");
  return incidents;
}
