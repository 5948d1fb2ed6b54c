"use client";
import { Siren } from "lucide-react";
import type { ReportDraft } from "#lib/client/incident-view.ts";
import { Button, type ButtonProps } from "../button.tsx";
import { useRoleRefusal } from "../session.tsx";
import { useIncidents } from "./use-incidents.ts";

/** Reports an incident from where one is. */
export function ReportButton({ draft, look }: { draft?: ReportDraft; look?: ButtonProps["look"] }) {
  const incidents = useIncidents();
  const refusal = useRoleRefusal("operator");
  return (
    <Button look={look} disabledReason={refusal} aria-keyshortcuts="c" onClick={() => incidents.report(draft)}>
      <Siren aria-hidden="true" /> Report an incident
    </Button>
  );
}
