import { HydrationBoundary } from "@tanstack/react-query";
import type { Metadata } from "next";
import { incidentTrendsQuery, trendDays } from "#lib/client/incident-trends.ts";
import { getIncidentTrends } from "#lib/domain/incidents/trends/queries.ts";
import { readFirstData } from "../../first-data.ts";
import { TrendsPage } from "../_components/trends-page.tsx";

export const metadata: Metadata = { title: "Incident trends" };

type Properties = { searchParams: Promise<Record<string, string | string[] | undefined>> };

export default async function Page({ searchParams }: Properties) {
  const { days: asked } = await searchParams;
  const days = trendDays({ get: () => (typeof asked === "string" ? asked : null) });
  const firstData = await readFirstData("/incidents/trends", [
    [incidentTrendsQuery(Number(days)).queryKey, (context) => getIncidentTrends(context, { days })],
  ]);
  return (
    <HydrationBoundary state={firstData}>
      <TrendsPage />
    </HydrationBoundary>
  );
}
