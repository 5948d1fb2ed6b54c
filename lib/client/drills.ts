import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import type { z } from "zod";
import type {
  DrillDetail,
  DrillPreview,
  DrillScheduleView,
  DrillState,
  DrillView,
  drillScheduleSchema,
  listDrillsSchema,
  previewDrillSchema,
  startDrillSchema,
} from "#lib/domain/recovery/drills/schemas.ts";
import type { Page } from "#lib/domain/rollouts/schemas.ts";
import { queryString, request } from "./api.ts";
import type { Started } from "./backups.ts";

export const drillKeys = { all: ["drills"] as const };

export type DrillFilter = Omit<z.output<typeof listDrillsSchema>, "cursor" | "limit">;

export const isDrilling = (state: DrillState) => state === "queued" || state === "running";

/** The newest drills in one page; asked often while one is carried out. */
export const latestDrillsQuery = (filter: DrillFilter = {}, limit = 100) =>
  queryOptions({
    queryKey: [...drillKeys.all, "latest", filter, limit],
    queryFn: ({ signal }) => request<Page<DrillView>>(`/api/drills${queryString({ ...filter, limit })}`, { signal }),
    refetchInterval: (query) => (query.state.data?.items.some(({ state }) => isDrilling(state)) ? 2000 : 15_000),
  });

/** Enough to hold those under way, which every page shows. */
export const newestDrillsQuery = latestDrillsQuery({}, 10);

/** All drills, newest first, a page at a time. */
export const drillsQuery = (filter: DrillFilter) =>
  infiniteQueryOptions({
    queryKey: [...drillKeys.all, "list", filter],
    queryFn: ({ pageParam, signal }) =>
      request<Page<DrillView>>(`/api/drills${queryString({ ...filter, cursor: pageParam, limit: 50 })}`, { signal }),
    initialPageParam: null as string | null,
    getNextPageParam: (last) => last.nextCursor,
    refetchInterval: 5000,
  });

const addressOf = (id: string) => `/api/drills/${encodeURIComponent(id)}`;

/** One drill with what happens in it, asked every second until it is over. */
export const drillQuery = (id: string) =>
  queryOptions({
    queryKey: [...drillKeys.all, "one", id],
    queryFn: ({ signal }) => request<DrillDetail>(addressOf(id), { signal }),
    refetchInterval: ({ state: { data, status } }) =>
      status === "error" ? 3000 : data && !isDrilling(data.drill.state) ? 30_000 : 1000,
  });

/** Where its report is taken as Markdown. */
export const drillReportAddress = (id: string) => `${addressOf(id)}/report.md`;

export type DrillQuestion = z.input<typeof previewDrillSchema>;

/** What a drill would do, what stands against it, and what it cannot show; nothing is done. */
export const drillPreviewQuery = (question: DrillQuestion | null) =>
  queryOptions({
    queryKey: [...drillKeys.all, "preview", question],
    queryFn: ({ signal }) => request<DrillPreview>("/api/drills/preview", { method: "POST", body: question, signal }),
    enabled: question !== null,
    refetchInterval: 5000,
    gcTime: 0,
    retry: false,
  });

/** Begins it; the same key with the same input is done once, however often it is sent. */
export const startDrill = (input: z.input<typeof startDrillSchema>, idempotencyKey: string) =>
  request<Started>("/api/drills", { method: "POST", body: input, headers: { "idempotency-key": idempotencyKey } });

export const abortDrill = (id: string, reason: string, idempotencyKey: string) =>
  request<unknown>(`${addressOf(id)}/abort`, {
    method: "POST",
    body: { reason },
    headers: { "idempotency-key": idempotencyKey },
  });

export const drillSchedulesQuery = queryOptions({
  queryKey: [...drillKeys.all, "schedules"],
  queryFn: ({ signal }) => request<DrillScheduleView[]>("/api/drill-schedules", { signal }),
  refetchInterval: 15_000,
});

export const setDrillSchedule = (input: z.input<typeof drillScheduleSchema>, idempotencyKey: string) =>
  request<DrillScheduleView>("/api/drill-schedules", {
    method: "PUT",
    body: input,
    headers: { "idempotency-key": idempotencyKey },
  });

export const deleteDrillSchedule = (id: string, reason: string) =>
  request<unknown>(`/api/drill-schedules/${encodeURIComponent(id)}`, { method: "DELETE", body: { reason } });
