import { queryOptions } from "@tanstack/react-query";
import type { AlertSpans } from "#lib/domain/alerts/schemas.ts";
import type { LedgerAnswer } from "#lib/domain/ledger/schemas.ts";
import type {
  ChangePanelInput,
  Comparison,
  CreatePanelInput,
  ExpressionCheck,
  HidePanelInput,
  MetricNames,
  PanelPreview,
  PanelsAnswer,
  SavedPanel,
} from "#lib/domain/metrics/schemas.ts";
import { alertKeys } from "./alerts.ts";
import { queryString, request, serviceAddress } from "./api.ts";
import { auditKeys } from "./audit.ts";
import { mergeTail } from "./metrics-tail.ts";
import { lengthOf, rangeKey, rangeQuery, spanOf, type TimeRange } from "./time-range.ts";

export const metricsKeys = {
  all: ["metrics"] as const,
  panels: (id: string) => ["metrics", "panels", id] as const,
  checks: (id: string) => ["metrics", "check", id] as const,
  names: (id: string) => ["metrics", "names", id] as const,
};

const fastestMs = 5_000;
const slowestMs = 60_000;

/** How often a live range is asked again: about as often as it gets a point. */
function paceMs(range: TimeRange): number {
  return Math.min(slowestMs, Math.max(fastestMs, (lengthOf(range) / 240) * 1000));
}

/**
 * A service's charts over a range. Of a live range only what came since is asked again and put on; when that does not fit
 * (a chart was edited, a series came), the whole is asked. `panel` asks for one chart by its id.
 */
export const panelsQuery = (id: string, range: TimeRange, compare: Comparison | null, panel?: string) =>
  chartsQuery(id, range, { compare, panel: panel ?? null });

/** Likewise the charts that show a rollout's candidate beside what it is to replace. */
export const trackPanelsQuery = (id: string, range: TimeRange) => chartsQuery(id, range, { by: "track" });

const chartsQuery = (id: string, range: TimeRange, chosen: Record<string, string | null>) =>
  queryOptions({
    queryKey: [...metricsKeys.panels(id), rangeKey(range), chosen],
    queryFn: async ({ client, queryKey, signal }): Promise<PanelsAnswer> => {
      const ask = (since?: number) =>
        request<PanelsAnswer>(`${serviceAddress(id)}/panels${queryString({ ...rangeQuery(range), ...chosen, since })}`, {
          signal,
        });
      const held = range.kind === "live" ? client.getQueryData<PanelsAnswer>(queryKey) : undefined;
      const merged = held && mergeTail(held, await ask(held.tailSince));
      return merged ?? ask();
    },
    // mergeTail keeps what is the same; comparing every point again would only cost.
    structuralSharing: false,
    refetchInterval: ({ state }) => {
      if (range.kind === "live") return paceMs(range);
      return state.data?.panels.some((panel) => panel.problem && panel.dataTo < (state.data?.to ?? 0)) ? 15_000 : false;
    },
    placeholderData: (previous, query) => (query?.queryKey[2] === id ? previous : undefined),
  });

const marksPaceMs = 10_000;

/** What was done to a service in the time that its charts show. */
export const marksQuery = (id: string, range: TimeRange) =>
  queryOptions({
    queryKey: [...auditKeys.all, "ledger", id, rangeKey(range)],
    queryFn: ({ signal }) => request<LedgerAnswer>(`${serviceAddress(id)}/ledger${queryString(wholeSpan(range))}`, { signal }),
    refetchInterval: range.kind === "live" ? marksPaceMs : false,
    placeholderData: (previous, query) => (query?.queryKey[2] === id ? previous : undefined),
  });

/** A service's alerts in the time that its charts show. */
export const spansQuery = (id: string, range: TimeRange) =>
  queryOptions({
    queryKey: [...alertKeys.spans, id, rangeKey(range)],
    queryFn: ({ signal }) => request<AlertSpans>(`${serviceAddress(id)}/alerts${queryString(wholeSpan(range))}`, { signal }),
    refetchInterval: range.kind === "live" ? marksPaceMs : false,
    placeholderData: (previous, query) => (query?.queryKey[2] === id ? previous : undefined),
  });

function wholeSpan(range: TimeRange) {
  const { from, to } = spanOf(range, Date.now() / 1000);
  return { from: Math.floor(from), to: Math.ceil(to) };
}

/** What the server says of an expression as it is typed. */
export const expressionCheckQuery = (id: string, expr: string) =>
  queryOptions({
    queryKey: [...metricsKeys.checks(id), expr],
    queryFn: ({ signal }) =>
      request<ExpressionCheck>(`${serviceAddress(id)}/panels/check`, { method: "POST", body: { expr }, signal }),
    enabled: expr.trim() !== "",
    staleTime: 30_000,
    retry: false,
    placeholderData: (previous) => previous,
  });

export type PanelFields = Omit<ChangePanelInput, "version">;

/** A chart as it would be drawn, before it is saved. */
export const panelPreviewQuery = (id: string, fields: PanelFields | null, range: TimeRange) =>
  queryOptions({
    queryKey: [...metricsKeys.checks(id), "preview", fields, rangeKey(range)],
    queryFn: ({ signal }) =>
      request<PanelPreview>(`${serviceAddress(id)}/panels/preview${queryString(rangeQuery(range))}`, {
        method: "POST",
        body: fields,
        signal,
      }),
    enabled: fields !== null,
    staleTime: 30_000,
    retry: false,
    placeholderData: (previous) => previous,
  });

/** The names of a service's metrics, to complete while an expression is typed. */
export const metricNamesQuery = (id: string) =>
  queryOptions({
    queryKey: metricsKeys.names(id),
    queryFn: ({ signal }) => request<MetricNames>(`${serviceAddress(id)}/panels/metrics`, { signal }),
    staleTime: 60_000,
    retry: false,
  });

export const createPanel = (id: string, input: CreatePanelInput | HidePanelInput) =>
  request<SavedPanel>(`${serviceAddress(id)}/panels`, { method: "POST", body: input });
export const changePanel = (id: string, panelId: string, input: ChangePanelInput) =>
  request<SavedPanel>(`${serviceAddress(id)}/panels/${encodeURIComponent(panelId)}`, { method: "PATCH", body: input });
/** Hides a stored chart, or shows what is hidden again. */
export const showPanel = (id: string, panelId: string, version: number, hidden: boolean) =>
  request<SavedPanel>(`${serviceAddress(id)}/panels/${encodeURIComponent(panelId)}`, {
    method: "PATCH",
    body: { version, hidden },
  });
/** Takes a service's own chart away: an added one is gone, in place of the kind's chart that one comes back. */
export const removePanel = (id: string, panelId: string, version: number) =>
  request<SavedPanel>(`${serviceAddress(id)}/panels/${encodeURIComponent(panelId)}${queryString({ version })}`, {
    method: "DELETE",
  });

/** Where a service's charts are downloaded as a Grafana dashboard. */
export const grafanaAddress = (id: string) => `${serviceAddress(id)}/panels/grafana`;
