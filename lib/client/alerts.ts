import { infiniteQueryOptions, keepPreviousData, queryOptions } from "@tanstack/react-query";
import type {
  AcknowledgeInput,
  AcknowledgeResult,
  AlertDetail,
  AlertFacets,
  HistoryInput,
  HistoryPage,
  HistorySummary,
  LiveAlerts,
  LiveAlertsInput,
  RulesAnswer,
  RulesInput,
} from "#lib/domain/alerts/schemas.ts";
import type {
  CreateSilenceInput,
  ExpireSilenceInput,
  ExtendSilenceInput,
  ListSilencesInput,
  PreviewSilenceInput,
  SilencePreview,
  SilenceResult,
  SilencesAnswer,
} from "#lib/domain/alerts/silences-schemas.ts";
import { queryString, request } from "./api.ts";

/** Everything below `all` is asked again when the stream says that alerts changed, and after each change from here. */
export const alertKeys = {
  all: ["alerts"] as const,
  live: ["alerts", "live"] as const,
  history: ["alerts", "history"] as const,
  one: ["alerts", "one"] as const,
  silences: ["alerts", "silences"] as const,
  spans: ["alerts", "spans"] as const,
  rules: ["rules"] as const,
};

export type LiveAlertsFilter = LiveAlertsInput;
export type HistoryPageFilter = Omit<HistoryInput, "cursor" | "limit">;

/** The open alerts. The stream's hint brings changes at once; the interval is for a stream that is lost. */
export const liveAlertsQuery = (filter: LiveAlertsFilter = {}) =>
  queryOptions({
    queryKey: [...alertKeys.live, filter],
    queryFn: ({ signal }) => request<LiveAlerts>(`/api/alerts${queryString(filter)}`, { signal }),
    placeholderData: keepPreviousData,
    refetchInterval: 15_000,
  });

/** The history, newest first, a page at a time. */
export const alertHistoryQuery = (filter: HistoryPageFilter) =>
  infiniteQueryOptions({
    queryKey: [...alertKeys.history, filter],
    queryFn: ({ pageParam, signal }) =>
      request<HistoryPage>(`/api/alerts/history${queryString({ ...filter, cursor: pageParam, limit: 50 })}`, { signal }),
    initialPageParam: null as string | null,
    getNextPageParam: (last) => last.nextCursor,
    placeholderData: keepPreviousData,
    refetchInterval: 30_000,
  });

/** The density strip, the top talkers and what flaps, for the same filter. */
export const alertSummaryQuery = (filter: HistoryPageFilter) =>
  queryOptions({
    queryKey: [...alertKeys.history, "summary", filter],
    queryFn: ({ signal }) => request<HistorySummary>(`/api/alerts/history/summary${queryString(filter)}`, { signal }),
    placeholderData: keepPreviousData,
    refetchInterval: 30_000,
  });

/** Where the CSV of what the filter finds is downloaded. */
export const alertExportAddress = (filter: HistoryPageFilter) => `/api/alerts/export${queryString(filter)}`;

/** What there is to filter by. */
export const alertFacetsQuery = queryOptions({
  queryKey: [...alertKeys.all, "facets"],
  queryFn: ({ signal }) => request<AlertFacets>("/api/alerts/facets", { signal }),
  staleTime: 60_000,
});

/** One alert with what happened to it and what was done before it. */
export const alertQuery = (id: string) =>
  queryOptions({
    queryKey: [...alertKeys.one, id],
    queryFn: ({ signal }) => request<AlertDetail>(`/api/alerts/${encodeURIComponent(id)}`, { signal }),
    refetchInterval: 15_000,
  });

export const silencesQuery = (filter: ListSilencesInput = {}) =>
  queryOptions({
    queryKey: [...alertKeys.silences, filter],
    queryFn: ({ signal }) => request<SilencesAnswer>(`/api/silences${queryString(filter)}`, { signal }),
    refetchInterval: 15_000,
  });

/** What a silence would hide; asked while its matchers are edited. */
export const silencePreviewQuery = (input: PreviewSilenceInput) =>
  queryOptions({
    queryKey: [...alertKeys.silences, "preview", input],
    queryFn: ({ signal }) => request<SilencePreview>("/api/silences/preview", { method: "POST", body: input, signal }),
    placeholderData: keepPreviousData,
    retry: false,
  });

export const rulesQuery = (filter: RulesInput = {}) =>
  queryOptions({
    queryKey: [...alertKeys.rules, filter],
    queryFn: ({ signal }) => request<RulesAnswer>(`/api/rules${queryString(filter)}`, { signal }),
    placeholderData: keepPreviousData,
    refetchInterval: 10_000,
  });

export const acknowledgeAlerts = (input: AcknowledgeInput) =>
  request<AcknowledgeResult>("/api/alerts/acknowledge", { method: "POST", body: input });
export const unacknowledgeAlerts = (input: AcknowledgeInput) =>
  request<AcknowledgeResult>("/api/alerts/unacknowledge", { method: "POST", body: input });

export const createSilence = (input: CreateSilenceInput) =>
  request<SilenceResult>("/api/silences", { method: "POST", body: input });
export const extendSilence = (id: string, input: ExtendSilenceInput) =>
  request<SilenceResult>(`/api/silences/${encodeURIComponent(id)}/extend`, { method: "POST", body: input });
export const expireSilence = (id: string, input: ExpireSilenceInput) =>
  request<SilenceResult>(`/api/silences/${encodeURIComponent(id)}/expire`, { method: "POST", body: input });
