import { queryOptions } from "@tanstack/react-query";
import type { LatestChanges } from "#lib/domain/ledger/schemas.ts";
import { request } from "./api.ts";

/** The last change of each service. */
export const latestChangesQuery = queryOptions({
  queryKey: ["ledger", "latest"],
  queryFn: ({ signal }) => request<LatestChanges>("/api/ledger/latest", { signal }),
  refetchInterval: 10_000,
});
