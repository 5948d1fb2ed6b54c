import { queryOptions } from "@tanstack/react-query";
import type { AutoscalingView, ChangeLimitsInput, LimitsPreview } from "#lib/domain/autoscaling/schemas.ts";
import { request, serviceAddress } from "./api.ts";

const address = (id: string) => `${serviceAddress(id)}/autoscaling`;
const keyHeader = (key: string) => ({ "idempotency-key": key });

export const autoscalingKeys = { all: ["autoscaling"] as const };

/** The autoscaler that sets a service's number of instances, and the timed change of its limits. */
export const autoscalingQuery = (id: string) =>
  queryOptions({
    queryKey: [...autoscalingKeys.all, id],
    queryFn: ({ signal }) => request<AutoscalingView>(address(id), { signal }),
    refetchInterval: (query) => (query.state.data?.timed ? 3000 : 30_000),
  });

/** What changed limits would do, computed by the server; nothing is written. */
export const limitsPreviewQuery = (id: string, input: ChangeLimitsInput | null) =>
  queryOptions({
    queryKey: [...autoscalingKeys.all, "preview", id, input],
    queryFn: ({ signal }) => request<LimitsPreview>(`${address(id)}?dryRun=true`, { method: "POST", body: input, signal }),
    enabled: input !== null,
    staleTime: 0,
    gcTime: 0,
    retry: false,
  });

export const changeLimits = (id: string, input: ChangeLimitsInput, key: string) =>
  request<unknown>(address(id), { method: "POST", body: input, headers: keyHeader(key) });
export const restoreLimits = (id: string, reason: string, key: string) =>
  request<unknown>(`${address(id)}/revert`, { method: "POST", body: { reason }, headers: keyHeader(key) });
