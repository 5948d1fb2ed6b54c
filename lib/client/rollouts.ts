import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import {
  type ListStrategy,
  mostMeasurements,
  type Page,
  type RolloutCommands,
  type RolloutDetail,
  type RolloutState,
  type RolloutView,
} from "#lib/domain/rollouts/schemas.ts";
import type { Blocker, PreflightRecord } from "#lib/domain/rollouts/start/start-schemas.ts";
import { queryString, request } from "./api.ts";

export const rolloutKeys = { all: ["rollouts"] as const };

export type RolloutFilter = { namespace?: string; service?: string; state?: RolloutState; strategy?: ListStrategy };

/** Whether nothing more comes by itself; who retries an aborted one brings it back. */
export const isOver = (state: RolloutState) =>
  state === "complete" || state === "failed" || state === "superseded" || state === "aborted";

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

const rolloutAddress = (id: string) => `/api/rollouts/${encodeURIComponent(id)}`;

type Asked = { held: RolloutDetail | undefined; waitSeconds?: number; signal: AbortSignal };

/** The server tells of measurements and events only what is new since the version that is held. */
async function askRollout(id: string, { held, waitSeconds, signal }: Asked): Promise<RolloutDetail> {
  const address = `${rolloutAddress(id)}${queryString({ after: held?.version, waitSeconds })}`;
  const answer = await request<RolloutDetail>(address, { signal });
  if (!held || answer.after !== held.version) return answer;
  return {
    ...answer,
    measurements: [...held.measurements, ...answer.measurements].slice(-mostMeasurements),
    events: [...held.events, ...answer.events],
  };
}

/** One rollout, asked every second until it is over. */
export const rolloutQuery = (id: string) =>
  queryOptions({
    queryKey: [...rolloutKeys.all, "one", id],
    queryFn: ({ client, queryKey, signal }): Promise<RolloutView> =>
      askRollout(id, { held: client.getQueryData<RolloutDetail>(queryKey), signal }),
    refetchInterval: (query) => (query.state.data && isOver(query.state.data.state) ? false : 1000),
  });

const mostWaitSeconds = 25;

/**
 * One rollout with all of its steps, measurements and events. While its strategy is carried out the server answers with the
 * next change, or with the same after `mostWaitSeconds`; what is only followed is asked every second, as rolloutQuery does.
 */
export const rolloutDetailQuery = (id: string) =>
  queryOptions({
    queryKey: [...rolloutKeys.all, "detail", id],
    queryFn: ({ client, queryKey, signal }) => {
      const held = client.getQueryData<RolloutDetail>(queryKey);
      const waits = held !== undefined && held.strategy !== null && !isOver(held.state);
      return askRollout(id, { held, waitSeconds: waits ? mostWaitSeconds : undefined, signal });
    },
    refetchInterval: ({ state: { data, status } }) => {
      if (status === "error") return 3000;
      if (!data) return 1000;
      if (isOver(data.state)) return 15_000;
      return data.strategy === null ? 1000 : 250;
    },
  });

/** What was found before it began, and who answered for what; it never changes. */
export const rolloutPreflightQuery = (id: string) =>
  queryOptions({
    queryKey: ["rollout-preflight", id],
    queryFn: ({ signal }) => request<PreflightRecord | null>(`${rolloutAddress(id)}/preflight`, { signal }),
    staleTime: Number.POSITIVE_INFINITY,
  });

/** What keeps an aborted rollout from being retried now; asked again while somebody looks at it. */
export const retryBlockersQuery = (id: string) =>
  queryOptions({
    queryKey: [...rolloutKeys.all, "retry", id],
    queryFn: ({ signal }) => request<Blocker[]>(`${rolloutAddress(id)}/blockers`, { signal }),
    refetchInterval: 5000,
  });

export type RolloutCommand = keyof RolloutCommands;

/** Why, and with a retry whether an administrator overrides what keeps it from beginning. */
export type RolloutOrder = { reason: string; override?: true };

/** What a person decides about a running rollout. The same key with the same reason is done once, however often it is sent. */
export const sendRolloutCommand = (id: string, command: RolloutCommand, order: RolloutOrder, idempotencyKey: string) =>
  request<unknown>(`${rolloutAddress(id)}/${command}`, {
    method: "POST",
    body: order,
    headers: { "idempotency-key": idempotencyKey },
  });
