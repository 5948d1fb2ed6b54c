import { queryOptions } from "@tanstack/react-query";
import type { IncidentTrends, ServiceReliability } from "#lib/domain/incidents/trends/schemas.ts";
import { queryString, request, serviceAddress } from "./api.ts";
import { incidentKeys } from "./incidents.ts";

/** The times that trends are shown for, in days. */
export const trendSpans: Record<string, string> = { "7": "7 days", "30": "30 days", "90": "90 days", "365": "A year" };

/** The days that an address asks for; 90 when it asks for none that there are. */
export function trendDays(search: { get(name: string): string | null }): string {
  const asked = search.get("days") ?? "";
  return Object.hasOwn(trendSpans, asked) ? asked : "90";
}

export const incidentTrendsQuery = (days: number) =>
  queryOptions({
    queryKey: [...incidentKeys.all, "trends", days],
    queryFn: ({ signal }) => request<IncidentTrends>(`/api/incidents/trends${queryString({ days })}`, { signal }),
    refetchInterval: 60_000,
  });

/** How reliable a service ("namespace/name") was in the last days. */
export const reliabilityQuery = (id: string, days: number) =>
  queryOptions({
    queryKey: [...incidentKeys.all, "reliability", id, days],
    queryFn: ({ signal }) => request<ServiceReliability>(`${serviceAddress(id)}/reliability${queryString({ days })}`, { signal }),
    refetchInterval: 60_000,
  });
