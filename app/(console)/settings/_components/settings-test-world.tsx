import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { render } from "@testing-library/react";
import type { ReactNode } from "react";
import { userKeys } from "#lib/client/users.ts";
import type { Role } from "#lib/domain/users/schemas.ts";
import { TooltipProvider } from "../../../ui/tooltip.tsx";

export type Sent = { method: string; path: string; body: unknown };

/** A server that notes what is sent to it and answers as it is told to; for tests. */
export function stubServer(answer: (sent: Sent) => Response | undefined): { sent: Sent[]; fetch: typeof fetch } {
  const sent: Sent[] = [];
  const fetch = async (url: string | URL | Request, init: RequestInit = {}) => {
    const request = { method: init.method ?? "GET", path: String(url), body: init.body ? JSON.parse(String(init.body)) : null };
    if (request.method !== "GET" && !request.path.endsWith("/preview")) sent.push(request);
    return answer(request) ?? Response.json({});
  };
  return { sent, fetch: fetch as typeof globalThis.fetch };
}

/** The server's answer to an input that is not valid. */
export const invalid = (fields: Record<string, string[]>) =>
  Response.json({ code: "invalid-input", detail: "Not valid.", fields }, { status: 422 });

export function show(children: ReactNode, role: Role = "admin"): void {
  const queries = new QueryClient({ defaultOptions: { queries: { retry: false, staleTime: 60_000 } } });
  queries.setQueryData(userKeys.session, { username: "ana", name: "Ana", role });
  render(
    <QueryClientProvider client={queries}>
      <TooltipProvider>{children}</TooltipProvider>
    </QueryClientProvider>,
  );
}
