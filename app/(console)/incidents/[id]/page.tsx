import { HydrationBoundary } from "@tanstack/react-query";
import type { Metadata } from "next";
import { incidentQuery } from "#lib/client/incidents.ts";
import { getIncidentDetail } from "#lib/domain/incidents/detail.ts";
import { readFirstData } from "../../first-data.ts";
import { IncidentPage } from "../_components/incident-page.tsx";

export const metadata: Metadata = { title: "Incident" };

export default async function Page({ params }: { params: Promise<{ id: string }> }) {
  const { id } = await params;
  const firstData = await readFirstData(`/incidents/${encodeURIComponent(id)}`, [
    [incidentQuery(id).queryKey, (context) => getIncidentDetail(context, id, {})],
  ]);
  return (
    <HydrationBoundary state={firstData}>
      <IncidentPage id={id} />
    </HydrationBoundary>
  );
}
