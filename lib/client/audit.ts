import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import type { AuditView, ListAuditInput } from "#lib/domain/audit-schemas.ts";
import type { Page } from "#lib/domain/rollouts/schemas.ts";
import { queryString, request } from "./api.ts";

export const auditKeys = { all: ["audit"] as const };

export type AuditFilter = Partial<
  Pick<ListAuditInput, "actor" | "verb" | "outcome" | "namespace" | "target" | "search" | "from" | "to">
>;

/** The ledger, newest first, a page at a time. */
export const auditQuery = (filter: AuditFilter) =>
  infiniteQueryOptions({
    queryKey: [...auditKeys.all, "list", filter],
    queryFn: ({ pageParam, signal }) =>
      request<Page<AuditView>>(`/api/audit${queryString({ ...filter, cursor: pageParam, limit: 50 })}`, { signal }),
    initialPageParam: null as string | null,
    getNextPageParam: (last) => last.nextCursor,
    refetchInterval: 15_000,
  });

/** One entry, for an address pasted in a chat. */
export const auditEntryQuery = (id: string) =>
  queryOptions({
    queryKey: [...auditKeys.all, "one", id],
    queryFn: ({ signal }) => request<AuditView>(`/api/audit/${encodeURIComponent(id)}`, { signal }),
  });

/** The last hour's actions, for the overview's time line. */
export const lastHourQuery = queryOptions({
  queryKey: [...auditKeys.all, "last-hour"],
  queryFn: ({ signal }) =>
    request<Page<AuditView>>(`/api/audit${queryString({ from: new Date(Date.now() - 3_600_000).toISOString(), limit: 200 })}`, {
      signal,
    }),
  refetchInterval: 10_000,
});
