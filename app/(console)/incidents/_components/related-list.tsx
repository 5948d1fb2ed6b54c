"use client";
import { useQuery } from "@tanstack/react-query";
import Link from "next/link";
import { incidentName } from "#lib/client/incident-view.ts";
import { putLink, relatedIncidentsQuery } from "#lib/client/incidents.ts";
import { formatDuration } from "#lib/domain/duration.ts";
import type { RelatedIncident } from "#lib/domain/incidents/schemas.ts";
import { Button } from "../../../ui/button.tsx";
import { TimeAgo } from "../../../ui/clock.tsx";
import { ErrorNotice } from "../../../ui/notices.tsx";
import { useRoleRefusal } from "../../../ui/session.tsx";
import { useIncidentWrite } from "./use-incident-write.ts";

/** Earlier incidents that look like this one, to read how they ended; nothing where there are none. */
export function RelatedList({ incidentId }: { incidentId: string }) {
  const { data: related = [], refetch } = useQuery(relatedIncidentsQuery(incidentId));
  const refusal = useRoleRefusal("operator");
  const write = useIncidentWrite({ onDone: () => void refetch() });
  if (related.length === 0) return null;
  return (
    <div className="border-b">
      <h3 className="px-4 pt-2 text-xs text-ink-3">Looked like it before</h3>
      <ul>
        {related.map((each) => (
          <li key={each.id} className="flex h-8 min-w-0 items-center gap-2 px-4">
            <span className="shrink-0 text-ink-3">{each.severity}</span>
            <Link
              href={`/incidents/${each.id}`}
              title={`Both have ${each.why}`}
              className="min-w-0 truncate font-medium hover:underline"
            >
              {incidentName(each)} {each.title}
            </Link>
            {each.hasPostmortem && (
              <Link href={`/incidents/${each.id}/postmortem`} className="shrink-0 text-accent hover:underline">
                Postmortem
              </Link>
            )}
            <span className="ml-auto shrink-0 text-xs text-ink-3">
              {endOf(each)} <TimeAgo at={each.at} />
            </span>
            <Button
              size="small"
              look="ghost"
              disabledReason={refusal}
              aria-label={`Link ${incidentName(each)}`}
              onClick={() => write.mutate(() => putLink(incidentId, { kind: "incident", targetId: each.id }))}
            >
              Link
            </Button>
          </li>
        ))}
      </ul>
      {write.error !== null && <ErrorNotice className="m-4" what="Not linked" error={write.error} />}
    </div>
  );
}

function endOf({ at, resolvedAt }: RelatedIncident): string {
  return resolvedAt === null ? "still open," : `over in ${formatDuration(Date.parse(resolvedAt) - Date.parse(at))},`;
}
