"use client";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { auditKeys } from "#lib/client/audit.ts";
import { incidentKeys } from "#lib/client/incidents.ts";

/** Sends a change of an incident; what pages show of incidents and of the audit is asked again after it. */
export function useIncidentWrite({ onDone }: { onDone?: () => void } = {}) {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (write: () => Promise<unknown>) => write(),
    onSuccess: onDone,
    onSettled: () => {
      void queries.invalidateQueries({ queryKey: incidentKeys.all });
      void queries.invalidateQueries({ queryKey: auditKeys.all });
    },
  });
}
