import { queryOptions } from "@tanstack/react-query";
import type { Revision, ServiceAnswer, ServicesAnswer } from "#lib/domain/fleet/schemas.ts";
import { request, serviceAddress } from "./api.ts";

export const fleetKeys = {
  all: ["fleet"] as const,
  services: ["fleet", "services"] as const,
  service: (id: string) => ["fleet", "service", id] as const,
  revisions: (id: string) => ["fleet", "revisions", id] as const,
};

/** Every managed service with its figures and the feeds. Kept fresh by the live stream, not by asking again. */
export const servicesQuery = queryOptions({
  queryKey: fleetKeys.services,
  queryFn: ({ signal }) => request<ServicesAnswer>("/api/services", { signal }),
  staleTime: Number.POSITIVE_INFINITY,
});

/** One service ("namespace/name") with its instances and events; likewise live. */
export const serviceQuery = (id: string) =>
  queryOptions({
    queryKey: fleetKeys.service(id),
    queryFn: ({ signal }) => request<ServiceAnswer>(serviceAddress(id), { signal }),
    staleTime: Number.POSITIVE_INFINITY,
  });

/** A service's history, newest first. `templateHash` makes a new template ask again. */
export const revisionsQuery = (id: string, templateHash: string) =>
  queryOptions({
    queryKey: [...fleetKeys.revisions(id), templateHash],
    queryFn: ({ signal }) => request<{ revisions: Revision[] }>(`${serviceAddress(id)}/revisions`, { signal }),
    staleTime: 5000,
    placeholderData: (previous) => previous,
  });
