import type { QueryClient } from "@tanstack/react-query";
import { alertQuery } from "#lib/client/alerts.ts";
import { type ReportDraft, reportOfAlert, reportOfRollout } from "#lib/client/incident-view.ts";
import { rolloutDetailQuery } from "#lib/client/rollouts.ts";

/** What a report begins with on a page: the service, the alert or the rollout that is looked at. */
export function draftFrom(pathname: string, queries: Pick<QueryClient, "getQueryData">): ReportDraft {
  const [area, first, second] = pathname.split("/").filter(Boolean).map(decodeURIComponent);
  if (first === undefined) return {};
  if (area === "fleet" && second) return { services: [`${first}/${second}`] };
  if (area === "alerts") {
    const alert = queries.getQueryData(alertQuery(first).queryKey);
    return alert ? reportOfAlert(alert) : {};
  }
  if (area === "rollouts") {
    const rollout = queries.getQueryData(rolloutDetailQuery(first).queryKey);
    return rollout ? reportOfRollout(rollout) : {};
  }
  return {};
}
