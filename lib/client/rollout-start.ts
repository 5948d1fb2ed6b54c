import { keepPreviousData, queryOptions } from "@tanstack/react-query";
import type { ActionResult } from "#lib/domain/actions/schemas.ts";
import type { Preflight, PreflightInput, RolloutOptions, StartRolloutInput } from "#lib/domain/rollouts/start/start-schemas.ts";
import { request, serviceAddress } from "./api.ts";

const address = (id: string) => `${serviceAddress(id)}/rollouts`;

export const rolloutStartKeys = { all: ["rollout-start"] as const };

/** What the form to start a rollout begins with; read anew whenever the form is opened. */
export const rolloutOptionsQuery = (id: string) =>
  queryOptions({
    queryKey: [...rolloutStartKeys.all, "options", id],
    queryFn: ({ signal }) => request<RolloutOptions>(`${address(id)}/options`, { signal }),
    staleTime: 0,
    gcTime: 0,
  });

/** What a rollout would do and what speaks against it now; nothing is written. Asked again while the page is open. */
export const preflightQuery = (id: string, input: PreflightInput | null) =>
  queryOptions({
    queryKey: [...rolloutStartKeys.all, "preflight", id, input],
    queryFn: ({ signal }) => request<Preflight>(`${address(id)}/preflight`, { method: "POST", body: input, signal }),
    enabled: input !== null,
    staleTime: 0,
    gcTime: 0,
    retry: false,
    placeholderData: keepPreviousData,
    refetchInterval: 15_000,
  });

/** Starts it. The same key with the same input is answered once, however often it is sent. */
export const startRollout = (id: string, input: StartRolloutInput, idempotencyKey: string) =>
  request<ActionResult>(address(id), {
    method: "POST",
    body: input,
    headers: { "idempotency-key": idempotencyKey },
  });
