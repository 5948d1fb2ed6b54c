import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import type { Page, RolloutState, RolloutView } from "#lib/domain/rollouts/schemas.ts";
import { queryString, request } from "./api.ts";

export const rolloutKeys = { all: ["rollouts"] as const };

export type RolloutFilter = { namespace?: string; service?: string; state?: RolloutState };

export const isOver = (state: RolloutState) => state === "complete" || state === "failed" || state === "superseded";

/** The newest rollouts in one page, for overviews and the bar; asked often while one is under way. */
export const latestRolloutsQuery = (filter: RolloutFilter = {}, limit = 50) =>
  queryOptions({
    queryKey: [...rolloutKeys.all, "latest", filter, limit],
    queryFn: ({ signal }) => request<Page<RolloutView>>(`/api/rollouts${queryString({ ...filter, limit })}`, { signal }),
    refetchInterval: (query) => (query.state.data?.items.some((rollout) => !isOver(rollout.state)) ? 2000 : 15_000),
  });

/** All rollouts, newest first, a page at a time. */
export const rolloutsQuery = (filter: RolloutFilter) =>
  infiniteQueryOptions({
    queryKey: [...rolloutKeys.all, "list", filter],
    queryFn: ({ pageParam, signal }) =>
      request<Page<RolloutView>>(`/api/rollouts${queryString({ ...filter, cursor: pageParam, limit: 50 })}`, { signal }),
    initialPageParam: null as string | null,
    getNextPageParam: (last) => last.nextCursor,
    refetchInterval: 5000,
  });

/** One rollout, asked every second until it is over. */
export const rolloutQuery = (id: string) =>
  queryOptions({
    queryKey: [...rolloutKeys.all, "one", id],
    queryFn: ({ signal }) => request<RolloutView>(`/api/rollouts/${encodeURIComponent(id)}`, { signal }),
    refetchInterval: (query) => (query.state.data && isOver(query.state.data.state) ? false : 1000),
  });
