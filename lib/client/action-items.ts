import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import type {
  ChangeItemInput,
  CreateItemInput,
  ItemCommand,
  ItemCommandInput,
  ItemView,
  ListItemsInput,
} from "#lib/domain/incidents/action-items/schemas.ts";
import type { Page } from "#lib/domain/rollouts/schemas.ts";
import { queryString, request } from "./api.ts";

export const itemKeys = { all: ["action-items"] as const };

export type ItemFilter = Omit<ListItemsInput, "cursor" | "limit">;

/** What people call it by. */
export const itemName = ({ number }: Pick<ItemView, "number">) => `AI-${number}`;

/** Action items, the most overdue first, a page at a time. */
export const itemsQuery = (filter: ItemFilter) =>
  infiniteQueryOptions({
    queryKey: [...itemKeys.all, "list", filter],
    queryFn: ({ pageParam, signal }) =>
      request<Page<ItemView>>(`/api/action-items${queryString({ ...filter, cursor: pageParam, limit: 50 })}`, { signal }),
    initialPageParam: null as string | null,
    getNextPageParam: (last) => last.nextCursor,
    refetchInterval: 10_000,
  });

/** All items of one incident. */
export const incidentItemsQuery = (incidentId: string) =>
  queryOptions({
    queryKey: [...itemKeys.all, "of", incidentId],
    queryFn: ({ signal }) =>
      request<Page<ItemView>>(`/api/action-items${queryString({ incidentId, limit: 200 })}`, { signal }).then(
        ({ items }) => items,
      ),
    refetchInterval: 5000,
  });

const addressOf = (id: string) => `/api/action-items/${encodeURIComponent(id)}`;

/** The same key with the same input makes one item, however often it is sent. */
export const createItem = (input: CreateItemInput, key: string) =>
  request<ItemView>("/api/action-items", { method: "POST", body: input, headers: { "idempotency-key": key } });
export const changeItem = (id: string, input: ChangeItemInput) =>
  request<ItemView>(addressOf(id), { method: "PATCH", body: input });
/** The same key with the same input does it once, however often it is sent. */
export const sendItemCommand = (id: string, command: ItemCommand, input: ItemCommandInput, key: string) =>
  request<ItemView>(`${addressOf(id)}/${command}`, { method: "POST", body: input, headers: { "idempotency-key": key } });
