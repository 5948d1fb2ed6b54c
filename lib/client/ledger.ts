import { queryOptions } from "@tanstack/react-query";
import type { LatestChanges, LedgerAnswer } from "#lib/domain/ledger/schemas.ts";
import { queryString, request } from "./api.ts";

export const ledgerKeys = { all: ["ledger"] as const };

/** What was done to a service ("namespace/name") within a span, in Unix seconds. */
export const ledgerQuery = (id: string, span: { from: number; to: number }) =>
  queryOptions({
    queryKey: [...ledgerKeys.all, id, span.from, span.to],
    queryFn: ({ signal }) =>
      request<LedgerAnswer>(`/api/services/${id.split("/").map(encodeURIComponent).join("/")}/ledger${queryString(span)}`, {
        signal,
      }),
    refetchInterval: 15_000,
    placeholderData: (previous) => previous,
  });

/** The last change of each service. */
export const latestChangesQuery = queryOptions({
  queryKey: [...ledgerKeys.all, "latest"],
  queryFn: ({ signal }) => request<LatestChanges>("/api/ledger/latest", { signal }),
  refetchInterval: 10_000,
});
