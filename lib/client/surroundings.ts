import { queryOptions } from "@tanstack/react-query";
import type { HostsAnswer, OutsideAnswer } from "#lib/domain/fleet/schemas.ts";
import { request } from "./api.ts";

/** The services that Prometheus scrapes outside the cluster. */
export const outsideQuery = queryOptions({
  queryKey: ["fleet", "outside"],
  queryFn: ({ signal }) => request<OutsideAnswer>("/api/outside", { signal }),
  refetchInterval: 10_000,
});

/** What the hosts of the cluster's nodes do. */
export const hostsQuery = queryOptions({
  queryKey: ["fleet", "hosts"],
  queryFn: ({ signal }) => request<HostsAnswer>("/api/hosts", { signal }),
  refetchInterval: 10_000,
});
