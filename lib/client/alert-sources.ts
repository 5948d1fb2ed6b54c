import { queryOptions } from "@tanstack/react-query";
import type {
  AlertRetention,
  AlertSourceView,
  CreatedSource,
  CreateSourceInput,
  UpdateSourceInput,
} from "#lib/domain/alerts/source-schemas.ts";
import { request } from "./api.ts";

export const alertSourceKeys = { all: ["alert-sources"] as const, retention: ["alert-retention"] as const };

export const alertSourcesQuery = queryOptions({
  queryKey: alertSourceKeys.all,
  queryFn: async ({ signal }) => {
    const answer = await request<AlertSourceView[] | { sources: AlertSourceView[] }>("/api/alert-sources", { signal });
    return Array.isArray(answer) ? answer : answer.sources;
  },
  refetchInterval: 10_000,
});

/** How long alerts are kept. */
export const alertRetentionQuery = queryOptions({
  queryKey: alertSourceKeys.retention,
  queryFn: ({ signal }) => request<AlertRetention>("/api/alert-sources/retention", { signal }),
});
export const setAlertRetention = (input: AlertRetention) =>
  request<AlertRetention>("/api/alert-sources/retention", { method: "PUT", body: input });

const pathOf = (id: string, rest = "") => `/api/alert-sources/${encodeURIComponent(id)}${rest}`;

export const createAlertSource = (input: CreateSourceInput) =>
  request<CreatedSource>("/api/alert-sources", { method: "POST", body: input });
export const updateAlertSource = (id: string, input: UpdateSourceInput) =>
  request<AlertSourceView>(pathOf(id), { method: "PATCH", body: input });
export const removeAlertSource = (id: string) => request<void>(pathOf(id), { method: "DELETE" });
export const rotateAlertSource = (id: string) => request<CreatedSource>(pathOf(id, "/secret"), { method: "POST" });

/** What alertmanager.yml needs so that every alert is sent here. */
export function alertmanagerSnippet(origin: string, name: string, secret: string): string {
  return `route:
  receiver: switchyard
  group_wait: 5s
  group_interval: 30s
receivers:
  - name: switchyard
    webhook_configs:
      - url: ${origin}/api/alerts/webhook/${name}
        send_resolved: true
        max_alerts: 0
        http_config:
          authorization:
            type: Bearer
            credentials: ${secret}
`;
}
