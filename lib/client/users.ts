import { queryOptions } from "@tanstack/react-query";
import type {
  ChangePasswordInput,
  CreatedToken,
  CreateTokenInput,
  CreateUserInput,
  PersonView,
  SessionView,
  TokenView,
  UpdateUserInput,
  UserView,
} from "#lib/domain/users/schemas.ts";
import { request } from "./api.ts";

export const userKeys = {
  session: ["session"] as const,
  users: ["users"] as const,
  people: ["people"] as const,
  tokens: ["tokens"] as const,
};

export const sessionQuery = queryOptions({
  queryKey: userKeys.session,
  queryFn: ({ signal }) => request<SessionView>("/api/session", { signal }),
  staleTime: 60_000,
});

export const usersQuery = queryOptions({
  queryKey: userKeys.users,
  queryFn: async ({ signal }) => listOf<UserView>(await request("/api/users", { signal }), "users"),
});

/** Who may be named as owner, commander or responder. */
export const peopleQuery = queryOptions({
  queryKey: userKeys.people,
  queryFn: ({ signal }) => request<PersonView[]>("/api/people", { signal }),
  staleTime: 60_000,
});

export const tokensQuery = queryOptions({
  queryKey: userKeys.tokens,
  queryFn: async ({ signal }) => listOf<TokenView>(await request("/api/tokens", { signal }), "tokens"),
});

/** Lists come bare, as a page, or under their own name. */
function listOf<T>(answer: T[] | { items?: T[] } | Record<string, T[]>, name: string): T[] {
  if (Array.isArray(answer)) return answer;
  return (answer as { items?: T[] }).items ?? (answer as Record<string, T[]>)[name] ?? [];
}

export const createUser = (input: CreateUserInput) => request<UserView>("/api/users", { method: "POST", body: input });
export const updateUser = (id: string, input: UpdateUserInput) =>
  request<UserView>(`/api/users/${encodeURIComponent(id)}`, { method: "PATCH", body: input });
export const createToken = (input: CreateTokenInput) => request<CreatedToken>("/api/tokens", { method: "POST", body: input });
export const revokeToken = (id: string) => request<unknown>(`/api/tokens/${encodeURIComponent(id)}`, { method: "DELETE" });
export const changePassword = (input: ChangePasswordInput) =>
  request<unknown>("/api/account/password", { method: "POST", body: input });
