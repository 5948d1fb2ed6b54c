import { infiniteQueryOptions } from "@tanstack/react-query";
import type { Page } from "#lib/domain/rollouts/schemas.ts";
import type { CreateFreezeInput, FreezeWindowView } from "#lib/domain/rollouts/start/freeze-schemas.ts";
import { queryString, request } from "./api.ts";

export const freezeWindowKeys = { all: ["freeze-windows"] as const };

/** When no rollout may begin: now, later, and what has been, a page at a time. */
export const freezeWindowsQuery = infiniteQueryOptions({
  queryKey: freezeWindowKeys.all,
  queryFn: ({ pageParam, signal }) =>
    request<Page<FreezeWindowView>>(`/api/freeze-windows${queryString({ cursor: pageParam })}`, { signal }),
  initialPageParam: null as string | null,
  getNextPageParam: (last) => last.nextCursor,
  refetchInterval: 15_000,
});

export const createFreezeWindow = (input: CreateFreezeInput) =>
  request<FreezeWindowView>("/api/freeze-windows", { method: "POST", body: input });
export const cancelFreezeWindow = (id: string, reason: string) =>
  request<unknown>(`/api/freeze-windows/${encodeURIComponent(id)}`, { method: "DELETE", body: { reason } });

/** What a window covers, in words. */
export function freezeScope({ namespace, service }: Pick<FreezeWindowView, "namespace" | "service">): string {
  if (namespace === null) return "the whole cluster";
  return service === null ? `all of ${namespace}` : `${namespace}/${service}`;
}
