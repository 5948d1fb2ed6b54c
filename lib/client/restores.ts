import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import type { z } from "zod";
import type {
  RestoreMode,
  RestorePreview,
  RestoreState,
  RestoreView,
  startRestoreSchema,
} from "#lib/domain/recovery/restores/schemas.ts";
import type { Page } from "#lib/domain/rollouts/schemas.ts";
import { queryString, request } from "./api.ts";
import type { Started } from "./backups.ts";

export const restoreKeys = { all: ["restores"] as const };

export type RestoreFilter = { subject?: string; state?: RestoreState };

export const isRestoring = (state: RestoreState) => state === "queued" || state === "running";

/** The newest restores in one page; asked often while one is carried out. */
export const latestRestoresQuery = (filter: RestoreFilter = {}, limit = 20) =>
  queryOptions({
    queryKey: [...restoreKeys.all, "latest", filter, limit],
    queryFn: ({ signal }) => request<Page<RestoreView>>(`/api/restores${queryString({ ...filter, limit })}`, { signal }),
    refetchInterval: (query) => (query.state.data?.items.some(({ state }) => isRestoring(state)) ? 2000 : 15_000),
  });

/** Enough to hold those under way, which every page shows. */
export const newestRestoresQuery = latestRestoresQuery({}, 10);

/** All restores, newest first, a page at a time. */
export const restoresQuery = (filter: RestoreFilter) =>
  infiniteQueryOptions({
    queryKey: [...restoreKeys.all, "list", filter],
    queryFn: ({ pageParam, signal }) =>
      request<Page<RestoreView>>(`/api/restores${queryString({ ...filter, cursor: pageParam, limit: 50 })}`, { signal }),
    initialPageParam: null as string | null,
    getNextPageParam: (last) => last.nextCursor,
    refetchInterval: 5000,
  });

const addressOf = (id: string) => `/api/restores/${encodeURIComponent(id)}`;
const ofBackup = (backupId: string) => `/api/backups/${encodeURIComponent(backupId)}/restores`;

/** One restore with its steps, asked every second until it is over. */
export const restoreQuery = (id: string) =>
  queryOptions({
    queryKey: [...restoreKeys.all, "one", id],
    queryFn: ({ signal }) => request<RestoreView>(addressOf(id), { signal }),
    refetchInterval: ({ state: { data, status } }) =>
      status === "error" ? 3000 : data && !isRestoring(data.state) ? 30_000 : 1000,
  });

export type RestoreOrder = z.input<typeof startRestoreSchema>;

/** What is asked of a dry run. */
export type RestoreQuestion = {
  mode: RestoreMode;
  parts: string[] | null;
  intoNamespace: string | null;
  untilTime: string | null;
};

/** What a restore would change, stop and lose, computed by the server; nothing is written. */
export const restorePreviewQuery = (backupId: string, question: RestoreQuestion | null) =>
  queryOptions({
    queryKey: [...restoreKeys.all, "preview", backupId, question],
    queryFn: ({ signal }) => {
      const { parts = null, ...rest } = question ?? {};
      return request<RestorePreview>(`${ofBackup(backupId)}${queryString({ preview: true, ...rest, parts: parts?.join(",") })}`, {
        signal,
      });
    },
    enabled: question !== null,
    staleTime: 0,
    gcTime: 0,
    retry: false,
  });

/** Begins it; the same key with the same input is done once, however often it is sent. */
export const startRestore = (backupId: string, order: RestoreOrder, idempotencyKey: string) =>
  request<Started>(ofBackup(backupId), { method: "POST", body: order, headers: { "idempotency-key": idempotencyKey } });

export const cancelRestore = (id: string, reason: string, idempotencyKey: string) =>
  request<unknown>(`${addressOf(id)}/cancel`, {
    method: "POST",
    body: { reason },
    headers: { "idempotency-key": idempotencyKey },
  });
