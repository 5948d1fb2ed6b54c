"use client";
import { useQueryClient } from "@tanstack/react-query";
import { type ReactNode, useMemo, useRef, useState } from "react";
import type { ReportDraft } from "#lib/client/incident-view.ts";
import { draftFrom } from "./draft-from.ts";
import { ReportDialog } from "./report-dialog.tsx";
import { IncidentContext, type Incidents } from "./use-incidents.ts";

/** Holds the dialog by which an incident is reported, so that any page and the key `c` can open it. */
export function IncidentProvider({ children }: { children: ReactNode }) {
  const queries = useQueryClient();
  const [open, setOpen] = useState<{ draft: ReportDraft; opening: number } | null>(null);
  const openings = useRef(0);
  const incidents = useMemo<Incidents>(
    () => ({
      report: (draft) => {
        openings.current += 1;
        const opening = openings.current;
        setOpen((current) => current ?? { draft: draft ?? draftFrom(window.location.pathname, queries), opening });
      },
    }),
    [queries],
  );
  return (
    <IncidentContext value={incidents}>
      {children}
      {open && <ReportDialog key={open.opening} draft={open.draft} onClose={() => setOpen(null)} />}
    </IncidentContext>
  );
}
