import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import type {
  CommentView,
  Impact,
  ListedPostmortem,
  ListPostmortemsInput,
  PostmortemAnswer,
  PostmortemCommand,
  PostmortemCommandInput,
  PostmortemFacts,
  PostmortemNews,
  PostmortemView,
  SaveAnswer,
  SaveInput,
  VersionView,
} from "#lib/domain/incidents/postmortem/schemas.ts";
import type { IncidentChange } from "#lib/domain/incidents/schemas.ts";
import type { Page } from "#lib/domain/rollouts/schemas.ts";
import { newIdempotencyKey } from "./actions.ts";
import { queryString, request } from "./api.ts";

export const postmortemKeys = { all: ["postmortems"] as const };

const addressOf = (id: string) => `/api/incidents/${encodeURIComponent(id)}/postmortem`;

/** The postmortem of an incident; asked often, as others may write in it, but for the text only when it is another. */
export const postmortemQuery = (id: string) =>
  queryOptions({
    queryKey: [...postmortemKeys.all, id],
    queryFn: async ({ client, queryKey, signal }) => {
      const held = client.getQueryData<PostmortemAnswer>(queryKey)?.postmortem;
      const news = await request<PostmortemNews>(`${addressOf(id)}${queryString({ after: held?.version })}`, { signal });
      return withText(news, held?.text ?? "");
    },
    refetchInterval: 2000,
  });

/** The postmortem as it is now, whatever the page holds of it. */
export const readPostmortem = (id: string) => request<PostmortemAnswer>(addressOf(id));

/** An answer with the text that was held where it has none. */
function withText({ postmortem, ...answer }: PostmortemNews, held: string): PostmortemAnswer {
  return { ...answer, postmortem: postmortem && { ...postmortem, text: postmortem.text ?? held } };
}

/** What is known of the incident; after its postmortem is published it stays as it is. */
export const postmortemFactsQuery = (id: string) =>
  queryOptions({
    queryKey: [...postmortemKeys.all, id, "facts"],
    queryFn: ({ signal }) => request<PostmortemFacts>(`${addressOf(id)}/facts`, { signal }),
    refetchInterval: ({ state }) => (state.data?.isFrozen ? 60_000 : 10_000),
  });

export type PostmortemFilter = Omit<ListPostmortemsInput, "cursor" | "limit">;

/** Postmortems by the incident's impact, the latest first, a page at a time. */
export const postmortemsQuery = (filter: PostmortemFilter) =>
  infiniteQueryOptions({
    queryKey: [...postmortemKeys.all, "list", filter],
    queryFn: ({ pageParam, signal }) =>
      request<Page<ListedPostmortem>>(`/api/postmortems${queryString({ ...filter, cursor: pageParam, limit: 50 })}`, { signal }),
    initialPageParam: null as string | null,
    getNextPageParam: (last) => last.nextCursor,
    refetchInterval: 10_000,
  });

export const postmortemVersionsQuery = (id: string) =>
  queryOptions({
    queryKey: [...postmortemKeys.all, id, "versions"],
    queryFn: ({ signal }) => request<{ items: VersionView[] }>(`${addressOf(id)}/versions`, { signal }),
    refetchInterval: 5000,
  });

/** The text of one version; a version that a later one has swallowed is gone. */
export const postmortemVersionQuery = (id: string, version: number) =>
  queryOptions({
    queryKey: [...postmortemKeys.all, id, "versions", version],
    queryFn: ({ signal }) => request<{ version: number; text: string }>(`${addressOf(id)}/versions/${version}`, { signal }),
    staleTime: Number.POSITIVE_INFINITY,
  });

export const startPostmortem = (id: string) =>
  request<IncidentChange>(addressOf(id), { method: "POST", body: {}, headers: { "idempotency-key": newIdempotencyKey() } });
export const savePostmortem = (id: string, input: SaveInput) =>
  request<SaveAnswer>(addressOf(id), { method: "PUT", body: input });
export const changePostmortemOwner = (id: string, owner: string) =>
  request<PostmortemView>(addressOf(id), { method: "PATCH", body: { owner } });
export const sendPostmortemCommand = (id: string, command: PostmortemCommand, input: PostmortemCommandInput = {}) =>
  request<IncidentChange>(`${addressOf(id)}/${command}`, {
    method: "POST",
    body: input,
    headers: { "idempotency-key": newIdempotencyKey() },
  });
export const measureImpact = (id: string) => request<Impact>(`${addressOf(id)}/impact`, { method: "POST", body: {} });
export const addComment = (id: string, input: { text: string; quote?: string | null }, key: string) =>
  request<CommentView>(`${addressOf(id)}/comments`, { method: "POST", body: input, headers: { "idempotency-key": key } });
export const changeComment = (id: string, commentId: string, input: { text?: string; isSettled?: boolean }) =>
  request<CommentView>(`${addressOf(id)}/comments/${encodeURIComponent(commentId)}`, { method: "PATCH", body: input });

export const removeComment = (id: string, commentId: string) =>
  request<void>(`${addressOf(id)}/comments/${encodeURIComponent(commentId)}`, { method: "DELETE" });

/** Where it is to be had as a file, or as a page to print. */
export const exportAddress = (id: string, format: "markdown" | "html") => `${addressOf(id)}/export?format=${format}`;
