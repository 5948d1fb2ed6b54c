import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import type { Page } from "#lib/domain/rollouts/schemas.ts";
import type {
  KindRunbooks,
  ListRunbooksInput,
  NeededRunbook,
  RunbookRef,
  RunbookRow,
  RunbookVersionView,
  RunbookView,
  SaveRunbookInput,
} from "#lib/domain/runbooks/schemas.ts";
import { queryString, request } from "./api.ts";

export const runbookKeys = { all: ["runbooks"] as const };

const parts = ({ scope, group, name }: RunbookRef) => [scope, group, name].map(encodeURIComponent).join("/");

/** The page of a runbook; with `service` (namespace/name) its buttons act on that one. */
export function runbookAddress(ref: RunbookRef, service: string | null = null): string {
  return `/runbooks/${parts(ref)}${queryString({ service: ref.scope === "service" ? null : service })}`;
}

export const runbooksQuery = (filter: Pick<ListRunbooksInput, "scope" | "search">) =>
  infiniteQueryOptions({
    queryKey: [...runbookKeys.all, "list", filter],
    queryFn: ({ pageParam, signal }) =>
      request<Page<RunbookRow>>(`/api/runbooks${queryString({ ...filter, cursor: pageParam, limit: 200 })}`, { signal }),
    initialPageParam: null as string | null,
    getNextPageParam: (last) => last.nextCursor,
  });

export const runbookQuery = (ref: RunbookRef) =>
  queryOptions({
    queryKey: [...runbookKeys.all, "one", ref],
    queryFn: ({ signal }) => request<RunbookView>(`/api/runbooks/${parts(ref)}`, { signal }),
  });

/** What a kind of daemon delivers, and what people made of it. */
export const kindRunbooksQuery = (kind: string) =>
  queryOptions({
    queryKey: [...runbookKeys.all, "of-kind", kind],
    queryFn: ({ signal }) => request<KindRunbooks>(`/api/runbooks/of-kind/${encodeURIComponent(kind)}`, { signal }),
  });

export const runbookVersionsQuery = (ref: RunbookRef) =>
  queryOptions({
    queryKey: [...runbookKeys.all, "versions", ref],
    queryFn: ({ signal }) => request<{ items: RunbookVersionView[] }>(`/api/runbooks/${parts(ref)}/versions`, { signal }),
  });

export const runbookVersionQuery = (ref: RunbookRef, version: number) =>
  queryOptions({
    queryKey: [...runbookKeys.all, "version", ref, version],
    queryFn: ({ signal }) =>
      request<{ version: number; text: string }>(`/api/runbooks/${parts(ref)}/versions/${version}`, { signal }),
    // What is delivered may be another text after an upgrade, every other version stays.
    staleTime: version === 0 ? 0 : Number.POSITIVE_INFINITY,
  });

/** What an incident needs; alerts that begin to fire bring theirs. */
export const incidentRunbooksQuery = (id: string) =>
  queryOptions({
    queryKey: [...runbookKeys.all, "of-incident", id],
    queryFn: ({ signal }) =>
      request<{ items: NeededRunbook[] }>(`/api/runbooks/of-incident/${encodeURIComponent(id)}`, { signal }),
    refetchInterval: 10_000,
  });

export const alertRunbookQuery = (id: string) =>
  queryOptions({
    queryKey: [...runbookKeys.all, "of-alert", id],
    queryFn: ({ signal }) =>
      request<{ item: NeededRunbook | null }>(`/api/runbooks/of-alert/${encodeURIComponent(id)}`, { signal }),
    staleTime: 60_000,
  });

/** Writes the next version; the same sent twice is one version. */
export const saveRunbook = (ref: RunbookRef, input: SaveRunbookInput) =>
  request<RunbookView>(`/api/runbooks/${parts(ref)}`, { method: "PUT", body: input });
